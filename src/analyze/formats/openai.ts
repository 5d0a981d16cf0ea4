// OpenAI-style messages, as chat completions, the Responses API, Mistral, Ollama and Gemini's API write them.
import type { Part } from '../conversation.ts';
import { endingOf } from '../extract/file-names.ts';
import { type Draft, draft, type Place } from './draft.ts';
import type { ConversationReader, EntriesReader } from './format-reader.ts';
import { authorOf } from './roles.ts';
import { firstText, instant, isShape, list, parsed, type Shape, shape, shapes, text, textsWithin } from './shape.ts';

/** A message has a role and something said, asked or answered. */
export function isMessage(value: unknown): value is Shape {
  if (!isShape(value)) return false;
  if (typeof value['role'] === 'string' && authorOf(value['role']) !== null)
    return ['content', 'tool_calls', 'function_call', 'parts', 'refusal', 'text', 'audio'].some((key) => key in value);
  return isItem(value);
}

const itemTypes = new Set([
  'message',
  'function_call',
  'function_call_output',
  'reasoning',
  'custom_tool_call',
  'custom_tool_call_output',
  'local_shell_call',
  'local_shell_call_output',
  'code_interpreter_call',
  'web_search_call',
  'file_search_call',
  'computer_call',
  'computer_call_output',
  'image_generation_call',
  'mcp_call',
  'mcp_list_tools',
]);

/** An item of the Responses API. */
function isItem(value: Shape): boolean {
  const type = text(value['type']);
  if (!itemTypes.has(type)) return false;
  return type !== 'message' || 'content' in value;
}

export function sayItem(into: Draft, message: Shape, model: string | null): void {
  const type = text(message['type']);
  if (typeof message['role'] !== 'string' && itemTypes.has(type)) {
    sayCall(into, message, type, model);
    return;
  }
  const author = authorOf(message['role']);
  const { parts, unknown } = readContent(message['content'] ?? message['parts'] ?? message['text'], author === 'tool');
  const thought = firstText(message['reasoning_content'], message['thinking'], message['reasoning']);
  const calls = [
    ...shapes(message['tool_calls']),
    ...(isShape(message['function_call']) ? [{ function: message['function_call'] }] : []),
  ];
  const refused = text(message['refusal']);
  into.say({
    author: author ?? 'system',
    parts: [
      ...(thought === null ? [] : [{ kind: 'prose', text: thought } as const]),
      ...parts,
      ...(refused === '' ? [] : [{ kind: 'prose', text: refused } as const]),
      ...calls.flatMap(callParts),
      ...filesOf(message),
    ],
    at: instant(message['created_at'] ?? message['timestamp'] ?? message['createdAt'] ?? message['create_time']),
    model: author === 'assistant' ? firstText(message['model'], model) : null,
    unknown: author === null ? [...unknown, `role ${text(message['role'])}`] : unknown,
  });
}

/** Calls and their results are messages of their own in the Responses API. */
function sayCall(into: Draft, item: Shape, type: string, model: string | null): void {
  const at = instant(item['timestamp'] ?? item['created_at']);
  if (type.endsWith('_output')) {
    const output = parsedOutput(item['output']);
    into.say({ author: 'tool', parts: output.parts, at, failed: output.failed || item['status'] === 'incomplete' });
    return;
  }
  if (type === 'reasoning') {
    const said = [...textsWithin(item['summary']), ...textsWithin(item['content'])];
    into.say({ author: 'assistant', parts: prose(said.join('\n')), at, model });
    return;
  }
  into.say({
    author: 'assistant',
    parts: callParts({ ...item, function: item }),
    at,
    model,
    failed: item['status'] === 'failed' || item['error'] != null,
  });
}

/** Tools answer with text, or with JSON around it. */
function parsedOutput(output: unknown): { parts: Part[]; failed: boolean } {
  const value = typeof output === 'string' && output.startsWith('{') ? parsed(output) : output;
  const said = isShape(value)
    ? (firstText(value['output'], value['stdout'], value['content']) ?? textsWithin(value).join('\n'))
    : textsWithin(output).join('\n');
  const exit = isShape(value) ? (shape(value['metadata'])['exit_code'] ?? value['exit_code']) : undefined;
  return { parts: said === '' ? [] : [{ kind: 'output', text: said }], failed: typeof exit === 'number' && exit !== 0 };
}

