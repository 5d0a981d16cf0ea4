// The requests that hold a prompt instead of messages: OpenAI's text completions and Mistral's fill-in-the-middle.
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import {
  either,
  flag,
  freeObject,
  integer,
  list,
  modelName,
  number,
  object,
  text,
  type UnknownFields,
} from '../shape.ts';
import { readSampling, writeCommonSampling } from './completions-request.ts';
import { type ChatCall, promptsOf, suffixOf, type Task, type Turn } from './dialect.ts';
import { untranslatable } from './translate-turns.ts';

const tokens = integer(0, 10_000_000);
// A prompt given as numbers of tokens could not be read by any guard.
const completionFields = object(
  {
    model: modelName,
    prompt: either(list(text, 64, 1), text),
    suffix: text,
    stream: flag,
    stream_options: object({ include_usage: flag, include_obfuscation: flag }),
    max_tokens: tokens,
    temperature: number(0, 2),
    top_p: number(0, 1),
    n: integer(1, 16),
    best_of: integer(1, 16),
    echo: flag,
    logprobs: integer(0, 5),
    logit_bias: freeObject,
    stop: either(list(text, 16), text),
    presence_penalty: number(-2, 2),
    frequency_penalty: number(-2, 2),
    seed: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    user: text,
  },
  ['model', 'prompt'],
);
const fillFields = object(
  {
    model: modelName,
    prompt: text,
    suffix: text,
    stream: flag,
    max_tokens: tokens,
    min_tokens: tokens,
    temperature: number(0, 2),
    top_p: number(0, 1),
    stop: either(list(text, 16), text),
    random_seed: integer(0, Number.MAX_SAFE_INTEGER),
    metadata: freeObject,
    prompt_cache_key: text,
  },
  ['model', 'prompt'],
);

export function readCompletion(body: Json, unknown: UnknownFields): ChatCall {
  return readPrompted('openai', 'completion', completionFields(body, '', unknown) as JsonObject);
}

export function readFill(body: Json, unknown: UnknownFields): ChatCall {
  return readPrompted('mistral', 'fill', fillFields(body, '', unknown) as JsonObject);
}

function readPrompted(dialect: 'openai' | 'mistral', task: Task, built: JsonObject): ChatCall {
  const { model, prompt, suffix, stream, stream_options, ...native } = built;
  return {
    dialect,
    task,
    model: model as string,
    stream: stream === true,
    includeUsage: dialect === 'mistral' || (stream_options as JsonObject | undefined)?.['include_usage'] === true,
    turns: [...[prompt as string | string[]].flat().map(promptTurn), ...suffixTurns(suffix)],
    sampling: readSampling(native),
    native,
  };
}

export function promptTurn(content: string): Turn {
  return { role: 'user', text: content, native: {} };
}

export function suffixTurns(suffix: Json | undefined): Turn[] {
  return typeof suffix === 'string' && suffix !== ''
    ? [{ role: 'user', text: suffix, isSuffix: true, native: {} }]
    : [];
}

/** The body of POST /v1/completions for any call with a prompt; `stream` is the caller's to add. */
export function writeCompletion(call: ChatCall): JsonObject {
  refusePictures(call);
  const prompts = promptsOf(call);
  const own = call.task === 'completion';
  if (!own) refuseMany(prompts);
  const suffix = suffixOf(call);
  return {
    model: call.model,
    // A list of one is answered as a text is.
    prompt: prompts.length === 1 ? prompts[0]! : prompts,
    ...(suffix === undefined ? {} : { suffix }),
    ...(own ? call.native : { ...writeCommonSampling(call.sampling), ...writeSeed('seed', call) }),
  };
}

/** The body of POST /v1/fim/completions. */
export function writeFill(call: ChatCall): JsonObject {
  refusePictures(call);
  const [prompt = ''] = onePrompt(call);
  const suffix = suffixOf(call);
  const { presencePenalty: _presence, frequencyPenalty: _frequency, json: _json, ...sampling } = call.sampling;
  return {
    model: call.model,
    prompt,
    ...(suffix === undefined ? {} : { suffix }),
    ...(call.task === 'fill' ? call.native : { ...writeCommonSampling(sampling), ...writeSeed('random_seed', call) }),
  };
}

export function writeSeed(field: 'seed' | 'random_seed', { sampling: { seed } }: ChatCall): JsonObject {
  if (seed === undefined) return {};
  return { [field]: field === 'seed' ? seed : Math.abs(seed) };
}

/** What only OpenAI's own address for completions can do. Throws ERR_BODY_UNTRANSLATABLE. */
export function onePrompt(call: ChatCall): string[] {
  const { native } = call;
  const prompts = promptsOf(call);
  refuseMany(prompts);
  if (call.task !== 'completion') return prompts;
  for (const field of ['n', 'best_of'])
    if (((native[field] as number | undefined) ?? 1) > 1) throw untranslatable(field);
  if (native['echo'] === true) throw untranslatable('echo');
  if (native['logprobs'] !== undefined) throw untranslatable('logprobs');
  return prompts;
}

function refuseMany(prompts: readonly string[]): void {
  if (prompts.length > 1) throw untranslatable('prompt');
}

function refusePictures({ turns }: ChatCall): void {
  if (turns.some(({ native }) => native['images'] !== undefined)) throw untranslatable('images');
}
