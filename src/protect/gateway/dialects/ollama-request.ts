// The requests of Ollama's native chat and generate, without the fields that pass round the guards (template, raw, context, _debug_render_only).
import { RempartError } from '../../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import { canonicalModel } from '../scopes.ts';
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
import { type ChatCall, promptsOf, type Sampling, suffixOf, type Turn } from './dialect.ts';
import { keepAlive, ollamaOptions } from './ollama-options.ts';
import { onePrompt, suffixTurns } from './prompt-request.ts';
import { turnsForOllama, untranslatable } from './translate-turns.ts';

const functionCall = object({ index: integer(0, 1_000), name: text, arguments: freeObject }, ['name', 'arguments']);
const images = list(text, 64);
const message = object(
  {
    role: oneOf('system', 'user', 'assistant', 'tool'),
    content: text,
    thinking: text,
    images,
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
const common: Readonly<Record<string, Shape>> = {
  model: modelName,
  stream: flag,
  format: either(freeObject, oneOf('json', '')),
  options: ollamaOptions,
  think: either(flag, oneOf('low', 'medium', 'high', 'max')),
  truncate: flag,
  shift: flag,
  logprobs: flag,
  top_logprobs: integer(0, 20),
  keep_alive: keepAlive,
};
const chatFields = object({ ...common, messages: list(message, 10_000, 1), tools: list(tool, 128) }, [
  'model',
  'messages',
]);
const generateFields = object({ ...common, prompt: text, suffix: text, system: text, images }, ['model', 'prompt']);

export function readOllamaChat(body: Json, unknown: UnknownFields): ChatCall {
  const { messages, ...rest } = chatFields(body, '', unknown) as JsonObject;
  return { ...readCommon(rest), turns: (messages as JsonObject[]).map(readTurn) };
}

/** A system text here is a system message: judged as one, and said as one wherever the call goes. */
export function readGenerate(body: Json, unknown: UnknownFields): ChatCall {
  const { prompt, suffix, system, images: pictures, ...rest } = generateFields(body, '', unknown) as JsonObject;
  // Without a prompt Ollama loads or unloads the model for everybody.
  if (prompt === '') throw new RempartError('ERR_BODY_FIELD_INVALID', { field: 'prompt' });
  const given = pictures === undefined ? {} : { images: pictures };
  return {
    ...readCommon(rest),
    task: 'prompt',
    turns: [
      ...(typeof system === 'string' && system !== '' ? [{ role: 'system', text: system, native: {} }] : []),
      { role: 'user', text: prompt as string, native: given },
      ...suffixTurns(suffix),
    ],
  };
}

function readCommon(built: JsonObject): Omit<ChatCall, 'turns'> {
  // How much memory a model takes, and how long it stays loaded, is not a caller's to choose.
  const { model, stream, keep_alive: _keep, options, ...rest } = built;
  const { num_ctx: _context, ...chosen } = (options ?? {}) as JsonObject;
  const native: JsonObject = { ...rest, ...(options === undefined ? {} : { options: chosen }) };
  return {
    dialect: 'ollama',
    model: model as string,
    // Ollama streams unless told not to.
    stream: stream !== false,
    includeUsage: true,
    sampling: readSampling(native),
    native,
  };
}

function readTurn(native: JsonObject, index: number): Turn {
  const { role, content } = native;
  if (content === undefined && native['tool_calls'] === undefined)
    throw new RempartError('ERR_BODY_FIELD_INVALID', { field: `messages[${index}].content` });
  return { role: role as string, text: (content as string | undefined) ?? '', native };
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

/** The body of POST /api/chat. */
export function writeOllamaChat(call: ChatCall, stream: boolean): JsonObject {
  const model = canonicalModel(call.model);
  if (call.dialect === 'ollama')
    return { model, messages: call.turns.map((turn) => turn.native), ...call.native, stream };
  const { native } = call;
  if (((native['n'] as number | undefined) ?? 1) > 1) throw untranslatable('n');
  if (native['logprobs'] === true) throw untranslatable('logprobs');
  const effort = native['reasoning_effort'];
  return {
    model,
    messages: turnsForOllama(call),
    ...writeTools(native),
    ...(typeof effort === 'string' && ['low', 'medium', 'high'].includes(effort) ? { think: effort } : {}),
    ...writeSampling(call.sampling),
    stream,
  };
}

/** Ollama has no tool_choice: none can be said by saying nothing of tools, any other than the model's own cannot. */
function writeTools({ tools, tool_choice: choice }: JsonObject): JsonObject {
  if (tools === undefined || choice === 'none') return {};
  if (choice !== undefined && choice !== 'auto') throw untranslatable('tool_choice');
  return {
    tools: (tools as JsonObject[]).map(({ type, function: described }) => {
      const { strict: _strict, ...shared } = described as JsonObject;
      return { type: type!, function: shared };
    }),
  };
}

/** The body of POST /api/generate for any call with a prompt. */
export function writeGenerate(call: ChatCall, stream: boolean): JsonObject {
  const own = call.task === 'prompt';
  const [prompt = ''] = own ? promptsOf(call) : onePrompt(call);
  const suffix = suffixOf(call);
  const system = call.turns.find(({ role }) => role === 'system')?.text;
  const pictures = call.turns.find(({ native }) => native['images'] !== undefined)?.native['images'];
  return {
    model: canonicalModel(call.model),
    prompt,
    ...(suffix === undefined ? {} : { suffix }),
    ...(system === undefined ? {} : { system }),
    ...(pictures === undefined ? {} : { images: pictures }),
    ...(own ? call.native : writeSampling(call.sampling)),
    stream,
  };
}

function writeSampling(sampling: Sampling): JsonObject {
  const { maxTokens, temperature, topP, seed, stop, presencePenalty, frequencyPenalty, json } = sampling;
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
    ...(Object.keys(given).length === 0 ? {} : { options: given }),
    ...(json === undefined ? {} : { format: json === true ? 'json' : json }),
  };
}
