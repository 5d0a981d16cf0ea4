// What a function written in place makes of each element of a list: `?`, `$1`, `@p0` hold nothing of the elements.
import { isConstantList } from './constant-lists.ts';
import type { Reading, Span } from './reading.ts';
import { splitArgs } from './statements.ts';

export interface Visit {
  /** Parameters that are handed a number. */
  counts: Set<string>;
  /** All of its parameters. */
  own: Set<string>;
  body: Span;
}

const visits = /(?:\.(?:map|flatMap|Select|mapToObj)|(?:^|\.)(?:Array\.from|array_map))\(\)$/;
/** What these hand over first is a number. */
const counted = /(?:range|rangeClosed|Range)\(\)\.(?:mapToObj|Select|map)\(\)$|\.mapToObj\(\)$/;

/** The function that the call of `name` in these parentheses gives each element to; undefined where it is none written in place. */
export function visitIn(reading: Reading, name: string, [open, close]: Span): Visit | undefined {
  if (!visits.test(name)) return undefined;
  const { tokens, family } = reading;
  const arrow = family.name === 'java' ? '->' : '=>';
  let at = open + 1;
  while (at < close && tokens[at]!.text !== arrow) at++;
  if (at + 1 >= close || tokens[at + 1]!.text === '{') return undefined;
  // Before it stand its parameters, and what is gone through.
  const first = name.endsWith('.from()') ? splitArgs(reading, open + 1, close)[1]?.span[0] : open + 1;
  if (first === undefined || first > at) return undefined;
  const params = parametersOf(reading, first, at);
  const body: Span = [at + 1, family.name === 'php' ? bodyEnd(reading, at + 1, close) : close];
  const [index] = counted.test(name) ? params : name === 'array_map()' ? [] : params.slice(1);
  return { counts: new Set(index?.length === 1 ? index : []), own: new Set(params.flat()), body };
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
