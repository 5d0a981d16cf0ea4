// The requests of OpenAI's and Mistral's chat completions: one grammar of messages, two tables of fields.
import { RempartError } from '../../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import {
  anything,
  either,
  flag,
  freeObject,
  integer,
  list,
  modelName,
  number,
  object,
  oneOf,
  type Shape,
  text,
  textOr,
  type UnknownFields,
} from '../shape.ts';
import type { ChatCall, Sampling, Turn } from './dialect.ts';
import { promptTurns, turnsFromOllama, untranslatable } from './translate-turns.ts';

const functionCall = object({ name: text, arguments: either(text, freeObject) }, ['name', 'arguments']);
const toolCall = object({ id: text, type: oneOf('function'), function: functionCall, index: integer(0, 1_000) }, [
  'function',
]);
const imageUrl = either(text, object({ url: text, detail: text }, ['url']));
const part = either(
  object({ type: oneOf('image_url'), image_url: imageUrl }, ['type', 'image_url']),
  object({ type: oneOf('text'), text }, ['type', 'text']),
);
const message = object(
  {
    role: oneOf('system', 'developer', 'user', 'assistant', 'tool'),
    content: textOr(list(part, 1_000)),
    name: text,
    tool_calls: list(toolCall, 128),
    tool_call_id: text,
    refusal: text,
    prefix: flag,
  },
  ['role'],
);
const tool = object(
  {
    type: oneOf('function'),
    function: object({ name: text, description: text, parameters: freeObject, strict: flag }, ['name']),
  },
  ['type', 'function'],
);
const toolChoice = either(
  object({ type: oneOf('function'), function: object({ name: text }, ['name']) }, ['function']),
  oneOf('none', 'auto', 'any', 'required'),
);
const responseFormat = object(
  {
    type: oneOf('text', 'json_object', 'json_schema'),
    json_schema: object({ name: text, description: text, schema: freeObject, strict: flag }),
  },
  ['type'],
);

const tokens = integer(0, 10_000_000);
const common: Readonly<Record<string, Shape>> = {
  model: modelName,
  messages: list(message, 10_000, 1),
  stream: flag,
  stream_options: object({ include_usage: flag, include_obfuscation: flag }),
  max_tokens: tokens,
  temperature: number(0, 2),
  top_p: number(0, 1),
  n: integer(1, 16),
  stop: textOr(list(text, 16)),
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  response_format: responseFormat,
  tools: list(tool, 128),
  tool_choice: toolChoice,
  parallel_tool_calls: flag,
  metadata: freeObject,
  reasoning_effort: text,
};

export const openaiFields: Readonly<Record<string, Shape>> = {
  ...common,
  max_completion_tokens: tokens,
  seed: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  logprobs: flag,
  top_logprobs: integer(0, 20),
  logit_bias: freeObject,
  user: text,
  store: flag,
  service_tier: text,
  prompt_cache_key: text,
  safety_identifier: text,
  verbosity: text,
};

export const mistralFields: Readonly<Record<string, Shape>> = {
  ...common,
  random_seed: integer(0, Number.MAX_SAFE_INTEGER),
  safe_prompt: flag,
  prompt_mode: text,
  prediction: object({ type: text, content: anything }),
};

/** Reads a chat request of either. */
export function readCompletionsCall(
  dialect: 'openai' | 'mistral',
  shape: Shape,
  body: Json,
  unknown: UnknownFields,
): ChatCall {
  const built = shape(body, '', unknown) as JsonObject;
  const { model, messages, stream, stream_options, ...native } = built;
  const turns = (messages as JsonObject[]).map(readTurn);
  return {
    dialect,
    model: model as string,
    stream: stream === true,
    includeUsage: dialect === 'mistral' || (stream_options as JsonObject | undefined)?.['include_usage'] === true,
    turns,
    sampling: readSampling(native),
    native,
  };
}

