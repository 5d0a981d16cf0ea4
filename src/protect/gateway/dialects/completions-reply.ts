// The answers of OpenAI's and Mistral's chat completions, whole and streamed, read and written.
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import { createSseParser, formatSse } from '../../../platform/wire/sse.ts';
import {
  type ErrorView,
  type FinishReason,
  MalformedReply,
  type ModelCard,
  type ReplyEvent,
  type ReplyHead,
  type ReplyReader,
  type ReplyWriter,
  UpstreamFailed,
  type Usage,
} from './dialect.ts';
import { asList, asObject, countOr, objectOr, parseReply, readModelName, textOr } from './json-reading.ts';
import { mintToolId } from './tool-ids.ts';

/** Of chat completions, or of text completions, whose choices hold a text instead of a message. */
export type Form = 'chat' | 'text';

/** Throws MalformedReply. */
export function readCompletionsReply(body: Json, form: Form = 'chat'): ReplyEvent[] {
  const root = asObject(body);
  const choices = asList(root['choices']);
  if (choices.length === 0) throw new MalformedReply('read a choice');
  const events = readModelName(root['model']);
  for (const entry of choices) {
    const choice = asObject(entry);
    const index = countOr(choice['index'], 0);
    events.push(
      ...readDelta(index, form === 'chat' ? asObject(choice['message']) : saidIn(choice), choice['logprobs']),
    );
    events.push({ kind: 'finish', index, reason: readReason(choice['finish_reason']) ?? 'stop' });
  }
  return [...events, ...readUsage(root['usage'])];
}

/** Throws MalformedReply. */
function saidIn({ text }: JsonObject): JsonObject {
  if (typeof text !== 'string') throw new MalformedReply('read a text');
  return { content: text };
}

export function createCompletionsReader(take: (event: ReplyEvent) => void, form: Form = 'chat'): ReplyReader {
  let done = false;
  let named = false;
  const parser = createSseParser(({ event, data }) => {
    if (done) return;
    if (data === '[DONE]') {
      done = true;
      return;
    }
    const chunk = asObject(parseReply(data));
    if (event === 'error' || chunk['error'] !== undefined || chunk['object'] === 'error') throw new UpstreamFailed();
    if (!named) {
      named = true;
      for (const read of readModelName(chunk['model'])) take(read);
    }
    for (const entry of asList(chunk['choices'])) {
      const choice = asObject(entry);
      const index = countOr(choice['index'], 0);
      const said = form === 'chat' ? (objectOr(choice['delta']) ?? {}) : { content: textOr(choice['text']) ?? '' };
      for (const read of readDelta(index, said, choice['logprobs'])) take(read);
      const reason = readReason(choice['finish_reason']);
      if (reason !== undefined) take({ kind: 'finish', index, reason });
    }
    for (const usage of readUsage(chunk['usage'])) take(usage);
  });
  return {
    push: parser.push,
    end: () => {
      parser.end();
      return done ? 'whole' : 'cut';
    },
  };
}

/** `unsaid` stands for arguments that are not there: in a stream they come later. */
function readDelta(index: number, from: JsonObject, logprobs: Json | undefined, unsaid = ''): ReplyEvent[] {
  const { text, thinking } = readContent(from['content']);
  const thought = thinking ?? textOr(from['reasoning_content']) ?? textOr(from['reasoning']);
  const tools = from['tool_calls'];
  const calls =
    Array.isArray(tools) && tools.length > 0 ? tools.map((call, at) => readToolCall(call, at, unsaid)) : undefined;
  const event: ReplyEvent = { kind: 'delta', index };
  if (text !== undefined && text !== '') event.text = text;
  if (thought !== undefined && thought !== '') event.thinking = thought;
  if (calls !== undefined) event.toolCalls = calls;
  if (objectOr(logprobs) !== undefined) event.logprobs = logprobs!;
  return Object.keys(event).length > 2 ? [event] : [];
}

