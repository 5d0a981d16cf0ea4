// What the code rules say of a text, kept for a while: the same snippet comes again in a thread, and across threads.
import type { Language } from '../../platform/inspection/ast/languages.ts';
import { type CodeMatch, inspectCode } from '../../platform/inspection/code-rules/inspect-code.ts';

/** Of the texts that were asked for last; as much again is kept of those before them. */
const mostBytes = 2 * 2 ** 20;
/** What a text takes in memory beside its characters: its places in lists, what was found in it. */
const besides = 256;
/** A longer text hardly comes twice. */
const longestKept = 64 * 2 ** 10;

let known = new Map<string, readonly CodeMatch[]>();
let knownBefore: typeof known = new Map();
let bytes = 0;

export function inspected(language: Language, text: string): readonly CodeMatch[] {
  const key = `${language}\n${text}`;
  const last = known.get(key);
  if (last !== undefined) return last;
  const matches = knownBefore.get(key) ?? inspectCode(language, text);
  if (key.length > longestKept) return matches;
  known.set(key, matches);
  bytes += key.length + besides;
  // All of the older half at once: to let the oldest go one by one takes a walk over those that are gone already.
  if (bytes > mostBytes) {
    knownBefore = known;
    known = new Map();
    bytes = 0;
  }
  return matches;
}