function readTurn(native: JsonObject, index: number): Turn {
  const { role, content } = native;
  if (content === undefined && native['tool_calls'] === undefined && native['refusal'] === undefined)
    throw new RempartError('ERR_BODY_FIELD_INVALID', { field: `messages[${index}].content` });
  const parts = Array.isArray(content) ? (content as JsonObject[]) : [];
  const words =
    typeof content === 'string' ? content : parts.map((p) => (p['text'] as string | undefined) ?? '').join('');
  return { role: role === 'developer' ? 'system' : (role as string), text: words, native };
}

export function readSampling(native: JsonObject): Sampling {
  const sampling: Sampling = {};
  const maxTokens = native['max_completion_tokens'] ?? native['max_tokens'];
  const seed = native['seed'] ?? native['random_seed'];
  const format = native['response_format'] as JsonObject | undefined;
  if (typeof maxTokens === 'number') sampling.maxTokens = maxTokens;
  if (typeof native['temperature'] === 'number') sampling.temperature = native['temperature'];
  if (typeof native['top_p'] === 'number') sampling.topP = native['top_p'];
  if (typeof seed === 'number') sampling.seed = seed;
  if (typeof native['presence_penalty'] === 'number') sampling.presencePenalty = native['presence_penalty'];
  if (typeof native['frequency_penalty'] === 'number') sampling.frequencyPenalty = native['frequency_penalty'];
  if (native['stop'] !== undefined) sampling.stop = [native['stop'] as string | string[]].flat();
  if (format?.['type'] === 'json_object') sampling.json = true;
  if (format?.['type'] === 'json_schema')
    sampling.json = ((format['json_schema'] as JsonObject | undefined)?.['schema'] as JsonObject | undefined) ?? true;
  return sampling;
}

/** The fields of an Ollama call, or of an own one in the other's words, that this family shares. */
export function writeCommonSampling(sampling: Sampling): JsonObject {
  const { maxTokens, temperature, topP, stop, presencePenalty, frequencyPenalty, json } = sampling;
  return {
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(stop === undefined ? {} : { stop }),
    ...(presencePenalty === undefined ? {} : { presence_penalty: presencePenalty }),
    ...(frequencyPenalty === undefined ? {} : { frequency_penalty: frequencyPenalty }),
    ...(json === undefined ? {} : { response_format: writeFormat(json) }),
  };
}

function writeFormat(json: true | JsonObject): JsonObject {
  return json === true
    ? { type: 'json_object' }
    : { type: 'json_schema', json_schema: { name: 'answer', schema: json } };
}

/** Messages for this family. */
export function writeTurns(call: ChatCall, to: 'openai' | 'mistral'): JsonObject[] {
  if ((call.task ?? 'chat') !== 'chat') return promptTurns(call.turns);
  if (call.dialect === to) return call.turns.map((turn) => turn.native);
  if (call.dialect === 'ollama') return turnsFromOllama(call, to);
  return call.turns.map(({ role, native }) => {
    // Mistral has no developer role and no refusal, and a name with results of tools only; OpenAI has no prefix.
    const { name, refusal: _refusal, prefix: _prefix, ...shared } = native;
    return { ...shared, ...(to === 'mistral' && role === 'tool' && name !== undefined ? { name } : {}), role };
  });
}

/** What an Ollama chat says beside its messages, in this family's words. Throws ERR_BODY_UNTRANSLATABLE. */
export function writeOllamaExtras({ native }: ChatCall): JsonObject {
  if (native['logprobs'] === true) throw untranslatable('logprobs');
  const tools = native['tools'];
  const think = native['think'];
  const effort = think === 'max' ? 'high' : think;
  return {
    ...(tools === undefined ? {} : { tools: (tools as JsonObject[]).map((entry) => ({ ...entry, type: 'function' })) }),
    ...(typeof effort === 'string' ? { reasoning_effort: effort } : {}),
  };
}
