// A piece of the input that can be read by itself, in any thread.
import type { Place } from '../formats/draft.ts';

export interface Piece {
  place: Place;
  /** `value`: one JSON value; `entries`: a list's entries, one text each; `page` and `text`: a file as a whole. */
  layout: 'value' | 'entries' | 'page' | 'text';
  texts: Uint8Array<ArrayBuffer>[];
  /** From 0: which conversation of its file. */
  position: number;
  /** It stands among conversations: when it is none, it is a broken one. */
  amongConversations: boolean;
  /** Damage mended on the way: `bom`, `utf-16`. */
  repairs: string[];
  /** Entries that were damaged and are missing. */
  lost: number;
}
