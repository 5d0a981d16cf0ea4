// Who tried to have code run is shut out for a while: a session at once, a key, which many people may share, at the third attempt that is beyond doubt.
import { type Counters, openCounters } from '../../platform/shared/counters.ts';
import { openSet, type SharedSet } from '../../platform/shared/set.ts';

export interface Quarantine {
  /** `score` is the verdict's, 0..1. */
  attempted(credential: string, score: number): void;
  /** Calls back when somebody was shut out on this thread. Returns what ends that. */
  onShutOut(listener: () => void): () => void;
  /** 0 for who is not shut out. */
  secondsLeft(credential: string): number;
  count(): number;
}

export interface QuarantineSettings {
  minutes: number;
  /** Attempts of one key within that time. */
  keyAttempts: number;
  /** An attempt with a lower score is blocked, but does not count against a key. */
  sureScore: number;
}

/** Who tried and who is shut out: given to the next gateway, so that a new configuration lets nobody in again. */
export interface QuarantineState {
  attempts: Map<string, { count: number; at: number }>;
  until: Map<string, number>;
  /** With it, what is known here holds on all threads at once. */
  shared?: { set: Pick<SharedSet, 'add' | 'until' | 'revision'>; counters: Pick<Counters, 'take'> };
}

/** `memory`: that of all threads, where there are several. */
export function createQuarantineState(memory?: SharedArrayBuffer): QuarantineState {
  const state = { attempts: new Map(), until: new Map() };
  return memory === undefined ? state : { ...state, shared: { set: openSet(memory), counters: openCounters(memory) } };
}

const maxWatched = 10_000;
const place = (credential: string) => `quarantined ${credential}`;

export function createQuarantine(
  now: () => number,
  { minutes, keyAttempts, sureScore }: QuarantineSettings,
  { attempts, until, shared }: QuarantineState = createQuarantineState(),
): Quarantine {
  const lengthMs = minutes * 60_000;
  const listeners = new Set<() => void>();

  function countOf(credential: string, at: number): number {
    if (shared !== undefined) {
      const span = { windowMs: lengthMs };
      return shared.counters.take(`attempt ${credential}`, span, Number.POSITIVE_INFINITY, 1, at).used;
    }
    const before = attempts.get(credential);
    const count = before !== undefined && at - before.at < lengthMs ? before.count + 1 : 1;
    if (attempts.size >= maxWatched) attempts.clear();
    attempts.set(credential, { count, at });
    return count;
  }

  function endOf(credential: string): number {
    const here = until.get(credential) ?? 0;
    if (shared === undefined || shared.set.revision() === 0) return here;
    return Math.max(here, shared.set.until(place(credential), now()));
  }

  return {
    attempted(credential, score) {
      // A session that a key opened is named KEY/SESSION, one that the password opened by itself.
      const isSession = credential.includes('/') || credential.startsWith('session-');
      if (lengthMs === 0 || (!isSession && score < sureScore)) return;
      const at = now();
      const count = countOf(credential, at);
      if (!isSession && count < keyAttempts) return;
      until.set(credential, at + lengthMs);
      shared?.set.add(place(credential), at, at + lengthMs);
      for (const listener of [...listeners]) listener();
    },
    onShutOut(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    secondsLeft(credential) {
      const end = endOf(credential);
      if (end === 0) return 0;
      const left = Math.ceil((end - now()) / 1_000);
      if (left <= 0) until.delete(credential);
      return Math.max(0, left);
    },
    count: () => [...until.values()].filter((end) => end > now()).length,
  };
}
