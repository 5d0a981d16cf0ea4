// The OpenAI dialect, which most compatible servers speak.
import type { JsonObject } from '../../../platform/base/json.ts';
import { object } from '../shape.ts';
import {
  createCompletionsReader,
  createCompletionsWriter,
  readCompletionsModels,
  readCompletionsReply,
  writeCompletionsReply,
} from './completions-reply.ts';
import { openaiFields, readCompletionsCall, writeCommonSampling, writeTurns } from './completions-request.ts';
import type { ChatCall, Dialect, ErrorView, ModelCard } from './dialect.ts';

const request = object(openaiFields, ['model', 'messages']);

export const openai: Dialect = {
  name: 'openai',
  paths: { chat: '/v1/chat/completions', models: '/v1/models' },
  streamType: 'text/event-stream',
  readCall: (body, unknown) => readCompletionsCall('openai', request, body, unknown),
  writeCall: (call, stream) => ({
    model: call.model,
    messages: writeTurns(call, 'openai'),
    ...writeOptions(call),
    stream,
    // Asked for in every stream: tokens are settled on what was really used.
    ...(stream ? { stream_options: { include_usage: true } } : {}),
  }),
  readReply: readCompletionsReply,
  createReader: createCompletionsReader,
  writeReply: writeCompletionsReply,
  createWriter: (head, includeUsage) => createCompletionsWriter(head, includeUsage, writeError),
  writeError,
  readModels: readCompletionsModels,
  writeModels: (cards) => ({ object: 'list', data: cards.map(writeModel) }),
  writeModel,
};

function writeOptions(call: ChatCall): JsonObject {
  if (call.dialect === 'openai') return call.native;
  const seed = call.sampling.seed === undefined ? {} : { seed: call.sampling.seed };
  const common = writeCommonSampling(call.sampling);
  if (call.dialect === 'ollama') return { ...common, ...seed };
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
    ...seed,
    ...(choice === undefined ? {} : { tool_choice: choice === 'any' ? 'required' : choice }),
  };
}

function writeModel({ id, createdAt }: ModelCard): JsonObject {
  return { id, object: 'model', created: Math.floor(createdAt / 1_000), owned_by: 'rempart' };
}

function writeError({ status, code, message }: ErrorView): JsonObject {
  return { error: { message, type: errorType(status, code), param: null, code } };
}

function errorType(status: number, code: string): string {
  if (code === 'ERR_QUOTA_EXHAUSTED') return 'insufficient_quota';
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
