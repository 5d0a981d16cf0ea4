// Follows incidents on this node: each change at once, deadlines as they pass, and now and then all of them, for what another node left alone.
import type { Incident } from '../../platform/documents/incident.ts';
import { type FallParts, fall, follow } from './incident-deadlines.ts';

export interface Following {
  follow(incident: Incident): Promise<void>;
  /** Looks through all incidents, once a minute at most. */
  reconcile(): Promise<void>;
  /** Acts upon each deadline that has passed. */
  fallDue(signal: AbortSignal): Promise<void>;
  /** The next look goes through all incidents. */
  again(): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<unknown>;
}

const reconcileMs = 60_000;
/** Longer than acting upon a deadline takes. */
const leaseMs = 30_000;

export function createFollowing(parts: FallParts): Following {
  const { incidents, deadlines, now } = parts;
  let reconciledAt = Number.NEGATIVE_INFINITY;
  let turn: Promise<unknown> = Promise.resolve();

  /** One thing after the other, so that a change and a deadline of the same incident do not say the same. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = turn.then(work, work);
    turn = next.catch(() => undefined);
    return next;
  };
  const followInTurn = (incident: Incident): Promise<void> =>
    // Read again: it may have gone on while it waited.
    inTurn(async () => follow(parts, (await incidents.find(incident.id)) ?? incident));

  return {
    follow: followInTurn,
    async reconcile() {
      if (now() - reconciledAt < reconcileMs) return;
      reconciledAt = now();
      const [open, over] = [await incidents.list({ open: true }), await incidents.list({ open: false, limit: 100 })];
      for (const incident of [...open, ...over]) await followInTurn(incident);
    },
    async fallDue(signal) {
      while (!signal.aborted) {
        const due = await deadlines.take(leaseMs);
        if (due === null) return;
        await inTurn(() => fall(parts, due));
      }
    },
    again: () => {
      reconciledAt = Number.NEGATIVE_INFINITY;
    },
    idle: () => turn,
  };
}
