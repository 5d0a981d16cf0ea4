// Ollama's native dialect: NDJSON streams, whole tool calls, an error line in mid-stream.
import { RempartError } from '../../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import { createNdjsonParser, formatNdjson } from '../../../platform/wire/ndjson.ts';
import { isCloudModel } from '../cloud-models.ts';
import { canonicalModel } from '../scopes.ts';
import {
  type ChatCall,
  type Dialect,
  type ErrorView,
  type FinishReason,
  MalformedReply,
  type ModelCard,
  type ReplyEvent,
  type ReplyHead,
  type ReplyReader,
  type ReplyWriter,
  type Speech,
  UpstreamFailed,
  type Usage,
  type Wire,
} from './dialect.ts';
import { embeddingWire, noReader, readEmbeddings, writeEmbeddingCall } from './embeddings.ts';
import { markOf } from './estimated.ts';
import { asList, asObject, countOr, objectOr, parseReply, readModelName, textOr } from './json-reading.ts';
import { readGenerate, readOllamaChat, writeGenerate, writeOllamaChat } from './ollama-request.ts';
import { argumentsObject } from './translate-turns.ts';

/** Where an answer's text stands: in a message, or beside everything else. */
type Form = 'chat' | 'generate';

export const ollama: Dialect = {
  name: 'ollama',
  paths: { models: '/api/tags' },
  wires: {
    chat: wire(readOllamaChat, 'chat'),
    generate: wire(readGenerate, 'generate'),
    embed: embeddingWire('ollama'),
    embedding: embeddingWire('ollama-one'),
  },
  streamType: 'application/x-ndjson',
  speak,
  writeError,
  readModels: (body) =>
    asList(asObject(body)['models']).flatMap((entry) => {
      const card = objectOr(entry);
      const id = textOr(card?.['name']) ?? textOr(card?.['model']);
      if (id === undefined) return [];
      const isRemote = textOr(card?.['remote_host']) || textOr(card?.['remote_model']);
      const createdAt = Date.parse(textOr(card?.['modified_at']) ?? '') || 0;
      return [{ id, createdAt, ...(isRemote ? { isRemote: true as const } : {}) }];
    }),
  writeModels: (cards) => ({ models: cards.map(writeModel) }),
  writeModel,
};

function wire(readCall: Wire['readCall'], form: Form): Wire {
  return {
    readCall,
    writeReply: (events, head) => writeReply(events, head, form),
    createWriter: (head) => createWriter(head, form),
  };
}

/** Throws ERR_MODEL_REMOTE: such a name makes Ollama send the texts on to another company. */
function speak(call: ChatCall, stream: boolean): Speech {
  if (isCloudModel(call.model)) throw new RempartError('ERR_MODEL_REMOTE');
  const task = call.task ?? 'chat';
  if (task === 'embedding')
    return {
      path: '/api/embed',
      body: { ...writeEmbeddingCall(call, 'ollama'), model: canonicalModel(call.model) },
      readReply: (body) => readEmbeddings(call, body),
      createReader: noReader,
    };
  const form = task === 'chat' ? 'chat' : 'generate';
  return {
    path: `/api/${form}`,
    body: form === 'chat' ? writeOllamaChat(call, stream) : writeGenerate(call, stream),
    readReply: (body) => readReply(body, form),
    createReader: (take) => createReader(take, form),
  };
}

function readReply(body: Json, form: Form): ReplyEvent[] {
  const root = asObject(body);
  if (root['done'] !== true) throw new MalformedReply('read a finished answer');
  return [...readModelName(root['model']), ...createLineReader(form)(root)];
}

function createReader(take: (event: ReplyEvent) => void, form: Form): ReplyReader {
  const readLine = createLineReader(form);
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
    isOver: () => done,
    end: () => {
      parser.end();
      return done ? 'whole' : 'cut';
    },
  };
}

/** Reads the lines of one answer; its tool calls are numbered through, since each line may bring some. */
function createLineReader(form: Form): (root: JsonObject) => ReplyEvent[] {
  let tools = 0;
  return (root) => {
    const message = form === 'chat' ? asObject(root['message']) : root;
    if (form === 'generate' && textOr(root['response']) === undefined) throw new MalformedReply('read a response');
    const delta: ReplyEvent = { kind: 'delta', index: 0 };
    const text = textOr(message[form === 'chat' ? 'content' : 'response']);
    const thinking = textOr(message['thinking']);
    const calls = form === 'chat' ? message['tool_calls'] : undefined;
    if (text !== undefined && text !== '') delta.text = text;
    if (thinking !== undefined && thinking !== '') delta.thinking = thinking;
    if (Array.isArray(calls) && calls.length > 0) delta.toolCalls = calls.map((call) => readToolCall(call, tools++));
    const logprobs = root['logprobs'];
    if (Array.isArray(logprobs) && logprobs.length > 0) delta.logprobs = logprobs;
    const events: ReplyEvent[] = Object.keys(delta).length > 2 ? [delta] : [];
    if (root['done'] !== true) return events;
    const usage = {
      promptTokens: countOr(root['prompt_eval_count'], 0),
      completionTokens: countOr(root['eval_count'], 0),
    };
    const reason = root['done_reason'] === 'length' ? 'length' : tools > 0 ? 'tool_calls' : 'stop';
    return [...events, { kind: 'finish', index: 0, reason }, { kind: 'usage', usage }];
  };
}

