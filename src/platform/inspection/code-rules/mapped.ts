// What a function written in place makes of each element of a list: `?`, `$1`, `@p0` hold nothing of the elements.
import { isConstantList } from './constant-lists.ts';
import type { Reading, Span } from './reading.ts';
import { splitArgs, statementEnd } from './statements.ts';

export interface Visit {
  /** Parameters that are handed a number. */
  counts: Set<string>;
  /** All of its parameters. */
  own: Set<string>;
  /** What it may give: one expression, or all that its block returns. */
  bodies: Span[];
  /** Where it names what it needs on the way, if it has a block. */
  block: Span | undefined;
}

const visits = /(?:\.(?:map|flatMap|Select|mapToObj)|(?:^|\.)(?:Array\.from|array_map))\(\)$/;
/** What these hand over first is a number. */
const counted = /(?:range|rangeClosed|Range)\(\)\.(?:mapToObj|Select|map)\(\)$|\.mapToObj\(\)$/;

/** The function that the call of `name` in these parentheses gives each element to; undefined where it is none written in place. */
export function visitIn(reading: Reading, name: string, [open, close]: Span): Visit | undefined {
  if (!visits.test(name)) return undefined;
  const { tokens, family } = reading;
  const written = tokens[open + 1]!.text === 'function';
  const arrow = family.name === 'java' ? '->' : '=>';
  let at = open + 1;
  // `function ($x) use (&$params) {…}`: its parameters are in the first parentheses.
  if (written) while (at < close && tokens[at]!.text !== '(') at++;
  if (written) at = tokens[at]!.pair + 1;
  else while (at < close && tokens[at]!.text !== arrow) at++;
  if (at <= open || at + 1 >= close) return undefined;
  let start = written ? at : at + 1;
  if (written) while (start < close && tokens[start]!.text !== '{') start++;
  const block: Span | undefined = tokens[start]?.text === '{' ? [start + 1, tokens[start]!.pair] : undefined;
  if (block !== undefined && (block[1] < 0 || block[1] > close)) return undefined;
  // Before it stand its parameters, and what is gone through.
  const first = name.endsWith('.from()') ? splitArgs(reading, open + 1, close)[1]?.span[0] : open + 1;
  if (first === undefined || first > at) return undefined;
  const params = parametersOf(reading, first, at);
  const bodies: Span[] =
    block !== undefined
      ? returnsIn(reading, block)
      : [[at + 1, family.name === 'php' ? bodyEnd(reading, at + 1, close) : close]];
  if (bodies.length === 0) return undefined;
  const [index] = counted.test(name) ? params : name === 'array_map()' ? [] : params.slice(1);
  return { counts: new Set(index?.length === 1 ? index : []), own: new Set(params.flat()), bodies, block };
}

function returnsIn(reading: Reading, [from, to]: Span): Span[] {
  const found: Span[] = [];
  for (let i = from; i < to; i++)
    if (reading.tokens[i]!.text === 'return' && reading.tokens[i]!.kind === 'id')
      found.push([i + 1, Math.min(to, statementEnd(reading, i + 1))]);
  return found;
}

/** The names that each parameter before the arrow gives: several where it takes an element apart. */
function parametersOf(reading: Reading, first: number, arrow: number): string[][] {
  const { tokens } = reading;
  const named = (from: number, to: number) =>
    tokens.slice(from, to).flatMap(({ kind, text }) => (kind === 'id' ? [text.replaceAll('$', '')] : []));
  const open = tokens[arrow - 1]?.pair ?? -1;
  if (tokens[arrow - 1]?.text !== ')' || open < first) return [named(arrow - 1, arrow)];
  return splitArgs(reading, open + 1, arrow - 1).map(({ span }) => named(...span));
}

/** Whether the list that the chain begins with is written out in the fragment. */
export function isOverLiterals(reading: Reading, first: number): boolean {
  return isConstantList(reading, reading.tokens[first]!.text);
}

function bodyEnd(reading: Reading, from: number, close: number): number {
  return splitArgs(reading, from, close)[0]?.span[1] ?? close;
}
