// One wire format as the gateway sees it: requests are read into a call and written anew, answers into events and written anew.
import type { ErrorCode } from '../../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import type { Dialect as DialectName } from '../../../platform/wire/dialect.ts';
import type { UnknownFields } from '../shape.ts';

/** One message, in the words that every dialect has, and whole in its own. */
export interface Turn {
  role: string;
  text: string;
  /** What stands after the place to be filled, not before it. */
  isSuffix?: true;
  native: JsonObject;
}

/**
 * What is asked for: an answer to messages; to a prompt that the model's template is put around (`prompt`); the text
 * that goes on from a prompt, or that stands between it and a suffix (`completion`, `fill`); vectors.
 */
export type Task = 'chat' | 'prompt' | 'completion' | 'fill' | 'embedding';

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

/** A validated request; what is sent upstream is written from it, never copied from the client's bytes. */
export interface ChatCall {
  dialect: DialectName;
  /** Default: chat. */
  task?: Task;
  model: string;
  stream: boolean;
  /** OpenAI's stream_options.include_usage. */
  includeUsage: boolean;
  turns: readonly Turn[];
  sampling: Sampling;
  /** Validated fields other than model, texts and stream, in the words of the call's own dialect and task. */
  native: JsonObject;
}

export interface Usage {
  promptTokens: number;
  completionTokens: number;
  /** Nobody told it: it is from the length of the texts. */
  estimated?: boolean;
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'error';

/** What an answer is made of, whole or streamed. */
export type ReplyEvent =
  /** The name that the upstream gives to what answered. */
  | { kind: 'model'; model: string; isOllama?: true }
  | { kind: 'delta'; index: number; text?: string; thinking?: string; toolCalls?: Json[]; logprobs?: Json }
  | { kind: 'finish'; index: number; reason: FinishReason }
  | { kind: 'embedding'; index: number; vector: number[] }
  | { kind: 'usage'; usage: Usage };

/** Reads an upstream's stream. `push` throws MalformedReply on what is not the dialect's, UpstreamFailed on its error frame. */
export interface ReplyReader {
  push(chunk: Uint8Array): void;
  /** Whether the dialect's own end was seen: what is still to come is the end of the connection's message. */
  isOver(): boolean;
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
  /** The field of the request that is at fault, by its path. */
  param?: string;
}

export interface ModelCard {
  id: string;
  createdAt: number;
  /** The provider would send texts for it on to somebody else. */
  isRemote?: true;
}

/** How a call is said to a provider, and how its answer is read. */
export interface Speech {
  path: string;
  body: JsonObject;
  /** A whole answer's events. Throws MalformedReply. */
  readReply(body: Json): ReplyEvent[];
  createReader(take: (event: ReplyEvent) => void): ReplyReader;
}

/** One address at which clients speak to the gateway. */
export interface Wire {
  /** Throws ERR_BODY_…. */
  readCall(body: Json, unknown: UnknownFields): ChatCall;
  writeReply(events: readonly ReplyEvent[], head: ReplyHead, call: ChatCall): JsonObject;
  createWriter(head: ReplyHead, call: ChatCall): ReplyWriter;
}

/** `embed` takes one text or several, `embedding` is Ollama's older address for one. */
export type WireName = 'chat' | 'completion' | 'fill' | 'generate' | 'embed' | 'embedding';

export interface Dialect {
  name: DialectName;
  paths: { models: string };
  wires: Readonly<Partial<Record<WireName, Wire>>>;
  /** Throws ERR_BODY_UNTRANSLATABLE. */
  speak(call: ChatCall, stream: boolean): Speech;
  /** The content type of this dialect's streams. */
  streamType: string;
  writeError(error: ErrorView): JsonObject;
  readModels(body: Json): ModelCard[];
  writeModels(cards: readonly ModelCard[]): JsonObject;
  writeModel(card: ModelCard): JsonObject;
}

/** The part of a task that needs no adapter's word. */
export function promptsOf({ turns }: ChatCall): string[] {
  return turns.flatMap(({ role, text, isSuffix }) => (role === 'user' && isSuffix !== true ? [text] : []));
}

export function suffixOf({ turns }: ChatCall): string | undefined {
  return turns.find(({ isSuffix }) => isSuffix === true)?.text;
}
