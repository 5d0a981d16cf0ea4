// What a sink is: where copies of journal records go. deliver.ts sends, repeats and remembers; a sink only speaks its protocol.
import type { JournalRecord } from '../record.ts';

export type Sent =
  /** Taken, but for those that are refused for good (`why` is a word or number of the protocol) and those to send once more. */
  | {
      kind: 'taken';
      refused?: readonly { record: JournalRecord; why: string }[];
      again?: readonly JournalRecord[];
      retryAfterMs?: number;
    }
  /** The batch as a whole cannot be taken: one of its records is at fault. */
  | { kind: 'refused'; why: string };

export interface Sink {
  /** Throws SinkAway when nothing can be sent now. The same record may come twice: its `hash` is its name. */
  send(records: readonly JournalRecord[], signal: AbortSignal): Promise<Sent>;
  close(): Promise<void>;
}

/** The sink cannot be reached, or will not have anything now; `why` is a code or a status, never an address. */
export class SinkAway extends Error {
  override readonly name = 'SinkAway';
  readonly why: string;
  readonly retryAfterMs: number | undefined;

  constructor(why: string, retryAfterMs?: number, cause?: unknown) {
    super(`send to a sink: ${why}`, cause === undefined ? undefined : { cause });
    this.why = why;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A word for what went wrong on the way: the system's code, else the error's own name. */
export function whyOf(error: unknown): string {
  if (error instanceof SinkAway) return error.why;
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code } = one as { code?: unknown };
    if (typeof code === 'string' && /^[A-Z0-9_]{2,40}$/.test(code)) return code;
  }
  return error instanceof Error && /^[A-Za-z]{2,40}$/.test(error.name) ? error.name : 'unknown';
}

/** `retry-after` in milliseconds, of seconds or a date; undefined when there is none that can be read. */
export function retryAfterMs(value: string | null | undefined, now: number): number | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  const at = /^\d+$/.test(value.trim()) ? now + Number(value) * 1_000 : Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - now), 3_600_000);
}
