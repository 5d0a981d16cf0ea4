// One wire format as the gateway sees it: requests are read into a call and written anew, answers into events and written anew.
import type { ErrorCode } from '../../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import type { Dialect as DialectName } from '../../../platform/wire/dialect.ts';
import type { UnknownFields } from '../shape.ts';

/** One message, in the words that every dialect has, and whole in its own. */
export interface Turn {
  role: string;
  text: string;
  /** False when it holds what only its own dialect can say: an image, a tool call. */
  plain: boolean;
  native: JsonObject;
}

/** What every dialect can be told about sampling. */
export interface Sampling {
  maxTokens?: number;
  temperature?: number;
  topP?: number;
  seed?: number;
  stop?: string[];
  presencePenalty?: number;
  frequencyPenalty?: number;
  /** The answer must be JSON, of this schema where one is given. */
  json?: true | JsonObject;
}

/** A validated chat request; what is sent upstream is written from it, never copied from the client's bytes. */
export interface ChatCall {
  dialect: DialectName;
  model: string;
  stream: boolean;
  /** OpenAI's stream_options.include_usage. */
  includeUsage: boolean;
  turns: readonly Turn[];
  sampling: Sampling;
  /** Validated fields other than model, messages and stream, in the call's own dialect. */
  native: JsonObject;
  /** The first field, if any, that cannot be said in another dialect. */
  bound?: string;
}

export interface Usage {
  promptTokens: number;
  completionTokens: number;
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'error';

/** What an answer is made of, whole or streamed. */
export type ReplyEvent =
  /** The name that the upstream gives to what answered. */
  | { kind: 'model'; model: string }
  | { kind: 'delta'; index: number; text?: string; thinking?: string; toolCalls?: Json[]; logprobs?: Json }
  | { kind: 'finish'; index: number; reason: FinishReason }
  | { kind: 'usage'; usage: Usage };

/** Reads an upstream's stream. `push` throws MalformedReply on what is not the dialect's, UpstreamFailed on its error frame. */
export interface ReplyReader {
  push(chunk: Uint8Array): void;
  /** 'whole' only when the dialect's own end was seen. */
  end(): 'whole' | 'cut';
}

export class MalformedReply extends Error {
  override readonly name = 'MalformedReply';
}

/** The upstream said in mid-stream that it failed. */
export class UpstreamFailed extends Error {
  override readonly name = 'UpstreamFailed';
}

export interface ReplyHead {
  /** Minted here: upstream ids collide and say who answered. */
  id: string;
  model: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
  now: () => number;
}

/** Writes an answer as a stream in the caller's dialect. */
export interface ReplyWriter {
  contentType: string;
  write(event: ReplyEvent): string;
  /** The clean end. */
  end(): string;
  /** The typed error that ends a stream that cannot go on; nothing follows it. */
  fail(error: ErrorView): string;
}

export interface ErrorView {
  status: number;
  code: ErrorCode;
  /** In the user's language, fit for a user. */
  message: string;
}

export interface ModelCard {
  id: string;
  createdAt: number;
}

export interface Dialect {
  name: DialectName;
  paths: { chat: string; models: string };
  readCall(body: Json, unknown: UnknownFields): ChatCall;
  /** The body to send upstream. Throws ERR_BODY_UNTRANSLATABLE. */
  writeCall(call: ChatCall, stream: boolean): JsonObject;
  /** A whole answer's events. Throws MalformedReply. */
  readReply(body: Json): ReplyEvent[];
  createReader(take: (event: ReplyEvent) => void): ReplyReader;
  /** The content type of this dialect's streams. */
  streamType: string;
  writeReply(events: readonly ReplyEvent[], head: ReplyHead): JsonObject;
  createWriter(head: ReplyHead, includeUsage: boolean): ReplyWriter;
  writeError(error: ErrorView): JsonObject;
  readModels(body: Json): ModelCard[];
  writeModels(cards: readonly ModelCard[]): JsonObject;
  writeModel(card: ModelCard): JsonObject;
}