const codeTools = /python|code_interpreter|execute_code|run_code|notebook/i;
const shellTools = /shell|bash|exec|terminal|run_command/i;

function callParts(call: Shape): Part[] {
  const asked = isShape(call['function']) ? call['function'] : call;
  const name = firstText(asked['name'], asked['type']) ?? '';
  const raw = asked['arguments'] ?? asked['input'] ?? asked['action'] ?? asked['code'];
  const given = typeof raw === 'string' ? (parsed(raw) ?? raw) : raw;
  if (typeof given === 'string') {
    if (given.trim() === '') return [];
    if (/^\*\*\* Begin Patch/.test(given)) return patchParts(given);
    const language = codeTools.test(name) ? 'python' : shellTools.test(name) ? 'bash' : null;
    return language === null ? [{ kind: 'output', text: given }] : [{ kind: 'code', text: given, language }];
  }
  if (!isShape(given)) return [];
  const command = given['command'] ?? given['cmd'];
  const shell = Array.isArray(command) ? command.map(String) : typeof command === 'string' ? [command] : [];
  const patch = shell.find((word) => word.includes('*** Begin Patch')) ?? firstText(given['patch'], given['input']);
  if (patch?.includes('*** Begin Patch') === true) return patchParts(patch);
  if (shell.length > 0 && shellTools.test(name || 'shell'))
    return [{ kind: 'code', text: plainShell(shell), language: 'bash' }];
  const code = firstText(given['code'], given['source']);
  if (code !== null) return [{ kind: 'code', text: code, language: codeTools.test(name) ? 'python' : null }];
  const file = firstText(given['path'], given['file_path'], given['filename']);
  const whole = firstText(given['content'], given['file_text'], given['contents']);
  if (file !== null && whole !== null) return [{ kind: 'code', text: whole, language: endingOf(file), file }];
  const said = textsWithin(given).join('\n');
  return said === '' ? [] : [{ kind: 'output', text: said }];
}

/** `["bash", "-lc", "make"]` is make. */
function plainShell(words: readonly string[]): string {
  return /^(?:\/bin\/)?(?:ba|z|da)?sh$/.test(words[0] ?? '') && /^-\w*c$/.test(words[1] ?? '')
    ? words.slice(2).join(' ')
    : words.join(' ');
}

/** The lines that a patch leaves in each file: what it takes out is gone. */
export function patchParts(patch: string): Part[] {
  return patch
    .split(/^\*\*\* (?:Add|Update) File: /m)
    .slice(1)
    .map((section): Part => {
      const [file = '', ...lines] = section.split('\n');
      const kept = lines.filter((line) => /^[+ ]/.test(line)).map((line) => line.slice(1));
      return { kind: 'code', text: kept.join('\n'), language: endingOf(file.trim()), file: file.trim() };
    });
}

export function readContent(content: unknown, isOutput: boolean): { parts: Part[]; unknown: string[] } {
  const said = (value: string): Part[] => (value === '' ? [] : [{ kind: isOutput ? 'output' : 'prose', text: value }]);
  if (typeof content === 'string') return { parts: said(content), unknown: [] };
  const unknown: string[] = [];
  const pieces = Array.isArray(content) ? list(content) : isShape(content) ? [content] : [];
  const parts = pieces.flatMap((piece): Part[] => {
    if (typeof piece === 'string') return said(piece);
    if (!isShape(piece)) return [];
    const type = text(piece['type']);
    if (textTypes.has(type)) return said(firstText(piece['text'], piece['value'], shape(piece['text'])['value']) ?? '');
    if (mediaTypes.has(type)) return [mediaOf(piece, type)];
    if (type === 'thinking' || type === 'reasoning')
      return prose(textsWithin(piece['thinking'] ?? piece['text'] ?? piece['summary']).join('\n'));
    if (type === 'refusal') return prose(text(piece['refusal']));
    if (type === 'reference' || type === 'document_url') return [];
    if (type === 'tool_use' || type === 'function_call')
      return callParts({ function: { ...piece, arguments: piece['arguments'] ?? piece['input'] } });
    if (type === 'tool_result') return parsedOutput(piece['content']).parts;
    if ('functionCall' in piece)
      return callParts({
        function: { name: shape(piece['functionCall'])['name'], arguments: shape(piece['functionCall'])['args'] },
      });
    if ('functionResponse' in piece) return parsedOutput(piece['functionResponse']).parts;
    if ('executableCode' in piece)
      return [
        {
          kind: 'code',
          text: text(shape(piece['executableCode'])['code']),
          language: text(shape(piece['executableCode'])['language']).toLowerCase() || null,
        },
      ];
    if ('inlineData' in piece || 'fileData' in piece)
      return [{ kind: 'attachment', name: firstText(shape(piece['fileData'])['fileUri']) ?? 'file', text: null }];
    if (type === '' && typeof piece['text'] === 'string') return said(piece['text']);
    unknown.push(`content ${type || '(no type)'}`);
    return said(textsWithin(piece).join('\n'));
  });
  return { parts, unknown };
}