/** Mistral's content may be a list of chunks, thinking among them. */
function readContent(content: Json | undefined): { text?: string; thinking?: string } {
  if (typeof content === 'string') return { text: content };
  if (!Array.isArray(content)) return {};
  let text = '';
  let thinking = '';
  for (const entry of content) {
    const chunk = asObject(entry);
    if (chunk['type'] === 'text') text += textOr(chunk['text']) ?? '';
    if (chunk['type'] === 'thinking') thinking += readContent(chunk['thinking']).text ?? '';
  }
  return { text, thinking };
}

function readToolCall(entry: Json, position: number, unsaid: string): JsonObject {
  const call = asObject(entry);
  const from = asObject(call['function']);
  const args = from['arguments'];
  const name = textOr(from['name']);
  const id = textOr(call['id']);
  return {
    index: countOr(call['index'], position),
    ...(id === undefined ? {} : { id }),
    // Mistral may send an object where OpenAI's grammar has a string.
    function: {
      ...(name === undefined ? {} : { name }),
      arguments: typeof args === 'string' ? args : (args ?? null) === null ? unsaid : JSON.stringify(args),
    },
  };
}

function readReason(value: Json | undefined): FinishReason | undefined {
  switch (value) {
    case undefined:
    case null:
      return undefined;
    case 'length':
    case 'model_length':
      return 'length';
    case 'tool_calls':
    case 'content_filter':
    case 'error':
      return value;
    default:
      return 'stop';
  }
}

function readUsage(value: Json | undefined): ReplyEvent[] {
  const usage = objectOr(value);
  if (usage === undefined) return [];
  return [
    {
      kind: 'usage',
      usage: {
        promptTokens: countOr(usage['prompt_tokens'], 0),
        completionTokens: countOr(usage['completion_tokens'], 0),
      },
    },
  ];
}

interface Choice {
  text: string;
  thinking: string;
  toolCalls: Json[];
  logprobs: Json;
  reason: FinishReason;
}

type Family = 'openai' | 'mistral';

export function writeCompletionsReply(
  events: readonly ReplyEvent[],
  head: ReplyHead,
  family: Family,
  form: Form = 'chat',
): JsonObject {
  const choices: Choice[] = [];
  let { model } = head;
  let usage: Usage | undefined;
  for (const event of events) {
    if (event.kind === 'model') {
      model = event.model;
      continue;
    }
    if (event.kind === 'usage') {
      usage = event.usage;
      continue;
    }
    if (event.kind === 'embedding') continue;
    choices[event.index] ??= { text: '', thinking: '', toolCalls: [], logprobs: null, reason: 'stop' };
    const choice = choices[event.index]!;
    if (event.kind === 'finish') choice.reason = event.reason;
    else {
      choice.text += event.text ?? '';
      choice.thinking += event.thinking ?? '';
      choice.toolCalls.push(...(event.toolCalls ?? []));
      choice.logprobs = event.logprobs ?? choice.logprobs;
    }
  }
  const write = form === 'chat' ? writeChoice : writeTextChoice;
  const calls = createCallWriter(head, family);
  return {
    id: idOf(head, form),
    object: form === 'chat' ? 'chat.completion' : 'text_completion',
    created: Math.floor(head.createdAt / 1_000),
    model,
    choices: choices.flatMap((choice, index) => [
      write({ ...choice, toolCalls: choice.toolCalls.map((call) => calls(index, call)) }, index),
    ]),
    usage: writeUsage(usage ?? { promptTokens: 0, completionTokens: 0 }),
  };
}

function idOf({ id }: ReplyHead, form: Form): string {
  return form === 'chat' ? id : id.replace(/^chat/, '');
}

function writeTextChoice({ text, logprobs, reason }: Choice, index: number): JsonObject {
  return { text, index, logprobs, finish_reason: reason };
}

function writeChoice({ text, thinking, toolCalls, logprobs, reason }: Choice, index: number): JsonObject {
  return {
    index,
    message: {
      role: 'assistant',
      content: text === '' && toolCalls.length > 0 ? null : text,
      ...(thinking === '' ? {} : { reasoning: thinking }),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    },
    logprobs,
    finish_reason: reason,
  };
}