function readToolCall(entry: Json, index: number): JsonObject {
  const call = asObject(entry);
  const from = asObject(call['function']);
  const id = textOr(call['id']);
  return {
    index,
    ...(id === undefined ? {} : { id }),
    function: { name: textOr(from['name']) ?? '', arguments: readArguments(from['arguments']) },
  };
}

/** An object in Ollama's own grammar; servers that only speak like it send its text, and a call must not lose what it was called with. */
function readArguments(given: Json | undefined): JsonObject {
  if ((given ?? null) === null || given === '') return {};
  return asObject(typeof given === 'string' ? parseReply(given) : given);
}

function writeReply(events: readonly ReplyEvent[], head: ReplyHead, form: Form): JsonObject {
  let text = '';
  let thinking = '';
  let logprobs: Json[] = [];
  const tools = createToolCalls();
  let reason: FinishReason = 'stop';
  let usage: Usage = { promptTokens: 0, completionTokens: 0 };
  let { model } = head;
  for (const event of events) {
    if (event.kind === 'model') model = event.model;
    else if (event.kind === 'usage') usage = event.usage;
    else if (event.index !== 0) continue;
    else if (event.kind === 'finish') reason = event.reason;
    else if (event.kind === 'delta') {
      text += event.text ?? '';
      thinking += event.thinking ?? '';
      for (const call of event.toolCalls ?? []) tools.add(call);
      if (Array.isArray(event.logprobs)) logprobs = [...logprobs, ...event.logprobs];
    }
  }
  const { calls, unread } = tools.take();
  const said = { ...saying(form, text + unread, thinking, calls), ...(logprobs.length === 0 ? {} : { logprobs }) };
  return { ...line(head, model), ...said, ...ending(head, reason, usage) };
}

function saying(form: Form, text: string, thinking: string, calls: readonly JsonObject[] = []): JsonObject {
  const thought = thinking === '' ? {} : { thinking };
  if (form === 'generate') return { response: text, ...thought };
  const message = { role: 'assistant', content: text, ...thought };
  return { message: calls.length === 0 ? message : { ...message, tool_calls: [...calls] } };
}

function line(head: ReplyHead, model: string): JsonObject {
  return { model, created_at: new Date(head.createdAt).toISOString() };
}

function ending(
  head: ReplyHead,
  reason: FinishReason,
  { promptTokens, completionTokens, estimated }: Usage,
): JsonObject {
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
    ...markOf(estimated),
  };
}

/** The last line holds both the reason and the usage, so both wait for the end; so do tool calls, which come whole here. */
function createWriter(head: ReplyHead, form: Form): ReplyWriter {
  let reason: FinishReason = 'stop';
  let usage: Usage = { promptTokens: 0, completionTokens: 0 };
  let { model } = head;
  const tools = createToolCalls();
  const says = (text: string, thinking: string, more: JsonObject, calls: readonly JsonObject[] = []) =>
    formatNdjson({ ...line(head, model), ...saying(form, text, thinking, calls), ...more });
  function toolsTaken(): string {
    const { calls, unread } = tools.take();
    return calls.length === 0 && unread === '' ? '' : says(unread, '', { done: false }, calls);
  }
  return {
    contentType: 'application/x-ndjson',
    write(event) {
      if (event.kind === 'model') model = event.model;
      else if (event.kind === 'usage') usage = event.usage;
      else if (event.index !== 0) return '';
      else if (event.kind === 'finish') {
        reason = event.reason;
        return toolsTaken();
      } else if (event.kind === 'delta') {
        const { text = '', thinking = '', toolCalls = [], logprobs } = event;
        for (const call of toolCalls) tools.add(call);
        // A piece of a call alone says nothing yet.
        if (toolCalls.length > 0 && text === '' && thinking === '') return '';
        return says(text, thinking, { ...(Array.isArray(logprobs) ? { logprobs } : {}), done: false });
      }
      return '';
    },
    end: () => toolsTaken() + says('', '', ending(head, reason, usage)),
    fail: (error) => formatNdjson(writeError(error)),
  };
}

interface ToolCalls {
  add(piece: Json): void;
  /** The calls so far in Ollama's form; `unread` are arguments that are no JSON object, which it leaves in the text. */
  take(): { calls: JsonObject[]; unread: string };
}

function createToolCalls(): ToolCalls {
  const byIndex = new Map<number, { id?: string; name: string; args: string | JsonObject }>();
  return {
    add(piece) {
      const call = objectOr(piece) ?? {};
      const from = objectOr(call['function']) ?? {};
      const index = countOr(call['index'], byIndex.size);
      const known = byIndex.get(index) ?? { name: '', args: '' };
      const id = textOr(call['id']);
      const args = from['arguments'];
      byIndex.set(index, {
        ...known,
        ...(id === undefined ? {} : { id }),
        name: textOr(from['name']) || known.name,
        args:
          typeof args === 'string'
            ? (typeof known.args === 'string' ? known.args : '') + args
            : (objectOr(args) ?? known.args),
      });
    },
    take() {
      const calls: JsonObject[] = [];
      let unread = '';
      let index = 0;
      for (const { id, name, args } of byIndex.values()) {
        const read = argumentsObject(args);
        if (read === undefined) unread += args as string;
        else calls.push({ ...(id === undefined ? {} : { id }), function: { index: index++, name, arguments: read } });
      }
      byIndex.clear();
      return { calls, unread };
    },
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
