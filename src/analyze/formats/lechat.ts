// Le Chat's export: one file per chat, a list of messages in no order, with or without chunks.
import type { Part } from '../conversation.ts';
import { draft, type Place } from './draft.ts';
import type { EntriesReader } from './format-reader.ts';
import { authorOf } from './roles.ts';
import { firstText, instant, isShape, list, type Shape, shapes, text, textsWithin } from './shape.ts';

export const lechat: EntriesReader = {
  recognises: (entry) =>
    typeof entry['chatId'] === 'string' && 'role' in entry && ('content' in entry || 'contentChunks' in entry),
  read: (entries, place) =>
    [...Map.groupBy(entries, (entry) => text(entry['chatId']))].map(([chat, messages], _, all) => {
      // The export has no titles: the file's name stands for one.
      const conversation = draft('lechat', place, { id: chat, title: all.length === 1 ? place.name : `chat-${chat}` });
      for (const message of inTime(messages)) {
        const { parts, unknown, failed } = contentOf(message);
        const author = authorOf(message['role']);
        conversation.say({
          author: author ?? 'system',
          parts: [...parts, ...canvasOf(message), ...filesOf(message, place)],
          at: instant(message['createdAt']),
          model: author === 'assistant' ? firstText(message['model']) : null,
          failed,
          unknown: author === null ? [...unknown, `role ${text(message['role'])}`] : unknown,
        });
      }
      return conversation.finish();
    }),
};

/** By their instants; those without one keep their place behind the one before. */
function inTime(messages: readonly Shape[]): Shape[] {
  let last = Number.NEGATIVE_INFINITY;
  const timed = messages.map((message, order) => {
    const ms = Date.parse(instant(message['createdAt']) ?? '');
    if (!Number.isNaN(ms)) last = ms;
    return { message, order, ms: last };
  });
  return timed.sort((a, b) => (a.ms === b.ms ? a.order - b.order : a.ms - b.ms)).map(({ message }) => message);
}

function contentOf(message: Shape): { parts: Part[]; unknown: string[]; failed: boolean } {
  const chunks = list(message['contentChunks']);
  const parts: Part[] = [];
  const unknown: string[] = [];
  let failed = false;
  for (const chunk of chunks) {
    if (typeof chunk === 'string') addText(parts, chunk);
    if (!isShape(chunk)) continue;
    const type = text(chunk['type']);
    if (type === 'text') addText(parts, text(chunk['text']));
    else if (type === 'tool_call') {
      if (chunk['success'] === false) failed = true;
      parts.push(...toolCall(chunk));
    } else if (type === 'image_url') parts.push({ kind: 'attachment', name: imageName(chunk), text: null });
    else if (type === 'thinking') addText(parts, textsWithin(chunk['thinking']).join('\n'));
    else if (type !== 'reference' && type !== 'custom_element') {
      unknown.push(`chunk ${type || '(no type)'}`);
      parts.push(...outputs(textsWithin(chunk)));
    } else parts.push(...outputs(type === 'custom_element' ? textsWithin(chunk) : []));
  }
  // `content` repeats the text of the chunks: it is read where they have none.
  const content = message['content'];
  if (!parts.some((part) => part.kind === 'prose'))
    addText(parts, typeof content === 'string' ? content : textsWithin(content).join('\n'));
  return { parts: joined(parts), unknown, failed };
}

function addText(parts: Part[], said: string): void {
  if (said !== '') parts.push({ kind: 'prose', text: said });
}

/** A text may be cut between chunks in the middle of a fence: it is put together before anything reads it. */
function joined(parts: readonly Part[]): Part[] {
  const out: Part[] = [];
  let open: { kind: 'prose'; text: string } | null = null;
  const aside: Part[] = [];
  for (const part of parts) {
    if (part.kind !== 'prose') {
      (open !== null && hasOpenFence(open.text) ? aside : out).push(part);
      if (aside.length === 0) open = null;
    } else if (open === null) {
      open = { ...part };
      out.push(open);
    } else {
      open.text += part.text;
      if (!hasOpenFence(open.text)) out.push(...aside.splice(0));
    }
  }
  return [...out, ...aside];
}

function hasOpenFence(said: string): boolean {
  return (said.match(/^ {0,3}(?:```|~~~)/gm)?.length ?? 0) % 2 === 1;
}

function toolCall(chunk: Shape): Part[] {
  const asked = text(chunk['publicArguments']);
  const answered = chunk['publicResult'];
  const runs = /code|python|interpreter/i.test(text(chunk['name']));
  return [
    ...(runs && asked !== '' ? [{ kind: 'code', text: codeIn(asked), language: 'python' } as const] : outputs([asked])),
    ...outputs(typeof answered === 'string' ? [answered] : textsWithin(answered)),
  ];
}

/** The arguments are code, or JSON that holds it. */
function codeIn(asked: string): string {
  try {
    const value: unknown = JSON.parse(asked);
    return isShape(value) ? (firstText(value['code'], value['source']) ?? asked) : asked;
  } catch {
    return asked;
  }
}

function outputs(said: readonly string[]): Part[] {
  const text = said.filter((s) => s !== '').join('\n');
  return text === '' ? [] : [{ kind: 'output', text }];
}

function imageName(chunk: Shape): string {
  const url = firstText(chunk['imageUrl'], isShape(chunk['imageUrl']) ? chunk['imageUrl']['url'] : null) ?? 'image';
  return url.startsWith('data:') ? 'image' : url;
}

/** The shape of a canvas's items is not promised: their text is read wherever it stands. */
function canvasOf(message: Shape): Part[] {
  return shapes(message['canvas']).flatMap((canvas): Part[] => {
    const code = firstText(canvas['content'], canvas['code'], canvas['text']);
    if (code === null) return outputs(textsWithin(canvas));
    const file = firstText(canvas['title'], canvas['name'], canvas['id']);
    const language = firstText(canvas['language'], canvas['type']);
    if (/markdown|text|document/i.test(language ?? '')) return [{ kind: 'prose', text: code }];
    return [{ kind: 'code', text: code, language, ...(file === null ? {} : { file }) }];
  });
}

function filesOf(message: Shape, { files = {} }: Place): Part[] {
  return shapes(message['files']).map((file) => {
    const name = firstText(file['name']) ?? 'attachment';
    const beside = Object.hasOwn(files, name) ? files[name] : null;
    return { kind: 'attachment', name, text: firstText(file['content'], file['text'], beside) };
  });
}
