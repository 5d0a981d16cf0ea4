// Google AI Studio: one prompt per file, its chunks in order, with thoughts, code runs and regenerated answers.
import type { Part } from '../conversation.ts';
import { draft } from './draft.ts';
import type { ConversationReader } from './format-reader.ts';
import { readContent } from './openai.ts';
import { authorOf } from './roles.ts';
import { firstText, instant, isShape, list, type Shape, shape, shapes, text, textsWithin } from './shape.ts';

export const aistudio: ConversationReader = {
  recognises: (value) =>
    Array.isArray(shape(value['chunkedPrompt'])['chunks']) ||
    Array.isArray(shape(value['chunkedPrompt'])['pendingInputs']),
  read(value, place) {
    const conversation = draft('aistudio', place, {
      id: value['id'],
      title: firstText(value['displayName'], value['title']),
    });
    const model = firstText(shape(value['runSettings'])['model'])?.replace(/^models\//, '') ?? null;
    const instruction = textsWithin(value['systemInstruction']).join('\n');
    if (instruction !== '') conversation.say({ author: 'system', parts: [{ kind: 'prose', text: instruction }] });
    const prompt = shape(value['chunkedPrompt']);
    const chunks = [
      ...list(prompt['chunks']),
      ...list(prompt['pendingInputs']).filter((input) => textsWithin(shape(input)['text']).length > 0),
    ];
    for (const entry of chunks) {
      const chunk = shape(entry);
      const author = authorOf(chunk['role']);
      const { parts, unknown } = contentOf(chunk);
      conversation.say({
        author: author ?? 'system',
        parts,
        // An answer that was edited or made again stands beside the one that replaced it.
        branch: isReplaced(chunk) ? 'edited' : 'main',
        at: instant(chunk['createTime']),
        model: author === 'assistant' ? model : null,
        failed:
          text(chunk['errorMessage']) !== '' ||
          /FAILED|ERROR|DEADLINE/.test(text(shape(chunk['codeExecutionResult'])['outcome'])),
        unknown: author === null ? [...unknown, `role ${text(chunk['role'])}`] : unknown,
      });
    }
    return conversation.finish();
  },
};

function isReplaced(chunk: Shape): boolean {
  return isShape(chunk['branchParent']) && shapes(chunk['branchChildren']).length > 0;
}

const attachmentKeys = [
  'driveDocument',
  'driveImage',
  'driveAudio',
  'driveVideo',
  'inlineFile',
  'inlineImage',
  'inlineAudio',
  'youtubeVideo',
  'fileData',
  'inlineData',
];
const knownKeys = new Set([
  ...attachmentKeys,
  ...[
    'id',
    'role',
    'text',
    'parts',
    'isThought',
    'thinkingBudget',
    'tokenCount',
    'finishReason',
    'executableCode',
    'codeExecutionResult',
  ],
  ...[
    'createTime',
    'updateTime',
    'isEdited',
    'branchParent',
    'branchChildren',
    'grounding',
    'errorMessage',
    'safetyRatings',
    'thoughtSignatures',
  ],
  ...['thoughtSignature', 'isGeneratedUsingApiKey', 'functionCall', 'functionResponse', 'thinkingLevel'],
]);

function contentOf(chunk: Shape): { parts: Part[]; unknown: string[] } {
  const said = text(chunk['text']);
  // `parts` repeats `text`, piece by piece.
  const inner =
    said === '' ? readContent(chunk['parts'], false) : { parts: [{ kind: 'prose', text: said } as const], unknown: [] };
  const code = shape(chunk['executableCode']);
  const ran = shape(chunk['codeExecutionResult']);
  const unknown = Object.keys(chunk).filter((key) => !knownKeys.has(key) && textsWithin(chunk[key]).length > 0);
  const parts: Part[] = [
    ...inner.parts,
    ...(text(code['code']) === ''
      ? []
      : [{ kind: 'code', text: text(code['code']), language: text(code['language']).toLowerCase() || null } as const]),
    ...outputs(text(ran['output'])),
    ...outputs(text(chunk['errorMessage'])),
    ...readContent(
      [chunk].filter((c) => 'functionCall' in c || 'functionResponse' in c),
      false,
    ).parts,
    ...attachmentKeys
      .filter((key) => isShape(chunk[key]))
      .map((key): Part => {
        const file = shape(chunk[key]);
        return {
          kind: 'attachment',
          name: firstText(file['name'], file['fileName'], file['id']) ?? key,
          text: firstText(file['text']),
        };
      }),
    ...unknown.flatMap((key) => outputs(textsWithin(chunk[key]).join('\n'))),
  ];
  return { parts, unknown: [...inner.unknown, ...unknown.map((key) => `chunk ${key}`)] };
}

function outputs(said: string): Part[] {
  return said === '' ? [] : [{ kind: 'output', text: said }];
}
