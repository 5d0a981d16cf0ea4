// Text made plain for patterns: lower case, without accents, apostrophes as one, and every character at its place.

/** What each character becomes; looked up, since the same few accents come again and again. */
const known = new Map<string, string>();
const mostKnown = 4_096;

/** As long as `text`, so that offsets hold in both. */
export function fold(text: string): string {
  // Plain ASCII, which most text is, is folded by the engine at once.
  const lower = text.toLowerCase();
  // A capital may become two characters: then each is folded by itself.
  const even = lower.length === text.length ? lower : text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return even.replace(/[^\p{ASCII}]/gu, folded);
}

function folded(character: string): string {
  const before = known.get(character);
  if (before !== undefined) return before;
  if (known.size >= mostKnown) known.clear();
  const plain = plainOf(character);
  known.set(character, plain);
  return plain;
}

function plainOf(character: string): string {
  if (character === '’' || character === 'ʼ') return "'";
  if (character === '\u00a0' || character === '\u202f') return ' ';
  if (/[‐‑–]/.test(character)) return '-';
  const plain = character.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.length === character.length ? plain : character;
}
