// Sends tokens at the pace of a model, no faster than the reader takes them, and stops when the reader is gone.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

export interface Pace {
  /** 0: as fast as the reader takes them. */
  tokensPerSecond: number;
  firstTokenMs: number;
}

/**
 * Writes one piece after the other. Each has its moment counted from the start, so a slow timer delays no later piece.
 * Resolves to the number of pieces written: fewer than given when `signal` aborted.
 */
export async function sendPaced(
  response: ServerResponse,
  pieces: readonly string[],
  { tokensPerSecond, firstTokenMs }: Pace,
  signal: AbortSignal,
): Promise<number> {
  const started = performance.now();
  let sent = 0;
  try {
    for (const piece of pieces) {
      const due = started + firstTokenMs + (tokensPerSecond > 0 ? (sent * 1_000) / tokensPerSecond : 0);
      const early = due - performance.now();
      if (early >= 1) await wait(early, undefined, { signal });
      if (signal.aborted) break;
      if (!response.write(piece)) await once(response, 'drain', { signal });
      sent++;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return sent;
}

/** The time that a whole answer takes to be generated. Resolves to false when `signal` aborted. */
export async function generate(tokens: number, pace: Pace, signal: AbortSignal): Promise<boolean> {
  const ms = pace.firstTokenMs + (pace.tokensPerSecond > 0 ? (tokens * 1_000) / pace.tokensPerSecond : 0);
  try {
    if (ms >= 1) await wait(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return !signal.aborted;
}
