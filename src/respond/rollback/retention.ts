// Which backups stay: the newest few, and one of each day.
export interface Retention {
  /** The newest so many. */
  keep: number;
  /** And the newest of each of the last so many days (UTC). */
  keepDays: number;
}

/** Ids of those that stay. */
export function kept(
  backups: readonly { id: string; takenAt: string }[],
  { keep, keepDays }: Retention,
  now: number,
): ReadonlySet<string> {
  const newestFirst = backups.toSorted((a, b) => (a.takenAt < b.takenAt ? 1 : -1));
  const staying = new Set(newestFirst.slice(0, keep).map(({ id }) => id));
  const oldest = new Date(now - keepDays * 86_400_000).toISOString();
  const days = new Set<string>();
  for (const { id, takenAt } of newestFirst) {
    const day = takenAt.slice(0, 10);
    if (takenAt <= oldest || days.has(day)) continue;
    days.add(day);
    staying.add(id);
  }
  return staying;
}
