// Where a rule strikes in a fragment: the place, the function around it, its lines.
import type { Reading, Scope } from './reading.ts';
import { limits, type Match, type Rule } from './rule-set.ts';

export interface Hit {
  rule: Rule;
  kind: Match['kind'];
  start: number;
  end: number;
  scope: Scope | undefined;
}

export function scopeAt(reading: Reading, token: number): Scope | undefined {
  return reading.scopes.findLast(({ span }) => span[0] <= token && token < span[1]);
}

export function scopeAtOffset(reading: Reading, offset: number): Scope | undefined {
  const { tokens } = reading;
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tokens[middle]!.end <= offset) low = middle + 1;
    else high = middle;
  }
  return scopeAt(reading, low);
}

export function lineAround(text: string, start: number, end: number): string {
  const last = text.indexOf('\n', end);
  return short(text.slice(text.lastIndexOf('\n', start - 1) + 1, last < 0 ? text.length : last));
}

/** What a pattern is given of a long text. */
export function short(text: string): string {
  return text.length > limits.value ? text.slice(0, limits.value) : text;
}
