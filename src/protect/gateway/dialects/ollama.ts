// Ollama's native dialect: NDJSON streams, whole tool calls, an error line in mid-stream.
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import { createNdjsonParser, formatNdjson } from '../../../platform/wire/ndjson.ts';
import {
  type Dialect,
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
import { readOllamaCall, writeOllamaCall } from './ollama-request.ts';

export const ollama: Dialect = {
  name: 'ollama',
  paths: { chat: '/api/chat', models: '/api/tags' },
  streamType: 'application/x-ndjson',
  readCall: readOllamaCall,
  writeCall: writeOllamaCall,
  readReply(body) {
    const root = asObject(body);
    if (root['done'] !== true) throw new MalformedReply('read a finished answer');
    return [...readModelName(root['model']), ...readLine(root)];
  },
  createReader,
  writeReply,
  createWriter,
  writeError,
  readModels: (body) =>
    asList(asObject(body)['models']).flatMap((entry) => {
      const card = objectOr(entry);
      const id = textOr(card?.['name']) ?? textOr(card?.['model']);
      return id === undefined ? [] : [{ id, createdAt: Date.parse(textOr(card?.['modified_at']) ?? '') || 0 }];
    }),
  writeModels: (cards) => ({ models: cards.map(writeModel) }),
  writeModel,
};

function createReader(take: (event: ReplyEvent) => void): ReplyReader {
  let done = false;
  let named = false;
  const parser = createNdjsonParser((line) => {
    if (done) return;
    const root = asObject(parseReply(line));
    if (root['error'] !== undefined) throw new UpstreamFailed();
    if (!named) {
      named = true;
      for (const event of readModelName(root['model'])) take(event);
    }
    for (const event of readLine(root)) take(event);
    done = root['done'] === true;
  });
  return {
    push: parser.push,
    end: () => {
      parser.end();
      return done ? 'whole' : 'cut';
    },
  };
}

function readLine(root: JsonObject): ReplyEvent[] {
  const message = asObject(root['message']);
  const delta: ReplyEvent = { kind: 'delta', index: 0 };
  const text = textOr(message['content']);
  const thinking = textOr(message['thinking']);
  const calls = message['tool_calls'];
  if (text !== undefined && text !== '') delta.text = text;
  if (thinking !== undefined && thinking !== '') delta.thinking = thinking;
  if (Array.isArray(calls) && calls.length > 0) delta.toolCalls = calls.map(readToolCall);
  const events: ReplyEvent[] = Object.keys(delta).length > 2 ? [delta] : [];
  if (root['done'] !== true) return events;
  const usage = {
    promptTokens: countOr(root['prompt_eval_count'], 0),
    completionTokens: countOr(root['eval_count'], 0),
  };
  return [
    ...events,
    { kind: 'finish', index: 0, reason: root['done_reason'] === 'length' ? 'length' : 'stop' },
    { kind: 'usage', usage },
  ];
}

function readToolCall(entry: Json): JsonObject {
  const call = asObject(entry);
  const from = asObject(call['function']);
  const id = textOr(call['id']);
  return {
    ...(id === undefined ? {} : { id }),
    function: { name: textOr(from['name']) ?? '', arguments: objectOr(from['arguments']) ?? {} },
  };
}

function writeReply(events: readonly ReplyEvent[], head: ReplyHead): JsonObject {
  const message: JsonObject = { role: 'assistant', content: '' };
  let reason: FinishReason = 'stop';
  let usage: Usage = { promptTokens: 0, completionTokens: 0 };
  let { model } = head;
  for (const event of events) {
    if (event.kind === 'model') model = event.model;
    else if (event.kind === 'usage') usage = event.usage;
    else if (event.index !== 0) continue;
    else if (event.kind === 'finish') reason = event.reason;
    else {
      if (event.text !== undefined) message['content'] = `${message['content'] as string}${event.text}`;
      if (event.thinking !== undefined) message['thinking'] = `${textOr(message['thinking']) ?? ''}${event.thinking}`;
      if (event.toolCalls !== undefined)
        message['tool_calls'] = [...((message['tool_calls'] as Json[] | undefined) ?? []), ...event.toolCalls];
    }
  }
  return { ...line(head, model), message, ...ending(head, reason, usage) };
}

function line(head: ReplyHead, model: string): JsonObject {
  return { model, created_at: new Date(head.createdAt).toISOString() };
}

function ending(head: ReplyHead, reason: FinishReason, { promptTokens, completionTokens }: Usage): JsonObject {
  const nanoseconds = Math.max(0, head.now() - head.createdAt) * 1_000_000;
  return {
    done: true,
    done_reason: reason === 'length' ? 'length' : 'stop',
    total_duration: nanoseconds,
    load_duration: 0,
    prompt_eval_count: promptTokens,
    prompt_eval_duration: 0,
    eval_count: completionTokens,
    eval_duration: nanoseconds,
  };
}

/** The last line holds both the reason and the usage, so both wait for the end. */
function createWriter(head: ReplyHead): ReplyWriter {
  let reason: FinishReason = 'stop';
  let usage: Usage = { promptTokens: 0, completionTokens: 0 };
  let { model } = head;
  return {
    contentType: 'application/x-ndjson',
    write(event) {
      if (event.kind === 'model') model = event.model;
      else if (event.kind === 'usage') usage = event.usage;
      else if (event.index !== 0) return '';
      else if (event.kind === 'finish') reason = event.reason;
      else {
        const message: JsonObject = { role: 'assistant', content: event.text ?? '' };
        if (event.thinking !== undefined) message['thinking'] = event.thinking;
        if (event.toolCalls !== undefined) message['tool_calls'] = event.toolCalls;
        return formatNdjson({ ...line(head, model), message, done: false });
      }
      return '';
    },
    end: () =>
      formatNdjson({
        ...line(head, model),
        message: { role: 'assistant', content: '' },
        ...ending(head, reason, usage),
      }),
    fail: (error) => formatNdjson(writeError(error)),
  };
}

/** Ollama's own clients read `error`; the code beside it is for programs. */
function writeError({ code, message }: ErrorView): JsonObject {
  return { error: message, code };
}

function writeModel({ id, createdAt }: ModelCard): JsonObject {
  return {
    name: id,
    model: id,
    modified_at: new Date(createdAt).toISOString(),
    size: 0,
    digest: '',
    details: { parent_model: '', format: '', family: '', families: [], parameter_size: '', quantization_level: '' },
  };
}
