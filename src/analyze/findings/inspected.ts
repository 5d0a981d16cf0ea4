// What the code rules say of a text, kept for a while: the same snippet comes again in a thread, and across threads.
import type { Language } from '../../platform/inspection/ast/languages.ts';
import { type CodeMatch, inspectCode } from '../../platform/inspection/code-rules/inspect-code.ts';

/** Characters of all texts that are kept; the oldest go first. */
const mostChars = 4 * 2 ** 20;
/** A longer text hardly comes twice. */
const longestKept = 64 * 2 ** 10;

const known = new Map<string, readonly CodeMatch[]>();
let chars = 0;

export function inspected(language: Language, text: string): readonly CodeMatch[] {
  const key = `${language}\n${text}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const matches = inspectCode(language, text);
  if (key.length > longestKept) return matches;
  known.set(key, matches);
  chars += key.length;
  for (const oldest of known.keys()) {
    if (chars <= mostChars) break;
    known.delete(oldest);
    chars -= oldest.length;
  }
  return matches;
}
