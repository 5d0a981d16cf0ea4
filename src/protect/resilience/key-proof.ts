// Keys that have answered nothing yet: a few requests find out whether one is taken before a crowd goes out with it.

export interface KeyProof {
  /** One that may go is counted; the others are told when to ask again. */
  admit(index: number): { kind: 'go' } | { kind: 'later'; turn: Promise<void> };
  isProved(index: number): boolean;
  /** It was answered with it, and not that it is refused. */
  proved(index: number): void;
  /** What went out with it has ended, whatever that tells. */
  ended(index: number): void;
  /** It was refused: should it ever come back, it begins anew. */
  doubted(index: number): void;
}

interface Key {
  isProved: boolean;
  out: number;
  /** When the first of those that are out went. */
  since: number;
  waiting: (() => void)[];
  timer: NodeJS.Timeout | undefined;
}

/** A provider that refuses a key says so at once; who is silent for so long is at work. */
const longestMs = 2_000;

/** `atOnce`: how many go out with a key before it has answered. */
export function createKeyProof(now: () => number, { keys, atOnce }: { keys: number; atOnce: number }): KeyProof {
  const all: Key[] = Array.from({ length: keys }, () => ({
    isProved: false,
    out: 0,
    since: 0,
    waiting: [],
    timer: undefined,
  }));

  function wake(key: Key): void {
    clearTimeout(key.timer);
    key.timer = undefined;
    for (const go of key.waiting.splice(0)) go();
  }

  return {
    isProved: (index) => all[index]?.isProved ?? true,
    admit(index) {
      const key = all[index];
      if (key === undefined || key.isProved) return { kind: 'go' };
      if (key.out === 0) key.since = now();
      const left = key.since + longestMs - now();
      if (key.out < atOnce || left <= 0) {
        key.out++;
        return { kind: 'go' };
      }
      const turn = new Promise<void>((resolve) => key.waiting.push(resolve));
      key.timer ??= setTimeout(() => wake(key), left).unref();
      return { kind: 'later', turn };
    },
    proved(index) {
      const key = all[index];
      if (key === undefined || key.isProved) return;
      key.isProved = true;
      key.out = 0;
      wake(key);
    },
    ended(index) {
      const key = all[index];
      if (key === undefined || key.isProved || key.out === 0) return;
      key.out--;
      wake(key);
    },
    doubted(index) {
      const key = all[index];
      if (key === undefined) return;
      key.isProved = false;
      key.out = 0;
      wake(key);
    },
  };
}
