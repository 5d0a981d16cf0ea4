// The Mistral dialect: OpenAI's grammar with its own seed, error bodies, model cards and no stream_options.
import type { JsonObject } from '../../../platform/base/json.ts';
import { object } from '../shape.ts';
import {
  createCompletionsReader,
  type Form,
  readCompletionsModels,
  readCompletionsReply,
} from './completions-reading.ts';
import {
  mistralFields,
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
import { onePrompt, readCompletion, readFill, writeFill, writeSeed } from './prompt-request.ts';
import { withShortIds } from './tool-ids.ts';
import { untranslatable } from './translate-turns.ts';

const request = object(mistralFields, ['model', 'messages']);

export const mistral: Dialect = {
  name: 'mistral',
  paths: { models: '/v1/models' },
  wires: {
    chat: wire((body, unknown) => readCompletionsCall('mistral', request, body, unknown)),
    completion: wire(readCompletion, 'text'),
    fill: wire(readFill),
    embed: embeddingWire('mistral'),
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
    writeReply: (events, head) => writeCompletionsReply(events, head, 'mistral', form),
    // Mistral's usage comes unasked.
    createWriter: (head) => createCompletionsWriter(head, true, writeStreamError, 'mistral', form),
  };
}

function speak(call: ChatCall, stream: boolean): Speech {
  const task = call.task ?? 'chat';
  if (task === 'embedding')
    return {
      path: '/v1/embeddings',
      body: writeEmbeddingCall(call, 'mistral'),
      readReply: (body) => readEmbeddings(call, body),
      createReader: noReader,
    };
  const fills = task === 'fill' || suffixOf(call) !== undefined;
  return {
    path: fills ? '/v1/fim/completions' : '/v1/chat/completions',
    body: { ...(fills ? writeFill(call) : writeChat(call)), stream },
    readReply: readCompletionsReply,
    createReader: createCompletionsReader,
  };
}

function writeChat(call: ChatCall): JsonObject {
  if (call.task === 'completion') onePrompt(call);
  return { model: call.model, messages: withShortIds(writeTurns(call, 'mistral')), ...writeOptions(call) };
}

function writeOptions(call: ChatCall): JsonObject {
  if (call.dialect === 'mistral' && call.task === undefined) return call.native;
  const common = { ...writeCommonSampling(call.sampling), ...writeSeed('random_seed', call) };
  if (call.dialect === 'ollama') return { ...common, ...writeOllamaExtras(call) };
  if (call.task !== undefined) return common;
  if (call.native['logprobs'] === true) throw untranslatable('logprobs');
  const tools = ['tools', 'tool_choice', 'parallel_tool_calls', 'n'].flatMap((key) =>
    call.native[key] === undefined ? [] : [[key, call.native[key]]],
  );
  return { ...common, ...Object.fromEntries(tools) };
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

function writeError({ status, code, message, param }: ErrorView): JsonObject {
  return { object: 'error', message, type: errorType(status, code), param: param ?? null, code };
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
