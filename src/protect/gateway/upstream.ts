// One attempt at one provider: a request sent by undici's dispatch, with its own time for connecting, first byte, silence and all.
import type { Dispatcher } from 'undici';
import type { ProviderHeaders } from '../../platform/wire/provider-errors.ts';
import { type Failure, failureOfError } from '../resilience/failure.ts';
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
  signal: AbortSignal;
}

export interface Flow {
  pause(): void;
  resume(): void;
}

export type UpstreamEnd =
  | { kind: 'whole'; status: number; headers: ProviderHeaders; body: string }
  | { kind: 'streamed'; headers: ProviderHeaders }
  | { kind: 'failed'; failure: Failure }
  | { kind: 'aborted' };

/** Given a response's head, returns who takes its bytes; undefined collects them. */
export type OpenStream = (
  status: number,
  headers: ProviderHeaders,
  flow: Flow,
) => ((chunk: Uint8Array) => void) | undefined;

const maxReplyBytes = 16 * 1_048_576;

/** Never rejects; settles at once on abort and time-out, and then nothing more is read. */
export function callUpstream(
  dispatcher: Dispatcher,
  request: UpstreamRequest,
  openStream: OpenStream = () => undefined,
): Promise<UpstreamEnd> {
  const { signal, timeouts } = request;
  if (signal.aborted) return Promise.resolve({ kind: 'aborted' });
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | undefined;
    let settled = false;
    let phase = setTimeout(silent, timeouts.connectMs, 'unreachable');
    const whole = setTimeout(silent, Math.max(1, request.totalMs), 'timeout');
    let status = 0;
    let headers: ProviderHeaders = {};
    let take: ((chunk: Uint8Array) => void) | undefined;
    const collected: Uint8Array[] = [];
    let size = 0;
    let begun = false;

    function settle(end: UpstreamEnd): void {
      if (settled) return;
      settled = true;
      clearTimeout(phase);
      clearTimeout(whole);
      signal.removeEventListener('abort', aborted);
      resolve(end);
    }
    function stop(end: UpstreamEnd): void {
      settle(end);
      controller?.abort(new Error('the gateway stopped reading'));
    }
    function aborted(): void {
      stop({ kind: 'aborted' });
    }
    function silent(kind: 'unreachable' | 'timeout'): void {
      stop({ kind: 'failed', failure: { kind, heals: true } });
    }
    function expectWithin(ms: number): void {
      clearTimeout(phase);
      phase = setTimeout(silent, ms, 'timeout');
    }
    const flow: Flow = {
      // A slow client is not the upstream's silence.
      pause: () => {
        controller?.pause();
        clearTimeout(phase);
      },
      resume: () => {
        if (settled) return;
        controller?.resume();
        expectWithin(timeouts.idleMs);
      },
    };
    signal.addEventListener('abort', aborted, { once: true });

    function data(chunk: Uint8Array): void {
      if (!begun) {
        begun = true;
        expectWithin(timeouts.idleMs);
      } else phase.refresh();
      if (take !== undefined) {
        take(chunk);
        return;
      }
      size += chunk.length;
      if (size > maxReplyBytes) throw new MalformedReply('read a reply of bounded size');
      collected.push(chunk);
    }

    dispatcher.dispatch(
      {
        path: request.path,
        method: request.method,
        headers: request.headers,
        ...(request.body === undefined ? {} : { body: request.body }),
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      {
        onRequestStart(started) {
          controller = started;
          if (settled) started.abort(new Error('the gateway stopped waiting'));
          else expectWithin(timeouts.firstByteMs);
        },
        onResponseStart(_controller, code, received) {
          if (settled || code < 200) return;
          status = code;
          headers = received;
          take = openStream(code, received, flow);
        },
        onResponseData(_controller, chunk) {
          if (settled) return;
          try {
            data(chunk);
          } catch (error) {
            stop({ kind: 'failed', failure: failureOfReading(error) });
          }
        },
        onResponseEnd() {
          if (take !== undefined) settle({ kind: 'streamed', headers });
          else settle({ kind: 'whole', status, headers, body: Buffer.concat(collected).toString('utf8') });
        },
        onResponseError(_controller, error) {
          settle({ kind: 'failed', failure: failureOfError(error) });
        },
      },
    );
  });
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
