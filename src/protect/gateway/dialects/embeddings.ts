// Vectors for texts, asked for and answered in each dialect's words.
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import {
  either,
  flag,
  freeObject,
  integer,
  list,
  modelName,
  object,
  oneOf,
  type Shape,
  text,
  type UnknownFields,
} from '../shape.ts';
import {
  type ChatCall,
  MalformedReply,
  promptsOf,
  type ReplyEvent,
  type ReplyHead,
  type ReplyReader,
  type Usage,
  type Wire,
} from './dialect.ts';
import { markOf } from './estimated.ts';
import { asList, asObject, countOr, objectOr, readModelName } from './json-reading.ts';
import { keepAlive, ollamaOptions } from './ollama-options.ts';
import { promptTurn } from './prompt-request.ts';
import { untranslatable } from './translate-turns.ts';

const dimensions = integer(1, 65_536);
const format = oneOf('float', 'base64');
// Numbers of tokens could not be read by any guard.
const input = either(list(text, 2_048, 1), text);
const openaiFields = { model: modelName, input, dimensions, encoding_format: format, user: text };
const mistralFields = {
  model: modelName,
  input,
  output_dimension: dimensions,
  output_dtype: oneOf('float', 'int8', 'uint8', 'binary', 'ubinary'),
  encoding_format: format,
  metadata: freeObject,
};
const ollamaFields = { model: modelName, truncate: flag, options: ollamaOptions, keep_alive: keepAlive };

type Family = 'openai' | 'mistral';

/** /v1/embeddings, /api/embed and, for one text, /api/embeddings. */
export function embeddingWire(kind: Family | 'ollama' | 'ollama-one'): Wire {
  const shape = {
    openai: object(openaiFields, ['model', 'input']),
    mistral: object(mistralFields, ['model', 'input']),
    ollama: object({ ...ollamaFields, input, dimensions }, ['model', 'input']),
    'ollama-one': object({ ...ollamaFields, prompt: text }, ['model', 'prompt']),
  }[kind];
  return {
    readCall: (body, unknown) => readEmbedding(kind, shape, body, unknown),
    writeReply: (events, head, call) => writeEmbeddings(kind, events, head, call),
    createWriter() {
      throw new TypeError('vectors are not streamed');
    },
  };
}

function readEmbedding(
  kind: Family | 'ollama' | 'ollama-one',
  shape: Shape,
  body: Json,
  unknown: UnknownFields,
): ChatCall {
  const built = shape(body, '', unknown) as JsonObject;
  // How long a model stays loaded is not a caller's to choose.
  const { model, input: given, prompt, keep_alive: _keep, options, ...native } = built;
  return {
    dialect: kind === 'ollama-one' ? 'ollama' : kind,
    task: 'embedding',
    model: model as string,
    stream: false,
    includeUsage: true,
    turns: [(given ?? prompt) as string | string[]].flat().map(promptTurn),
    sampling: {},
    native,
  };
}

/** The body for a provider of this dialect; numbers are always asked for, so that there is one form to read. */
export function writeEmbeddingCall(call: ChatCall, to: Family | 'ollama'): JsonObject {
  const { native } = call;
  const size = native['dimensions'] ?? native['output_dimension'];
  const type = native['output_dtype'] ?? 'float';
  if (type !== 'float' && to !== 'mistral') throw untranslatable('output_dtype');
  const sized = size === undefined ? {} : { [to === 'mistral' ? 'output_dimension' : 'dimensions']: size };
  const texts = { model: call.model, input: promptsOf(call), ...sized };
  if (to === 'ollama')
    return { ...texts, ...(native['truncate'] === undefined ? {} : { truncate: native['truncate'] }) };
  if (to === 'mistral') return { ...texts, ...(type === 'float' ? {} : { output_dtype: type }) };
  return { ...texts, encoding_format: 'float', ...(native['user'] === undefined ? {} : { user: native['user'] }) };
}

/** Throws MalformedReply, also when there is not one vector for each text. */
export function readEmbeddings(call: ChatCall, body: Json): ReplyEvent[] {
  const root = asObject(body);
  const vectors = root['data'] === undefined ? asList(root['embeddings']) : sorted(asList(root['data']));
  if (vectors.length !== promptsOf(call).length) throw new MalformedReply('read a vector for each text');
  const usage = objectOr(root['usage']);
  const promptTokens = countOr(usage?.['prompt_tokens'] ?? root['prompt_eval_count'], 0);
  return [
    ...readModelName(root['model']),
    ...vectors.map((vector, index): ReplyEvent => ({ kind: 'embedding', index, vector: numbers(vector) })),
    { kind: 'usage', usage: { promptTokens, completionTokens: 0 } },
  ];
}

function sorted(data: Json[]): Json[] {
  const items = data.map(asObject);
  const place = (item: JsonObject, index: number) => countOr(item['index'], index);
  return items
    .map((item, index) => ({ at: place(item, index), vector: item['embedding'] ?? null }))
    .sort((a, b) => a.at - b.at)
    .map(({ vector }) => vector);
}

function numbers(vector: Json): number[] {
  const list = asList(vector);
  for (const value of list) if (typeof value !== 'number') throw new MalformedReply('read a vector of numbers');
  return list as number[];
}

/** No vector comes in a stream. */
export function noReader(): ReplyReader {
  throw new MalformedReply('read a whole answer');
}

function writeEmbeddings(
  kind: Family | 'ollama' | 'ollama-one',
  events: readonly ReplyEvent[],
  head: ReplyHead,
  { native }: ChatCall,
): JsonObject {
  const vectors = events.flatMap((event) => (event.kind === 'embedding' ? [event.vector] : []));
  let usage: Usage = { promptTokens: 0, completionTokens: 0 };
  let { model } = head;
  for (const event of events) {
    if (event.kind === 'usage') usage = event.usage;
    if (event.kind === 'model') model = event.model;
  }
  if (kind === 'ollama-one') return { embedding: vectors[0] ?? [] };
  if (kind === 'ollama') {
    const nanoseconds = Math.max(0, head.now() - head.createdAt) * 1_000_000;
    return {
      model,
      embeddings: vectors,
      total_duration: nanoseconds,
      load_duration: 0,
      prompt_eval_count: usage.promptTokens,
      ...markOf(usage.estimated),
    };
  }
  const packed = native['encoding_format'] === 'base64';
  return {
    ...(kind === 'mistral' ? { id: head.id } : {}),
    object: 'list',
    data: vectors.map((vector, index) => ({
      object: 'embedding',
      index,
      embedding: packed ? inBase64(vector, native['output_dtype']) : vector,
    })),
    model,
    usage: {
      prompt_tokens: usage.promptTokens,
      total_tokens: usage.promptTokens,
      ...(kind === 'mistral' ? { completion_tokens: 0 } : {}),
      ...markOf(usage.estimated),
    },
  };
}

/** Floats of 32 bits, little end first, as OpenAI's own client reads them; Mistral's small types one byte each. */
function inBase64(vector: readonly number[], type: Json | undefined): string {
  if (type !== undefined && type !== 'float')
    return Buffer.from(vector.map((value) => value & 0xff)).toString('base64');
  const floats = new DataView(new ArrayBuffer(vector.length * 4));
  for (const [index, value] of vector.entries()) floats.setFloat32(index * 4, value, true);
  return Buffer.from(floats.buffer).toString('base64');
}
