// Text made plain for patterns: lower case, without accents, apostrophes as one, and every character at its place.

/** As long as `text`, so that offsets hold in both. */
export function fold(text: string): string {
  return text.replace(/[A-Z]|[^\p{ASCII}]/gu, folded);
}

function folded(character: string): string {
  if (character === '’' || character === 'ʼ') return "'";
  if (character === '\u00a0' || character === '\u202f') return ' ';
  if (/[‐‑–]/.test(character)) return '-';
  const plain = character.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.length === character.length ? plain : character;
}
