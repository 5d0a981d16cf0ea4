// What the stand-in has seen, counted: the truth about upstream that a simulation is judged by.

export interface StandinStats {
  requests: number;
  byStatus: Readonly<Record<string, number>>;
  byPath: Readonly<Record<string, number>>;
  /** Requests and refusals (401, 403) by key; `''` is a request without one. */
  byKey: Readonly<Record<string, { requests: number; refused: number }>>;
  /** Answers under way. */
  open: number;
  /** Clients that went away before the end of their answer. */
  aborted: number;
  /** Pieces of streams that were sent. */
  piecesSent: number;
}

export interface Tally {
  arrived(path: string, key: string): void;
  answered(status: number, key: string): void;
  began(): void;
  ended(outcome: { aborted: boolean; pieces: number }): void;
  stats(): StandinStats;
}

export function createTally(): Tally {
  let requests = 0;
  let open = 0;
  let aborted = 0;
  let piecesSent = 0;
  const byStatus = new Map<string, number>();
  const byPath = new Map<string, number>();
  const byKey = new Map<string, { requests: number; refused: number }>();
  const add = (map: Map<string, number>, name: string) => map.set(name, (map.get(name) ?? 0) + 1);
  const ofKey = (key: string) => {
    const entry = byKey.get(key) ?? { requests: 0, refused: 0 };
    byKey.set(key, entry);
    return entry;
  };
  return {
    arrived(path, key) {
      requests++;
      add(byPath, path);
      ofKey(key).requests++;
    },
    answered(status, key) {
      add(byStatus, String(status));
      if (status === 401 || status === 403) ofKey(key).refused++;
    },
    began() {
      open++;
    },
    ended(outcome) {
      open--;
      if (outcome.aborted) aborted++;
      piecesSent += outcome.pieces;
    },
    stats: () => ({
      requests,
      byStatus: Object.fromEntries(byStatus),
      byPath: Object.fromEntries(byPath),
      byKey: Object.fromEntries([...byKey].map(([key, entry]) => [key, { ...entry }])),
      open,
      aborted,
      piecesSent,
    }),
  };
}
