// Makes a rule's regular expression safe to run on hostile text: each repetition gets a limit that fits what it repeats.

/** How often what a rule repeats without a limit may be repeated. */
const reach = { space: 16, word: 60, line: 200, anything: 600, group: 12 };

/** In a rule `*` and `+` mean "for a reasonable while": unlimited ones take time that grows with the square of a text. */
export function boundedPattern(source: string): string {
  let bounded = '';
  let atom = '';
  for (let at = 0; at < source.length; ) {
    const [piece] = /^(?:\\u[\da-fA-F]{4}|\\[\s\S]|\[\^?(?:\\[\s\S]|[^\]\\])*\]|\{\d+,\d*\}|[\s\S])/.exec(
      source.slice(at),
    )!;
    at += piece.length;
    const least = /^\{(\d+),\}$/.exec(piece)?.[1] ?? { '*': '0', '+': '1' }[piece];
    if (least === undefined || atom === '') bounded += piece;
    else bounded += `{${least},${Math.max(Number(least), limitOf(atom))}}`;
    atom = piece === '(' || piece === '|' ? '' : piece;
  }
  return bounded;
}

function limitOf(atom: string): number {
  if (atom === ')') return reach.group;
  if (atom === '\\s' || atom === ' ' || /^\[(?:[ \t]|\\[st])+\]$/.test(atom)) return reach.space;
  if (/^\\[wd]$|^\[[^^]/.test(atom) && !/\\[SWD]/.test(atom)) return reach.word;
  return atom === '.' || (atom.startsWith('[^') && atom.includes('\\n')) ? reach.line : reach.anything;
}