const textTypes = new Set(['text', 'input_text', 'output_text', 'summary_text']);
const mediaTypes = new Set([
  'image_url',
  'input_image',
  'image_file',
  'image',
  'input_audio',
  'audio',
  'file',
  'input_file',
  'document',
]);

function mediaOf(piece: Shape, type: string): Part {
  const file = isShape(piece['file']) ? piece['file'] : piece;
  return {
    kind: 'attachment',
    name: firstText(file['filename'], file['name'], file['file_id']) ?? type,
    text: firstText(file['text'], file['content']),
  };
}

function filesOf(message: Shape): Part[] {
  return [...shapes(message['attachments']), ...shapes(message['files'])].map((file) => ({
    kind: 'attachment',
    name: firstText(file['name'], file['filename'], file['file_name'], file['file_id'], file['id']) ?? 'attachment',
    text: firstText(file['extracted_content'], file['content'], file['text']),
  }));
}

function prose(said: string): Part[] {
  return said === '' ? [] : [{ kind: 'prose', text: said }];
}

/** The messages of an envelope, with what was asked before and answered after, or null. */
function messagesOf(value: Shape): readonly unknown[] | null {
  const request = isShape(value['request']) ? value['request'] : isShape(value['body']) ? value['body'] : value;
  const asked =
    listOf(request['messages']) ??
    listOf(request['input']) ??
    listOf(request['contents']) ??
    listOf(value['turns']) ??
    listOf(value['history']);
  const response = isShape(value['response']) ? value['response'] : value;
  const answers = [
    ...shapes(response['choices']).map((choice) => choice['message'] ?? choice['delta']),
    ...list(response['output']),
    ...shapes(response['candidates']).map((candidate) => candidate['content']),
    ...(isMessage(response['message']) ? [response['message']] : []),
  ].filter(isMessage);
  const question = text(request['input']);
  const instructions = text(request['instructions']) || text(request['system']);
  const before = [
    ...(instructions === '' ? [] : [{ role: 'system', content: instructions }]),
    ...(question === '' ? [] : [{ role: 'user', content: question }]),
  ];
  const all = [...before, ...(asked ?? []), ...answers];
  return asked !== null || answers.length > 0 ? all : null;
}

function listOf(value: unknown): readonly unknown[] | null {
  return Array.isArray(value) && (value.length === 0 || value.some(isMessage)) ? value : null;
}

export const openai: ConversationReader = {
  recognises: (value) => {
    const messages = messagesOf(value);
    return messages !== null && (messages.length > 0 || Array.isArray(value['messages']));
  },
  read(value, place) {
    const request = shape(value['request'] ?? value['body']);
    const conversation = draft('openai', place, {
      id: firstText(value['id'], value['conversation_id'], value['uuid'], value['custom_id']),
      title: firstText(value['title'], value['name'], shape(value['metadata'])['title']),
    });
    const model = firstText(
      value['model'],
      request['model'],
      shape(value['response'])['model'],
      shape(value['metadata'])['model'],
    );
    sayAll(conversation, messagesOf(value) ?? [], model);
    return conversation.finish();
  },
};

export const openaiEntries: EntriesReader = {
  recognises: isMessage,
  read(entries, place: Place) {
    const conversation = draft('openai', place, { id: null, title: null });
    sayAll(conversation, entries, null);
    return [conversation.finish()];
  },
};

function sayAll(into: Draft, messages: readonly unknown[], model: string | null): void {
  for (const message of messages) {
    if (isShape(message)) sayItem(into, message, model);
    else into.say({ author: 'system', parts: prose(text(message)), unknown: ['(message)'] });
  }
}
