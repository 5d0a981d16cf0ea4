// Ollama's own API: chat, generate, embeddings, and what it says about itself; streams are NDJSON and the default.
import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import { formatNdjson } from '../../platform/wire/ndjson.ts';
import { providerErrorBody } from '../../platform/wire/provider-error-bodies.ts';
import {
  type ApiRequest,
  type Body,
  type Handle,
  isRecord,
  plain,
  type Reply,
  refuse,
  type Setup,
  spokenBy,
  strings,
  textOfContent,
  wholeNumber,
} from './api.ts';
import type { Ask, AskTurn, Plan } from './ask.ts';
import { planAnswer } from './plan.ts';
import { embeddingOf } from './random.ts';
import { toolsOf } from './read-completion.ts';
import { countTokens } from './tokens.ts';

export const ollamaChat: Handle = (request, setup) => {
  const messages = request.body['messages'];
  if (messages !== undefined && !Array.isArray(messages)) return refuse(request, 'json: cannot unmarshal messages');
  const turns = ((messages ?? []) as unknown[]).filter(isRecord).map(turnOf);
  return speak(request, setup, turns, (content, toolCalls) => ({
    message: { role: 'assistant', content, ...(toolCalls === undefined ? {} : { tool_calls: toolCalls }) },
  }));
};

export const ollamaGenerate: Handle = (request, setup) => {
  const prompt = textOfContent(request.body['prompt']);
  const turns = prompt === '' ? [] : [{ role: 'user', text: prompt }];
  return speak(request, setup, turns, (response) => ({ response }));
};

function turnOf(message: Body): AskTurn {
  return { role: String(message['role']), text: textOfContent(message['content']) };
}

type Say = (text: string, toolCalls?: Json) => JsonObject;

function speak(request: ApiRequest, setup: Setup, turns: AskTurn[], say: Say): Reply {
  const { body } = request;
  const refusal = refuseModel(request);
  if (refusal !== undefined) return refusal;
  const model = String(body['model']);
  if (body['think'] !== undefined && body['think'] !== false && body['think'] !== null)
    return refuse(request, `"${model}" does not support thinking`);
  const frame = (): JsonObject => ({ model: spokenBy(model), created_at: new Date(setup.now()).toISOString() });
  if (turns.length === 0) {
    const unload = body['keep_alive'] === 0;
    if (unload) setup.loaded.delete(model);
    else setup.loaded.add(model);
    return plain({ ...frame(), ...say(''), done: true, done_reason: unload ? 'unload' : 'load' });
  }
  setup.loaded.add(model);
  const plan = planAnswer(setup.seed, askOf(body, model, turns));
  const cost = plan.promptTokens + plan.completionTokens;
  const choice = plan.choices[0]!;
  const calls = choice.toolUses.map(({ id, name, arguments: given }, index) => ({
    id,
    function: { index, name, arguments: given as JsonObject },
  }));
  const end = { done: true, done_reason: choice.finish === 'length' ? 'length' : 'stop', ...countsOf(plan) };
  if (body['stream'] === false) {
    const said = say(choice.tokens.join(''), calls.length > 0 ? calls : undefined);
    return { kind: 'json', value: { ...frame(), ...said, ...end }, tokens: plan.completionTokens, cost };
  }
  const pieces = choice.tokens.map((token) => formatNdjson({ ...frame(), ...say(token), done: false }));
  // Ollama sends a tool call whole, in one chunk.
  if (calls.length > 0) pieces.push(formatNdjson({ ...frame(), ...say('', calls), done: false }));
  pieces.push(formatNdjson({ ...frame(), ...say(''), ...end }));
  return { kind: 'stream', contentType: 'application/x-ndjson', pieces, cost };
}

