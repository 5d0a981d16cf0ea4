// What is known of the value of an expression: how far outsiders can choose it, and what it is made of.
import type { Reading, Span } from './reading.ts';

/** `constant`: written in the code; `dynamic`: computed; `parameter`: of the function around; `user`: read from a request, the command line, a form. */
export const origins = ['constant', 'dynamic', 'parameter', 'user'] as const;
export type Origin = (typeof origins)[number];

export interface Value {
  /** Index in `origins`. */
  level: number;
  /** A string built from literal text and something that is no constant. */
  built: boolean;
  /** The literal parts, in order; of a variable those it was assigned. */
  literal: string;
  /** An array, a list, a tuple, a dictionary: its elements are not glued together. */
  list: boolean;
  /** The expression it was last assigned, for conditions on its text. */
  source: string;
}

export type Environment = (name: string) => Value | undefined;

/** What cleans a value for one purpose, and where outside values come from. */
export interface Flow {
  source: RegExp;
  sanitizer: RegExp | null;
}

/** What was written as it stands and says nothing. */
export const nothing: Value = { level: 0, built: false, literal: '', list: false, source: '' };

/** Adds a part to the whole that it belongs to. */
export function join(total: Value, value: Value): void {
  total.level = Math.max(total.level, value.level);
  total.built ||= value.built;
  total.list ||= value.list;
  if (value.literal !== '') total.literal += value.literal;
}

export function textOf(reading: Reading, [from, to]: Span): string {
  const first = reading.tokens[from];
  const last = reading.tokens[to - 1];
  if (first === undefined || last === undefined) return '';
  // The expressions laid open behind a string stand within it.
  let owner = to - 1;
  while (owner > from && reading.tokens[owner]!.text === '⟩' && reading.tokens[owner]!.pair > from)
    owner = reading.tokens[owner]!.pair - 1;
  return reading.text.slice(first.start, Math.max(last.end, reading.tokens[owner]!.end));
}
