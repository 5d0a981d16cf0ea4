// The matches of a pattern in a text, without the copy of the pattern that `matchAll` makes for each text.

/**
 * As `text.matchAll(pattern)` for a global pattern without the `u` and `v` flags. Sought when this is called: they are to be
 * few, and what is done with them may use the same pattern.
 */
export function eachMatch(pattern: RegExp, text: string): readonly RegExpExecArray[] {
  pattern.lastIndex = 0;
  let match = pattern.exec(text);
  if (match === null) return none;
  const found: RegExpExecArray[] = [];
  for (; match !== null; match = pattern.exec(text)) {
    found.push(match);
    if (match[0] === '') pattern.lastIndex++;
  }
  return found;
}

const none: readonly RegExpExecArray[] = [];
