// One attempt at one provider: a request sent by undici's dispatch, with its own time for connecting, first byte, silence and all.

import type { Dispatcher } from 'undici';
import type { Ending } from '../../platform/base/ending.ts';
import { atTurnEnd } from '../../platform/base/turn-end.ts';
import type { ProviderHeaders } from '../../platform/wire/provider-errors.ts';
import { type Failure, failureOfError } from '../resilience/failure.ts';
import { type BodyDecoder, codingOf, createBodyDecoder } from './decode-body.ts';
import { MalformedReply, UpstreamFailed } from './dialects/dialect.ts';
import type { Timeouts } from './settings.ts';

export interface UpstreamRequest {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body?: string;
  timeouts: Timeouts;
  /** Milliseconds left for the whole request. */
  totalMs: number;
  signal: Ending;
  /** Asked at the last moment, when a connection is there: whether it is still to be sent. */
  mayGo?: () => boolean;
}

export interface Flow {
  pause(): void;
  resume(): void;
}

export interface Incoming extends Flow {
  /** All was said: a connection that is not ended soon is not waited for. */
  ending(): void;
}

export type UpstreamEnd =
  | { kind: 'whole'; status: number; headers: ProviderHeaders; body: string }
  | { kind: 'streamed'; headers: ProviderHeaders }
  | { kind: 'failed'; failure: Failure }
  | { kind: 'aborted' }
  | { kind: 'unsent' };

type TakeBytes = (chunk: Uint8Array) => void;

/** Given a response's head, returns who takes its bytes; undefined collects them. */
export type OpenStream = (status: number, headers: ProviderHeaders, flow: Incoming) => TakeBytes | undefined;

/** For the end of a message whose last word was said; it comes with that word or right after it. */
const lastMs = 500;
const maxReplyBytes = 16 * 1_048_576;

/** Never rejects; settles at once on abort and time-out, and then nothing more is read. */
export function callUpstream(
  dispatcher: Dispatcher,
  request: UpstreamRequest,
  openStream: OpenStream = () => undefined,
): Promise<UpstreamEnd> {
  const { signal, timeouts, path, method, headers, body } = request;
  if (signal.aborted) return Promise.resolve({ kind: 'aborted' });
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | undefined;
    let settled = false;
    const clock = createClock(timeouts.connectMs, request.totalMs, (kind) =>
      stop({ kind: 'failed', failure: { kind, heals: true, ...(kind === 'unreachable' ? { maybeBrief: true } : {}) } }),
    );
    const aborted = () => stop({ kind: 'aborted' });
    function settle(end: UpstreamEnd): void {
      if (settled) return;
      settled = true;
      clock.stop();
      signal.removeEventListener('abort', aborted);
      reading.over();
      // Answers that came in one turn are read and passed on in step.
      atTurnEnd(() => resolve(end));
    }
    function stop(end: UpstreamEnd): void {
      settle(end);
      controller?.abort(new Error('the gateway stopped reading'));
    }
    signal.addEventListener('abort', aborted, { once: true });
    const reading = createReading(openStream, timeouts.idleMs, clock, {
      controller: () => controller,
      ended: settle,
      broken: (error) => stop({ kind: 'failed', failure: failureOfReading(error) }),
    });

    dispatcher.dispatch(
      { path, method, headers, ...(body === undefined ? {} : { body }), headersTimeout: 0, bodyTimeout: 0 },
      {
        onRequestStart(started) {
          controller = started;
          if (settled) started.abort(new Error('the gateway stopped waiting'));
          else if (request.mayGo?.() === false) stop({ kind: 'unsent' });
          else clock.expectWithin(timeouts.firstByteMs);
        },
        onResponseStart(_controller, status, received) {
          // Before it come others at times that nobody asked for.
          if (settled || status < 200) return;
          try {
            reading.head(status, received);
          } catch (error) {
            stop({ kind: 'failed', failure: failureOfReading(error) });
          }
        },
        onResponseData(_controller, chunk) {
          if (settled) return;
          try {
            reading.data(chunk);
          } catch (error) {
            stop({ kind: 'failed', failure: failureOfReading(error) });
          }
        },
        onResponseEnd: () => reading.end(),
        onResponseError: (_controller, error) => settle({ kind: 'failed', failure: failureOfError(error) }),
      },
    );
  });
}

interface Clock {
  /** From now on the next sign must come within this time. */
  expectWithin(ms: number): void;
  /** The sign came; the same time runs again. */
  heard(): void;
  /** Nothing is expected. */
  rest(): void;
  stop(): void;
}

