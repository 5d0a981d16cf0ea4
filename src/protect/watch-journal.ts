// The journal with an eye on it: whether it takes records, and how many requests ended well.
import type { Journal, Receipt } from '../platform/journal/journal.ts';

export interface JournalWatch {
  journal: Journal;
  /** False from a failed write to the next good one. */
  writable(): boolean;
  outcomes(): { success: number; failure: number };
}

export function watchJournal(journal: Journal): JournalWatch {
  const outcomes = { success: 0, failure: 0 };
  let writable = true;
  const written = (receipt: Receipt) => {
    writable = true;
    return receipt;
  };
  const failed = (error: unknown) => {
    writable = false;
    throw error;
  };
  return {
    journal: {
      ...journal,
      append(event, when) {
        const { unmapped, status_id } = event as { unmapped?: { phase?: unknown }; status_id?: unknown };
        if (unmapped?.phase === 'outcome') outcomes[status_id === 1 ? 'success' : 'failure']++;
        return journal.append(event, when).then(written, failed);
      },
    },
    writable: () => writable,
    outcomes: () => ({ ...outcomes }),
  };
}
