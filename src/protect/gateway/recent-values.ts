// Values by key, the latest used only: what was not asked for the longest makes way.

export interface Recent<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  /** False when there was none. */
  delete(key: string): boolean;
}

export function createRecent<T>(max: number): Recent<T> {
  const kept = new Map<string, T>();
  return {
    get(key) {
      const value = kept.get(key);
      if (value === undefined) return undefined;
      kept.delete(key);
      kept.set(key, value);
      return value;
    },
    set(key, value) {
      kept.delete(key);
      kept.set(key, value);
      if (kept.size > max) kept.delete(kept.keys().next().value!);
    },
    delete: (key) => kept.delete(key),
  };
}
