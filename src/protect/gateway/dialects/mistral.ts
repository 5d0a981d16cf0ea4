// The Mistral dialect: OpenAI's grammar with its own seed, error bodies, model cards and no stream_options.
import type { JsonObject } from '../../../platform/base/json.ts';
import { object } from '../shape.ts';
import {
  createCompletionsReader,
  createCompletionsWriter,
  readCompletionsModels,
  readCompletionsReply,
  writeCompletionsReply,
} from './completions-reply.ts';
import { mistralFields, readCompletionsCall, writeCommonSampling, writeTurns } from './completions-request.ts';
import type { ChatCall, Dialect, ErrorView, ModelCard } from './dialect.ts';

const request = object(mistralFields, ['model', 'messages']);

export const mistral: Dialect = {
  name: 'mistral',
  paths: { chat: '/v1/chat/completions', models: '/v1/models' },
  streamType: 'text/event-stream',
  readCall: (body, unknown) => readCompletionsCall('mistral', request, body, unknown),
  writeCall: (call, stream) => ({
    model: call.model,
    messages: writeTurns(call, 'mistral'),
    ...writeOptions(call),
    stream,
  }),
  readReply: readCompletionsReply,
  createReader: createCompletionsReader,
  writeReply: writeCompletionsReply,
  // Mistral's usage comes unasked.
  createWriter: (head) => createCompletionsWriter(head, true, writeStreamError),
  writeError,
  readModels: readCompletionsModels,
  writeModels: (cards) => ({ object: 'list', data: cards.map(writeModel) }),
  writeModel,
};

function writeOptions(call: ChatCall): JsonObject {
  if (call.dialect === 'mistral') return call.native;
  const { sampling, native } = call;
  const seed = sampling.seed === undefined ? {} : { random_seed: Math.abs(sampling.seed) };
  const common = writeCommonSampling(sampling);
  if (call.dialect === 'ollama') return { ...common, ...seed };
  const tools = ['tools', 'tool_choice', 'parallel_tool_calls', 'n'].flatMap((key) =>
    native[key] === undefined ? [] : [[key, native[key]]],
  );
  return { ...common, ...seed, ...Object.fromEntries(tools) };
}

function writeModel({ id, createdAt }: ModelCard): JsonObject {
  return {
    id,
    object: 'model',
    created: Math.floor(createdAt / 1_000),
    owned_by: 'rempart',
    capabilities: {
      completion_chat: true,
      function_calling: true,
      completion_fim: false,
      fine_tuning: false,
      vision: false,
    },
    name: id,
    description: null,
    max_context_length: 32_768,
    aliases: [],
    deprecation: null,
    type: 'base',
  };
}

function writeError({ status, code, message }: ErrorView): JsonObject {
  return { object: 'error', message, type: errorType(status, code), param: null, code };
}

/** Under `error`, where clients of either family look for it in mid-stream. */
function writeStreamError(error: ErrorView): JsonObject {
  return { error: writeError(error) };
}

function errorType(status: number, code: string): string {
  if (code === 'ERR_QUOTA_EXHAUSTED' || status === 429) return 'rate_limit_error';
  if (status === 401 || status === 403) return 'authentication_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
