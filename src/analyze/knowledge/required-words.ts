// The words without which a regular expression cannot match, so that most texts need not be tried against it.

interface Piece {
  /** A literal character, a group's alternatives, or something that stands for no fixed text. */
  kind: 'char' | 'group' | 'open' | 'nothing';
  char?: string;
  alternatives?: Piece[][];
}

/** Shorter words are in every text. */
const shortest = 3;
/** Words as long as this are rare enough for one set of them to do. Two sets leave a fifth of the lines that one leaves to be tried. */
const rare = 9;

/**
 * Of each set one of the words occurs, in any case, in whatever `source` matches; one or two sets, the second where the
 * words of the first are common. Null when that cannot be said. Understands what the rules use: literals, classes, groups,
 * alternatives, quantifiers, lookarounds.
 */
export function requiredWords(source: string): string[][] | null {
  const parser = { source, at: 0 };
  const sets = ofAlternatives(alternativesAt(parser));
  return parser.at < source.length ? null : sets;
}

/** What all of them need, set by set; one that needs a single set has it stand for the second too. */
function ofAlternatives(alternatives: readonly Piece[][]): string[][] | null {
  const each: string[][][] = [];
  for (const pieces of alternatives) {
    const sets = ofSequence(pieces);
    if (sets === null) return null;
    each.push(sets);
  }
  const first = [...new Set(each.flatMap((sets) => sets[0]!))];
  if (each.every((sets) => sets.length === 1)) return [first];
  return [first, [...new Set(each.flatMap((sets) => sets[1] ?? sets[0]!))]];
}

function ofSequence(pieces: readonly Piece[]): string[][] | null {
  const sets: string[][] = [];
  let run = '';
  const close = () => {
    if (run.trim().length >= shortest) sets.push([run.toLowerCase()]);
    run = '';
  };
  for (const { kind, char = '', alternatives = [] } of pieces) {
    if (kind === 'char') run += char;
    if (kind === 'group' || kind === 'open') close();
    if (kind === 'group') sets.push(...(ofAlternatives(alternatives) ?? []));
  }
  close();
  sets.sort((a, b) => shortestOf(b) - shortestOf(a) || a.length - b.length);
  const [first, second] = sets;
  if (first === undefined) return null;
  return second === undefined || shortestOf(first) >= rare ? [first] : [first, second];
}

function shortestOf(words: readonly string[]): number {
  return Math.min(...words.map((word) => word.length));
}

interface Parser {
  source: string;
  at: number;
}

function alternativesAt(parser: Parser): Piece[][] {
  const alternatives: Piece[][] = [[]];
  while (parser.at < parser.source.length && parser.source[parser.at] !== ')') {
    if (parser.source[parser.at] === '|') {
      parser.at += 1;
      alternatives.push([]);
      continue;
    }
    const piece = atomAt(parser);
    alternatives.at(-1)?.push(...quantified(parser, piece));
  }
  return alternatives;
}

function atomAt(parser: Parser): Piece {
  const { source } = parser;
  const char = source[parser.at] ?? '';
  parser.at += 1;
  if (char === '(') return groupAt(parser);
  if (char === '[') {
    while (parser.at < source.length && source[parser.at] !== ']') parser.at += source[parser.at] === '\\' ? 2 : 1;
    parser.at += 1;
    return { kind: 'open' };
  }
  if (char === '\\') {
    const escaped = source[parser.at] ?? '';
    parser.at += 1;
    if (/[bB]/.test(escaped)) return { kind: 'nothing' };
    return /[a-zA-Z0-9]/.test(escaped) ? { kind: 'open' } : { kind: 'char', char: escaped };
  }
  if (char === '^' || char === '$') return { kind: 'nothing' };
  return char === '.' ? { kind: 'open' } : { kind: 'char', char };
}

function groupAt(parser: Parser): Piece {
  const opening = /^\?(?:[:=!]|<[=!])/.exec(parser.source.slice(parser.at, parser.at + 3))?.[0] ?? '';
  parser.at += opening.length;
  const alternatives = alternativesAt(parser);
  parser.at += 1;
  return opening === '' || opening === '?:' ? { kind: 'group', alternatives } : { kind: 'open' };
}

/** What may be missing stands for nothing certain; what repeats ends a run. */
function quantified(parser: Parser, piece: Piece): Piece[] {
  const mark = /^(?:[?*+]|\{\d+(?:,\d*)?\})\??/.exec(parser.source.slice(parser.at))?.[0];
  if (mark === undefined) return [piece];
  parser.at += mark.length;
  if (/^(?:[?*]|\{0)/.test(mark)) return [{ kind: 'open' }];
  return [piece, { kind: 'open' }];
}
