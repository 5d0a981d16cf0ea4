// Reads the answers of OpenAI's and Mistral's completions, whole and streamed, and their lists of models.
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import { createSseParser } from '../../../platform/wire/sse.ts';
import {
  type FinishReason,
  MalformedReply,
  type ModelCard,
  type ReplyEvent,
  type ReplyReader,
  UpstreamFailed,
} from './dialect.ts';
import { asList, asObject, countOr, objectOr, parseReply, readModelName, textOr } from './json-reading.ts';

/** Of chat completions, or of text completions, whose choices hold a text instead of a message. */
export type Form = 'chat' | 'text';

/** Throws MalformedReply. */
export function readCompletionsReply(body: Json, form: Form = 'chat'): ReplyEvent[] {
  const root = asObject(body);
  const choices = asList(root['choices']);
  if (choices.length === 0) throw new MalformedReply('read a choice');
  const events = readModel(root);
  for (const entry of choices) {
    const choice = asObject(entry);
    const index = placeOf(choice);
    events.push(
      ...readDelta(index, form === 'chat' ? asObject(choice['message']) : saidIn(choice), choice['logprobs']),
    );
    events.push({ kind: 'finish', index, reason: readReason(choice['finish_reason']) ?? 'stop' });
  }
  return [...events, ...readUsage(root['usage'])];
}

/** More than anybody can ask for: 64 prompts with 16 answers each. What is built for each must not be many. */
const mostChoices = 1_024;

/** Throws MalformedReply. */
function placeOf({ index: given }: JsonObject): number {
  const index = countOr(given, 0);
  if (index >= mostChoices) throw new MalformedReply('read a choice that was asked for');
  return index;
}

/** An Ollama behind this form says who it is. */
function readModel({ model, system_fingerprint: server }: JsonObject): ReplyEvent[] {
  const [event] = readModelName(model);
  if (event?.kind === 'model' && server === 'fp_ollama') event.isOllama = true;
  return event === undefined ? [] : [event];
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
    // Some servers keep a connection warm with events that hold nothing.
    if (data === '') return;
    const chunk = asObject(parseReply(data));
    if (event === 'error' || chunk['error'] !== undefined || chunk['object'] === 'error') throw new UpstreamFailed();
    if (!named) {
      named = true;
      for (const read of readModel(chunk)) take(read);
    }
    // A server written in Go says null for a list without entries.
    for (const entry of asList(chunk['choices'] === null ? [] : chunk['choices'])) {
      const choice = asObject(entry);
      const index = placeOf(choice);
      const said = form === 'chat' ? (objectOr(choice['delta']) ?? {}) : { content: textOr(choice['text']) ?? '' };
      for (const read of readDelta(index, said, choice['logprobs'])) take(read);
      const reason = readReason(choice['finish_reason']);
      if (reason !== undefined) take({ kind: 'finish', index, reason });
    }
    for (const usage of readUsage(chunk['usage'])) take(usage);
  });
  return {
    push: parser.push,
    isOver: () => done,
    end: () => {
      // Some servers end with their last word, without the blank line after it.
      done ||= parser.end().dropped === '[DONE]';
      return done ? 'whole' : 'cut';
    },
  };
}

/** `unsaid` stands for arguments that are not there: in a stream they come later. */
function readDelta(index: number, from: JsonObject, logprobs: Json | undefined, unsaid = ''): ReplyEvent[] {
  const { text: said, thinking } = readContent(from['content']);
  // A refusal is said in a field of its own, with no content beside it.
  const text = said || textOr(from['refusal']);
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

export function readCompletionsModels(body: Json): ModelCard[] {
  return asList(asObject(body)['data']).flatMap((entry) => {
    const card = objectOr(entry);
    const id = textOr(card?.['id']);
    return id === undefined ? [] : [{ id, createdAt: countOr(card?.['created'], 0) * 1_000 }];
  });
}
