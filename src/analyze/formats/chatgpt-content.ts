// What one ChatGPT message holds: the content types of its exports, each with the place of its text.
import type { Part } from '../conversation.ts';
import { firstText, isShape, list, type Shape, shape, shapes, text, textsWithin } from './shape.ts';

export interface Content {
  parts: Part[];
  unknown: string[];
  /** Set by what the user never sees: instructions, memory. */
  hidden: boolean;
}

type Read = (content: Shape) => Part[];

const prose = (value: unknown): Part[] => (text(value) === '' ? [] : [{ kind: 'prose', text: cited(text(value)) }]);
const output = (value: unknown): Part[] => (text(value) === '' ? [] : [{ kind: 'output', text: text(value) }]);
const lines = (...values: unknown[]) => values.filter((value) => text(value) !== '').join('\n');

const readers: Record<string, Read> = {
  code: (c) => {
    const language = text(c['language']);
    const code = firstText(c['text'], list(c['parts']).filter(isText).join('\n'));
    return code === null
      ? []
      : [{ kind: 'code', text: code, language: language === 'unknown' ? null : language || null }];
  },
  execution_output: (c) => output(firstText(c['text'], list(c['parts']).filter(isText).join('\n'))),
  thoughts: (c) =>
    prose(
      shapes(c['thoughts'])
        .map((t) => lines(t['summary'], t['content']))
        .join('\n\n'),
    ),
  reasoning_recap: (c) => prose(c['content']),
  user_editable_context: (c) => prose(lines(c['user_profile'], c['user_instructions'])),
  model_editable_context: (c) => prose(lines(c['model_set_context'], c['repository'], c['repo_summary'])),
  tether_quote: (c) => output(lines(c['title'], c['url'], c['text'])),
  tether_browsing_display: (c) => output(lines(c['summary'], c['result'])),
  tether_browsing_code: (c) => output(lines(c['text'], c['result'])),
  sonic_webpage: (c) => output(lines(c['title'], c['url'], c['text'] ?? c['snippet'])),
  system_error: (c) => output(lines(c['name'], c['text'])),
  citable_code_output: (c) => output(c['output_str']),
  computer_output: (c) => output(textsWithin(c['state']).join('\n')),
};

const hiddenTypes = new Set(['user_editable_context', 'model_editable_context']);
const silentParts = new Set([
  'image_asset_pointer',
  'audio_asset_pointer',
  'video_container_asset_pointer',
  'real_time_user_audio_video_asset_pointer',
]);

export function readContent(content: unknown): Content {
  if (typeof content === 'string') return { parts: prose(content), unknown: [], hidden: false };
  if (!isShape(content)) return { parts: [], unknown: content == null ? [] : ['(content)'], hidden: false };
  const type = text(content['content_type']);
  const hidden = hiddenTypes.has(type);
  if (type === 'text' || type === 'multimodal_text') return { ...readParts(content), hidden };
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (reader !== undefined) return { parts: reader(content), unknown: [], hidden };
  return { parts: output(cited(textsWithin(content).join('\n'))), unknown: [type || '(no content_type)'], hidden };
}

function readParts(content: Shape): { parts: Part[]; unknown: string[] } {
  const unknown: string[] = [];
  const parts = list(content['parts']).flatMap((part): Part[] => {
    if (typeof part === 'string') return prose(part);
    if (!isShape(part)) return [];
    const type = text(part['content_type']);
    if (silentParts.has(type)) return [{ kind: 'attachment', name: text(part['asset_pointer']) || type, text: null }];
    if (type === 'audio_transcription') return prose(part['text']);
    if (type === 'text' || (type === '' && text(part['text']) !== '')) return prose(part['text']);
    unknown.push(`part ${type}`);
    return output(textsWithin(part).join('\n'));
  });
  if (parts.length === 0) parts.push(...prose(content['text']));
  return { parts, unknown };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Files that the user sent: their names, and their text where the export has it. */
export function attachments(metadata: Shape): Part[] {
  return shapes(metadata['attachments']).map((file) => ({
    kind: 'attachment',
    name: text(file['name']) || text(file['id']) || 'attachment',
    text: firstText(file['extracted_content'], file['text'], shape(file['content'])['text']),
  }));
}

/** Without the marks of citations, which stand in private-use characters or 【brackets】 and would break fences and hashes. */
export function cited(value: string): string {
  return /[\uE200-\uE202\u3010]/.test(value)
    ? value
        .replace(/\uE200[^\uE200\uE201]{0,2000}\uE201/g, '')
        .replace(/[\uE200-\uE202]/g, '')
        .replace(/\u3010\d+(?::\d+)?\u2020[^\u3011\n]{0,300}\u3011/g, '')
    : value;
}