function askOf(body: Body, model: string, turns: AskTurn[]): Ask {
  const options = isRecord(body['options']) ? body['options'] : {};
  const predict = wholeNumber(options['num_predict']);
  const { format } = body;
  return {
    model,
    turns,
    stream: body['stream'] !== false,
    tools: toolsOf(body['tools']),
    toolChoice: 'auto',
    format: format === 'json' ? 'json' : isRecord(format) ? { schema: format } : 'text',
    maxTokens: predict !== undefined && predict >= 0 ? predict : undefined,
    stop: strings(options['stop']),
    seed: wholeNumber(options['seed']) ?? 0,
    choices: 1,
  };
}

/** Nanoseconds, in the proportion of a small model; fixed, so that answers repeat. */
function countsOf({ promptTokens, completionTokens }: Plan): JsonObject {
  const prompt = promptTokens * 2_000_000;
  const answer = completionTokens * 20_000_000;
  return {
    total_duration: prompt + answer + 1_000_000,
    load_duration: 1_000_000,
    prompt_eval_count: promptTokens,
    prompt_eval_duration: prompt,
    eval_count: completionTokens,
    eval_duration: answer,
  };
}

const dimensions = 768;

export const ollamaEmbed: Handle = (request, setup) => {
  const refusal = refuseModel(request);
  if (refusal !== undefined) return refusal;
  const texts = strings(request.body['input']);
  const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0);
  const value = {
    model: spokenBy(String(request.body['model'])),
    embeddings: texts.map((text) => embeddingOf(setup.seed, text, dimensions)),
    total_duration: tokens * 2_000_000 + 1_000_000,
    load_duration: 1_000_000,
    prompt_eval_count: tokens,
  };
  return { kind: 'json', value, tokens: 0, cost: tokens };
};

export const ollamaEmbeddings: Handle = (request, setup) => {
  const refusal = refuseModel(request);
  if (refusal !== undefined) return refusal;
  const prompt = textOfContent(request.body['prompt']);
  const value = { embedding: prompt === '' ? [] : embeddingOf(setup.seed, prompt, dimensions) };
  return { kind: 'json', value, tokens: 0, cost: countTokens(prompt) };
};

function refuseModel(request: ApiRequest): Reply | undefined {
  const { model } = request.body;
  return typeof model === 'string' && model !== '' ? undefined : refuse(request, 'model is required');
}

export const ollamaTags: Handle = (_request, setup) =>
  plain({ models: setup.models.filter((m) => !setup.isMissing(m)).map(describe) });

export const ollamaPs: Handle = (_request, setup) =>
  plain({
    models: [...setup.loaded].map((model) => ({
      ...describe(model),
      expires_at: new Date(setup.now() + 300_000).toISOString(),
      size_vram: 0,
      context_length: 4_096,
    })),
  });

export const ollamaShow: Handle = (request, setup) => {
  // Old clients send the name as `name`.
  const model = request.body['model'] ?? request.body['name'];
  if (typeof model !== 'string' || model === '') return refuse(request, 'model is required');
  if (setup.isMissing(model)) return { kind: 'refused', answer: providerErrorBody('ollama', 'not-found', { model }) };
  return plain({
    license: '',
    modelfile: `# stand-in\nFROM ${model}`,
    parameters: '',
    template: '{{ .Prompt }}',
    details,
    model_info: { 'general.architecture': 'standin' },
    capabilities: ['completion', 'tools'],
    modified_at: modifiedAt,
  });
};

export const ollamaVersion: Handle = () => plain({ version: '0.30.0-standin' });
export const ollamaRoot: Handle = () => ({ kind: 'text', text: 'Ollama is running' });

const modifiedAt = '2025-12-01T00:00:00Z';
const details = {
  parent_model: '',
  format: 'gguf',
  family: 'standin',
  families: ['standin'],
  parameter_size: '0B',
  quantization_level: 'F32',
};

function describe(model: string): JsonObject {
  const name = model.includes(':') ? model : `${model}:latest`;
  const digest = createHash('sha256').update(`standin:${name}`).digest('hex');
  return { name, model: name, modified_at: modifiedAt, size: 1, digest, details };
}