/** One timer for both times: it is set anew only when it ends before what it is for, so most requests set one and end one. */
function createClock(connectMs: number, totalMs: number, silent: (kind: 'unreachable' | 'timeout') => void): Clock {
  const begun = performance.now();
  const wholeAt = begun + Math.max(1, totalMs);
  let phaseMs = connectMs;
  let phaseAt = begun + connectMs;
  let kind: 'unreachable' | 'timeout' = 'unreachable';
  let stopped = false;
  let firesAt = Math.min(phaseAt, wholeAt);
  let timer = setTimeout(look, firesAt - begun);

  function look(): void {
    const at = performance.now();
    // Timers count whole milliseconds.
    if (at >= wholeAt - 1) silent('timeout');
    else if (at >= phaseAt - 1) silent(kind);
    else arm(at);
  }

  function arm(at: number): void {
    firesAt = Math.min(phaseAt, wholeAt);
    timer = setTimeout(look, Math.max(1, firesAt - at));
  }

  function expectWithin(ms: number): void {
    // A slow client may drain after the upstream has ended.
    if (stopped) return;
    const at = performance.now();
    kind = 'timeout';
    phaseMs = ms;
    phaseAt = at + ms;
    if (phaseAt >= firesAt) return;
    clearTimeout(timer);
    arm(at);
  }

  return {
    expectWithin,
    heard: () => expectWithin(phaseMs),
    rest() {
      phaseAt = Number.POSITIVE_INFINITY;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

interface Reading {
  /** Throws MalformedReply where its body is in a coding that nobody here knows. */
  head(status: number, headers: ProviderHeaders): void;
  /** Throws what the taker throws, and MalformedReply at a reply over the limit. */
  data(chunk: Uint8Array): void;
  /** Nothing more comes. */
  end(): void;
  /** Nothing more is wanted. */
  over(): void;
}

interface ReadingHears {
  controller(): Dispatcher.DispatchController | undefined;
  ended(end: UpstreamEnd): void;
  broken(error: unknown): void;
}

function createReading(
  openStream: OpenStream,
  idleMs: number,
  clock: Clock,
  { controller, ended, broken }: ReadingHears,
): Reading {
  let status = 0;
  let headers: ProviderHeaders = {};
  let take: TakeBytes | undefined;
  let begun = false;
  let size = 0;
  const collected: Uint8Array[] = [];
  let decoder: BodyDecoder | undefined;
  let isHeld = false;
  const flow: Incoming = {
    // A slow client is not the upstream's silence.
    pause() {
      isHeld = true;
      controller()?.pause();
      decoder?.pause();
      clock.rest();
    },
    resume() {
      isHeld = false;
      decoder?.resume();
      controller()?.resume();
      clock.expectWithin(idleMs);
    },
    ending: () => clock.expectWithin(Math.min(idleMs, lastMs)),
  };
  return {
    head(code, received) {
      status = code;
      headers = received;
      const coding = codingOf(received);
      if (coding === 'unknown') throw new MalformedReply('read a coding that is known');
      if (coding !== undefined)
        decoder = createBodyDecoder(coding, {
          data: pass,
          end: () => ended(conclusion()),
          error: broken,
          drain() {
            if (!isHeld) controller()?.resume();
          },
        });
      take = openStream(code, received, flow);
    },
    data(chunk) {
      if (begun) clock.heard();
      else clock.expectWithin(idleMs);
      begun = true;
      if (decoder === undefined) pass(chunk);
      else if (!decoder.write(chunk)) controller()?.pause();
    },
    end() {
      if (decoder !== undefined) decoder.end();
      else ended(conclusion());
    },
    over: () => decoder?.destroy(),
  };

  function pass(chunk: Uint8Array): void {
    size += chunk.length;
    if (take !== undefined) take(chunk);
    else if (size > maxReplyBytes) throw new MalformedReply('read a reply of bounded size');
    else collected.push(chunk);
  }

  function conclusion(): UpstreamEnd {
    if (take !== undefined) return { kind: 'streamed', headers };
    const [first] = collected;
    const bytes =
      collected.length === 1 && first !== undefined
        ? Buffer.from(first.buffer, first.byteOffset, first.length)
        : Buffer.concat(collected);
    return { kind: 'whole', status, headers, body: bytes.toString('utf8') };
  }
}

function failureOfReading(error: unknown): Failure {
  if (error instanceof UpstreamFailed) return { kind: 'server-error', heals: true };
  // MalformedReply, an event over the limit, or a defect of ours: in each case this stream cannot be relayed.
  return { kind: 'malformed', heals: true };
}

const limitPairs = [
  ['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests'],
  ['x-ratelimit-limit-tokens', 'x-ratelimit-remaining-tokens'],
  ['x-ratelimit-limit-req-minute', 'x-ratelimit-remaining-req-minute'],
  ['x-ratelimit-limit-tokens-minute', 'x-ratelimit-remaining-tokens-minute'],
] as const;

/** The largest share of a limit that is used up, 0 to 1; undefined when no header tells. */
export function limitUsed(headers: ProviderHeaders): number | undefined {
  let most: number | undefined;
  for (const [limitName, leftName] of limitPairs) {
    if (headers[limitName] === undefined || headers[leftName] === undefined) continue;
    const limit = Number(headers[limitName]);
    const left = Number(headers[leftName]);
    if (limit > 0 && left >= 0 && left <= limit) most = Math.max(most ?? 0, 1 - left / limit);
  }
  return most;
}
