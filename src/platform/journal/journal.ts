// What a journal is to those who write in it; the writer, the verifier and the checkpoints are beside this file.
import type { JsonObject } from '../base/json.ts';

/** Proof that a record is on disk: its place in its stream and its hash (hex SHA-256). */
export interface Receipt {
  stream: string;
  seq: number;
  hash: string;
}

/** `now`: somebody waits for it. `soon`: nobody does, and it may wait some milliseconds for a record that is written with it. */
export type When = 'now' | 'soon';

/** One writer's hash chain. The event is an OCSF 1.8.0 body; it must hold no prompt, key or other secret. */
export interface Journal {
  /** Resolves only once the record is on disk (group commit); rejects with ERR_JOURNAL_UNWRITABLE and then nothing was acknowledged. */
  append(event: JsonObject, when?: When): Promise<Receipt>;
  /** Signs the heads of all streams now; also done by itself on a timer and at close. */
  checkpoint(): Promise<void>;
  close(): Promise<void>;
}