/** A call, or the next piece of one, in this family's form: arguments as a string, and an id at its first sight. */
function createCallWriter(head: ReplyHead, family: Family): (choice: number, call: Json) => JsonObject {
  const begun = new Set<string>();
  return (choice, piece) => {
    const call = objectOr(piece) ?? {};
    const { name, arguments: args } = objectOr(call['function']) ?? {};
    const index = countOr(call['index'], 0);
    const place = `${choice} ${index}`;
    const isFirst = !begun.has(place);
    begun.add(place);
    const id = textOr(call['id']) ?? (isFirst ? mintToolId(`${head.id} ${choice}`, index, family) : undefined);
    return {
      index,
      ...(id === undefined ? {} : { id }),
      ...(isFirst ? { type: 'function' } : {}),
      function: {
        ...(name === undefined ? {} : { name }),
        arguments: typeof args === 'string' ? args : JSON.stringify(args ?? {}),
      },
    };
  };
}

function writeUsage({ promptTokens, completionTokens }: Usage): JsonObject {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

/** `failure` is the dialect's own error body. */
export function createCompletionsWriter(
  head: ReplyHead,
  includeUsage: boolean,
  failure: (error: ErrorView) => JsonObject,
  family: Family,
  form: Form = 'chat',
): ReplyWriter {
  const begun = new Set<number>();
  const calls = createCallWriter(head, family);
  let { model } = head;
  const frame = (choices: Json[], more: JsonObject = {}) =>
    formatSse(
      JSON.stringify({
        id: idOf(head, form),
        object: form === 'chat' ? 'chat.completion.chunk' : 'text_completion',
        created: Math.floor(head.createdAt / 1_000),
        model,
        choices,
        ...more,
      }),
    );
  // Mistral tells its usage in the frame that ends the last choice, and its clients read no frame without one.
  const holdsFinish = family === 'mistral';
  let held: Json | undefined;
  function letGo(more: JsonObject = {}): string {
    if (held === undefined) return '';
    const text = frame([held], more);
    held = undefined;
    return text;
  }
  function finish(choice: Json): string {
    if (!holdsFinish) return frame([choice]);
    const before = letGo();
    held = choice;
    return before;
  }
  return {
    contentType: 'text/event-stream; charset=utf-8',
    write(event) {
      if (event.kind === 'model') {
        model = event.model;
        return '';
      }
      if (event.kind === 'usage') {
        const usage = { usage: writeUsage(event.usage) };
        if (holdsFinish) return letGo(usage);
        return includeUsage ? frame([], usage) : '';
      }
      if (event.kind === 'embedding') return '';
      const logprobs = event.kind === 'delta' && event.logprobs !== undefined ? { logprobs: event.logprobs } : {};
      if (form === 'text') {
        const reason = event.kind === 'finish' ? event.reason : null;
        const text = event.kind === 'finish' ? '' : (event.text ?? '');
        const choice = { text, index: event.index, logprobs: null, ...logprobs, finish_reason: reason };
        return event.kind === 'finish' ? finish(choice) : frame([choice]);
      }
      const delta: JsonObject = {};
      if (!begun.has(event.index)) {
        begun.add(event.index);
        delta['role'] = 'assistant';
        delta['content'] = '';
      }
      if (event.kind === 'finish') return finish({ index: event.index, delta, finish_reason: event.reason });
      if (event.text !== undefined) delta['content'] = event.text;
      if (event.thinking !== undefined) delta['reasoning'] = event.thinking;
      if (event.toolCalls !== undefined) delta['tool_calls'] = event.toolCalls.map((call) => calls(event.index, call));
      return frame([{ index: event.index, delta, ...logprobs, finish_reason: null }]);
    },
    end: () => `${letGo()}data: [DONE]\n\n`,
    fail: (error) => formatSse(JSON.stringify(failure(error))),
  };
}

export function readCompletionsModels(body: Json): ModelCard[] {
  return asList(asObject(body)['data']).flatMap((entry) => {
    const card = objectOr(entry);
    const id = textOr(card?.['id']);
    return id === undefined ? [] : [{ id, createdAt: countOr(card?.['created'], 0) * 1_000 }];
  });
}
