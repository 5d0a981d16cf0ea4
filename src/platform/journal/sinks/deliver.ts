// One sink's delivery: at least once, in batches, from a durable place. A sink that is down delays; nothing is skipped unseen.
import type { JournalRecord } from '../record.ts';
import { bytesBehind, readOn } from './follow.ts';
import type { Offsets } from './offsets.ts';
import { type Sink, SinkAway, whyOf } from './sink.ts';

export interface DeliveryState {
  state: 'ok' | 'away';
  /** Milliseconds since the epoch of the last change of state. */
  since: number;
  /** Why it is away: a code, a status or a word of the protocol. */
  cause?: string;
  delivered: number;
  /** Attempts that failed. */
  failures: number;
  /** Records that the sink will never take; they are listed in a file beside its place. */
  refused: number;
  /** Lines of the journal that are no records. */
  unreadable: number;
  bytesBehind: number;
  /** Time of the oldest record that is still to be delivered; 0 when there is none. */
  oldestAt: number;
}

export interface Pace {
  records: number;
  bytes: number;
  /** How long to wait before looking again, once everything is delivered. */
  idleMs: number;
  /** And after each batch: what holds a sink back that runs on this very machine. */
  restMs: number;
  /** The same as a multiple of what the batch took, where that is longer. */
  restTimes: number;
  backoff: { firstMs: number; mostMs: number };
}

/** A clock that is set forward must not send a sink to sleep. */
const mostRestMs = 2_000;

export const usualPace: Pace = {
  records: 500,
  bytes: 1_048_576,
  idleMs: 250,
  restMs: 0,
  restTimes: 0,
  backoff: { firstMs: 250, mostMs: 30_000 },
};

export interface DeliveryParts {
  journal: string;
  offsets: Offsets;
  sink: Sink;
  now: () => number;
  random: () => number;
  report: (state: DeliveryState) => void;
  pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Runs until `signal`; never rejects. Holds one batch in memory, whatever waits on disk. */
export async function deliver(parts: DeliveryParts, pace: Pace, signal: AbortSignal): Promise<void> {
  const { journal, offsets, now } = parts;
  const state: DeliveryState = {
    ...{ state: 'ok', since: now(), delivered: 0, failures: 0, refused: 0, unreadable: 0 },
    ...{ bytesBehind: 0, oldestAt: 0 },
  };
  const told = (change: Partial<DeliveryState> = {}) => {
    Object.assign(state, change);
    parts.report({ ...state });
  };
  let failed = 0;
  while (!signal.aborted) {
    const begunAt = now();
    try {
      const { records, places, unreadable } = readOn(journal, offsets.places, pace);
      const [first] = records;
      if (first === undefined) {
        if (unreadable > 0) offsets.save(places);
        told({ bytesBehind: 0, oldestAt: 0, unreadable: state.unreadable + unreadable });
        await parts.pause(pace.idleMs, signal);
        continue;
      }
      told({ bytesBehind: bytesBehind(journal, offsets.places), oldestAt: first.time });
      await settle(parts, pace, records, state, told, signal);
      if (signal.aborted) return;
      offsets.save(places);
      told({ delivered: state.delivered + records.length, unreadable: state.unreadable + unreadable });
      failed = 0;
      const restMs = Math.max(pace.restMs, Math.min(mostRestMs, pace.restTimes * (now() - begunAt)));
      if (restMs > 0) await parts.pause(restMs, signal);
    } catch (error) {
      // The journal cannot be read, or the place not be written: as bad as a sink that is down, and told like it.
      failed++;
      told({ ...awayBy(state, whyOf(error), now()), failures: state.failures + 1 });
      await parts.pause(waitMs(pace, failed, parts.random), signal);
    }
  }
}

/** Resolves once each of the records is where it goes, or is set aside because the sink will never have it. */
async function settle(
  parts: DeliveryParts,
  pace: Pace,
  records: readonly JournalRecord[],
  state: DeliveryState,
  told: (change: Partial<DeliveryState>) => void,
  signal: AbortSignal,
): Promise<void> {
  let left = records;
  const aside = (record: JournalRecord, why: string) => {
    parts.offsets.setAside(record, why);
    told({ refused: state.refused + 1 });
  };
  for (let failed = 0; left.length > 0 && !signal.aborted; ) {
    try {
      const sent = await parts.sink.send(left, signal);
      if (sent.kind === 'refused') {
        const [only] = left;
        if (left.length === 1 && only !== undefined) return aside(only, sent.why);
        // One of them is at fault: halves find it, and the others get through.
        const middle = Math.ceil(left.length / 2);
        await settle(parts, pace, left.slice(0, middle), state, told, signal);
        return await settle(parts, pace, left.slice(middle), state, told, signal);
      }
      for (const { record, why } of sent.refused ?? []) aside(record, why);
      if (state.state === 'away') told({ state: 'ok', since: parts.now() });
      left = sent.again ?? [];
      if (left.length === 0) return;
      failed++;
      await parts.pause(Math.max(waitMs(pace, failed, parts.random), sent.retryAfterMs ?? 0), signal);
    } catch (error) {
      if (signal.aborted) return;
      failed++;
      told({ ...awayBy(state, whyOf(error), parts.now()), failures: state.failures + 1 });
      const asked = error instanceof SinkAway ? (error.retryAfterMs ?? 0) : 0;
      await parts.pause(Math.max(waitMs(pace, failed, parts.random), asked), signal);
    }
  }
}

function awayBy(state: DeliveryState, cause: string, at: number): Partial<DeliveryState> {
  return state.state === 'away' ? { cause } : { state: 'away', since: at, cause };
}

/** Twice as long each time, up to the most, half of it by chance. */
function waitMs({ backoff: { firstMs, mostMs } }: Pace, failed: number, random: () => number): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(20, failed - 1));
  return whole / 2 + (whole / 2) * random();
}
