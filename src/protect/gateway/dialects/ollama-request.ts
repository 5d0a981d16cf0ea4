// The requests of Ollama's native chat, without the fields that pass round its guards (template, raw, _debug_render_only).
import { RempartError } from '../../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import {
  either,
  flag,
  freeObject,
  integer,
  list,
  name,
  number,
  object,
  oneOf,
  text,
  type UnknownFields,
} from '../shape.ts';
import { plainTurns } from './completions-request.ts';
import type { ChatCall, Sampling, Turn } from './dialect.ts';

const functionCall = object({ index: integer(0, 1_000), name: text, arguments: freeObject }, ['name', 'arguments']);
const message = object(
  {
    role: oneOf('system', 'user', 'assistant', 'tool'),
    content: text,
    thinking: text,
    images: list(text, 64),
    tool_calls: list(object({ id: text, function: functionCall }, ['function']), 128),
    tool_name: text,
    tool_call_id: text,
  },
  ['role'],
);
const tool = object({
  type: oneOf('function'),
  function: object({ name: text, description: text, parameters: freeObject }, ['name']),
});
const penalty = number(-2, 2);
// keep_alive, num_ctx and the like decide over the whole machine's memory: not a caller's to choose.
const options = object({
  num_predict: integer(-2, 10_000_000),
  temperature: number(0, 10),
  top_k: integer(0, 100_000),
  top_p: number(0, 1),
  min_p: number(0, 1),
  typical_p: number(0, 1),
  seed: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  stop: either(list(text, 16), text),
  repeat_last_n: integer(-1, 100_000),
  repeat_penalty: number(-10, 10),
  presence_penalty: penalty,
  frequency_penalty: penalty,
});
const request = object(
  {
    model: name,
    messages: list(message, 10_000, 1),
    stream: flag,
    tools: list(tool, 128),
    format: either(freeObject, oneOf('json', '')),
    options,
    think: either(flag, oneOf('low', 'medium', 'high', 'max')),
    truncate: flag,
    shift: flag,
    logprobs: flag,
    top_logprobs: integer(0, 20),
  },
  ['model', 'messages'],
);

export function readOllamaCall(body: Json, unknown: UnknownFields): ChatCall {
  const { model, messages, stream, ...native } = request(body, '', unknown) as JsonObject;
  const turns = (messages as JsonObject[]).map(readTurn);
  const bound = boundField(native, turns);
  return {
    dialect: 'ollama',
    model: model as string,
    // Ollama streams unless told not to.
    stream: stream !== false,
    includeUsage: true,
    turns,
    sampling: readSampling(native),
    native,
    ...(bound === undefined ? {} : { bound }),
  };
}

function readTurn(native: JsonObject, index: number): Turn {
  const { role, content } = native;
  if (content === undefined && native['tool_calls'] === undefined)
    throw new RempartError('ERR_BODY_FIELD_INVALID', { field: `messages[${index}].content` });
  const plain = role !== 'tool' && native['images'] === undefined && native['tool_calls'] === undefined;
  return { role: role as string, text: (content as string | undefined) ?? '', plain, native };
}

function boundField(native: JsonObject, turns: readonly Turn[]): string | undefined {
  const index = turns.findIndex((turn) => !turn.plain);
  if (index !== -1) return `messages[${index}]`;
  if (native['tools'] !== undefined) return 'tools';
  return native['logprobs'] === true ? 'logprobs' : undefined;
}

function readSampling(native: JsonObject): Sampling {
  const sampling: Sampling = {};
  const given = (native['options'] ?? {}) as JsonObject;
  const { num_predict: most, temperature, top_p: topP, seed, stop, presence_penalty, frequency_penalty } = given;
  if (typeof most === 'number' && most >= 0) sampling.maxTokens = most;
  if (typeof temperature === 'number') sampling.temperature = Math.min(temperature, 2);
  if (typeof topP === 'number') sampling.topP = topP;
  if (typeof seed === 'number') sampling.seed = seed;
  if (stop !== undefined) sampling.stop = [stop as string | string[]].flat();
  if (typeof presence_penalty === 'number') sampling.presencePenalty = presence_penalty;
  if (typeof frequency_penalty === 'number') sampling.frequencyPenalty = frequency_penalty;
  const format = native['format'];
  if (format === 'json') sampling.json = true;
  else if (typeof format === 'object' && format !== null) sampling.json = format as JsonObject;
  return sampling;
}

export function writeOllamaCall(call: ChatCall, stream: boolean): JsonObject {
  if (call.dialect === 'ollama')
    return { model: call.model, messages: call.turns.map((turn) => turn.native), ...call.native, stream };
  const { maxTokens, temperature, topP, seed, stop, presencePenalty, frequencyPenalty, json } = call.sampling;
  const given: JsonObject = {
    ...(maxTokens === undefined ? {} : { num_predict: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined ? {} : { stop }),
    ...(presencePenalty === undefined ? {} : { presence_penalty: presencePenalty }),
    ...(frequencyPenalty === undefined ? {} : { frequency_penalty: frequencyPenalty }),
  };
  return {
    model: call.model,
    messages: plainTurns(call),
    ...(Object.keys(given).length === 0 ? {} : { options: given }),
    ...(json === undefined ? {} : { format: json === true ? 'json' : json }),
    stream,
  };
}
