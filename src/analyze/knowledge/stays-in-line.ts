// Whether a regular expression can be tried on each line by itself, with the same result as on the whole text.

/** An escape, a class, a group's opening, or any other sign. */
const tokens = /\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\(\?(?:[:=!]|<[=!])?|[\s\S]/g;

/** Escapes that stand for one visible sign, or that see the end of a line and the end of a text alike. */
const harmless = /^\\(?:[bBdw]|[^a-zA-Z0-9\n])$/;

/** True only where nothing in `source` can meet a line end or tell it from the text's; says no where it is not sure. */
export function staysInLine(source: string): boolean {
  for (const [token] of source.matchAll(tokens)) {
    if (token === '^' || token === '$' || token === '\n' || token === '(?') return false;
    if (token.startsWith('\\') && !harmless.test(token)) return false;
    if (token.length > 1 && token.startsWith('[') && !classStays(token)) return false;
  }
  return true;
}

function classStays(token: string): boolean {
  const escapes = [...token.matchAll(/\\[\s\S]/g)].map(([escaped]) => escaped);
  if (token.startsWith('[^')) return escapes.includes('\\n');
  // A range such as [!-~] begins and ends with visible signs; one from a control character might hold the line end.
  return !/[\0-\x1f]/.test(token) && escapes.every((escaped) => harmless.test(escaped));
}
