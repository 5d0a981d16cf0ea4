// The OpenAI dialect, which most compatible servers speak.
import type { JsonObject } from '../../../platform/base/json.ts';
import { isReasoning } from '../limit-output.ts';
import { object } from '../shape.ts';
import {
  createCompletionsReader,
  type Form,
  readCompletionsModels,
  readCompletionsReply,
} from './completions-reading.ts';
import {
  openaiFields,
  readCompletionsCall,
  writeCommonSampling,
  writeOllamaExtras,
  writeTurns,
} from './completions-request.ts';
import { createCompletionsWriter, writeCompletionsReply } from './completions-writing.ts';
import {
  type ChatCall,
  type Dialect,
  type ErrorView,
  type ModelCard,
  type Speech,
  suffixOf,
  type Wire,
} from './dialect.ts';
import { embeddingWire, noReader, readEmbeddings, writeEmbeddingCall } from './embeddings.ts';
import { objectOr } from './json-reading.ts';
import { readCompletion, readFill, writeCompletion, writeSeed } from './prompt-request.ts';

const request = object(openaiFields, ['model', 'messages']);

export const openai: Dialect = {
  name: 'openai',
  paths: { models: '/v1/models' },
  wires: {
    chat: wire((body, unknown) => readCompletionsCall('openai', request, body, unknown)),
    completion: wire(readCompletion, 'text'),
    fill: wire(readFill),
    embed: embeddingWire('openai'),
  },
  streamType: 'text/event-stream',
  speak,
  writeError,
  readModels: readCompletionsModels,
  writeModels: (cards) => ({ object: 'list', data: cards.map(writeModel) }),
  writeModel,
};

function wire(readCall: Wire['readCall'], form: Form = 'chat'): Wire {
  return {
    readCall,
    writeReply: (events, head) => writeCompletionsReply(events, head, 'openai', form),
    createWriter: (head, call) => createCompletionsWriter(head, call.includeUsage, writeError, 'openai', form),
  };
}

function speak(call: ChatCall, stream: boolean): Speech {
  const task = call.task ?? 'chat';
  if (task === 'embedding')
    return {
      path: '/v1/embeddings',
      body: writeEmbeddingCall(call, 'openai'),
      readReply: (body) => readEmbeddings(call, body),
      createReader: noReader,
    };
  const form = task === 'chat' || (task === 'prompt' && suffixOf(call) === undefined) ? 'chat' : 'text';
  const said = form === 'chat' ? writeChat(call) : writeCompletion(call);
  return {
    path: form === 'chat' ? '/v1/chat/completions' : '/v1/completions',
    // Asked for in every stream: tokens are settled on what was really used.
    body: { ...said, stream, ...(stream ? { stream_options: { include_usage: true } } : {}) },
    readReply: (body) => readCompletionsReply(body, form),
    createReader: (take) => createCompletionsReader(take, form),
  };
}

function writeChat(call: ChatCall): JsonObject {
  const { max_tokens: most, ...options } = writeJsonMode(call, writeOptions(call));
  const said: JsonObject = { model: call.model, messages: writeTurns(call, 'openai'), ...options };
  if (most === undefined) return said;
  // A route or another dialect may have said it in the older name, which these models refuse.
  const isNewer = isReasoning(call.model) && said['max_completion_tokens'] === undefined;
  return { ...said, [isNewer ? 'max_completion_tokens' : 'max_tokens']: most };
}

/** OpenAI refuses JSON to who does not say the word; other dialects ask nothing like it of their callers. */
function writeJsonMode({ dialect, turns }: ChatCall, options: JsonObject): JsonObject {
  const isMode = objectOr(options['response_format'])?.['type'] === 'json_object';
  if (!isMode || dialect === 'openai' || turns.some(({ text }) => /json/i.test(text))) return options;
  return { ...options, ...writeCommonSampling({ json: { type: 'object' } }) };
}

function writeOptions(call: ChatCall): JsonObject {
  if (call.dialect === 'openai' && call.task === undefined) return call.native;
  const common = { ...writeCommonSampling(call.sampling), ...writeSeed('seed', call) };
  if (call.dialect === 'ollama') return { ...common, ...writeOllamaExtras(call) };
  if (call.task !== undefined) return common;
  const {
    random_seed: _seed,
    safe_prompt: _safe,
    prompt_mode: _mode,
    prediction: _prediction,
    tool_choice: choice,
    ...shared
  } = call.native;
  // Mistral's `any` is OpenAI's `required`.
  return {
    ...shared,
    ...writeSeed('seed', call),
    ...(choice === undefined ? {} : { tool_choice: choice === 'any' ? 'required' : choice }),
  };
}

function writeModel({ id, createdAt }: ModelCard): JsonObject {
  return { id, object: 'model', created: Math.floor(createdAt / 1_000), owned_by: 'rempart' };
}

function writeError({ status, code, message, param }: ErrorView): JsonObject {
  return { error: { message, type: errorType(status, code), param: param ?? null, code } };
}

function errorType(status: number, code: string): string {
  if (code === 'ERR_QUOTA_EXHAUSTED') return 'insufficient_quota';
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
