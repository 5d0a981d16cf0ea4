// Who tried to have code run is shut out for a while: a session at once, a key, which many people may share, at the third attempt that is beyond doubt.

export interface Quarantine {
  /** `score` is the verdict's, 0..1. */
  attempted(credential: string, score: number): void;
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
}

export function createQuarantineState(): QuarantineState {
  return { attempts: new Map(), until: new Map() };
}

const maxWatched = 10_000;

export function createQuarantine(
  now: () => number,
  { minutes, keyAttempts, sureScore }: QuarantineSettings,
  { attempts, until }: QuarantineState = createQuarantineState(),
): Quarantine {
  const lengthMs = minutes * 60_000;
  return {
    attempted(credential, score) {
      // A session that a key opened is named KEY/SESSION.
      const isSession = credential.includes('/');
      if (!isSession && score < sureScore) return;
      const at = now();
      const before = attempts.get(credential);
      const count = before !== undefined && at - before.at < lengthMs ? before.count + 1 : 1;
      if (attempts.size >= maxWatched) attempts.clear();
      attempts.set(credential, { count, at });
      if (isSession || count >= keyAttempts) until.set(credential, at + lengthMs);
    },
    secondsLeft(credential) {
      const end = until.get(credential);
      if (end === undefined) return 0;
      const left = Math.ceil((end - now()) / 1_000);
      if (left <= 0) until.delete(credential);
      return Math.max(0, left);
    },
    count: () => [...until.values()].filter((end) => end > now()).length,
  };
}
