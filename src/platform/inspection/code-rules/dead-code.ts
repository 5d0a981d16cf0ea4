// Branches that a constant condition never takes: what is assigned there reaches nobody.
import type { Reading, Span } from './reading.ts';
import { statementEnd } from './statements.ts';
import type { Token } from './tokens.ts';

type Names = ReadonlyMap<string, number>;

/** Spans of tokens that never run, as far as plain arithmetic tells. */
export function deadSpans(reading: Reading): Span[] {
  if (reading.family.name === 'python' || reading.family.name === 'ruby') return [];
  const { tokens } = reading;
  const names = numbersOf(reading);
  const dead: Span[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const word = tokens[i]!;
    if (word.kind !== 'id' || tokens[i + 1]?.text !== '(' || tokens[i + 1]!.pair < 0) continue;
    const close = tokens[i + 1]!.pair;
    if (word.text === 'switch') dead.push(...deadCases(reading, i, close));
    if (word.text !== 'if') continue;
    const truth = truthOf(tokens, [i + 2, close], names);
    if (truth === null) continue;
    const then: Span = [close + 1, branchEnd(reading, close + 1)];
    const otherwise = tokens[then[1]]?.text === 'else' ? then[1] + 1 : -1;
    if (!truth) dead.push(then);
    else if (otherwise > 0) dead.push([otherwise, branchEnd(reading, otherwise)]);
  }
  return dead;
}

/** Whether `condition` holds, or null where that takes more than numbers. */
export function truthOf(tokens: readonly Token[], [from, to]: Span, names: Names): boolean | null {
  const comparison = /^(?:<|>|<=|>=|==|!=)$/;
  for (let i = from; i < to; i++) {
    const token = tokens[i]!;
    if (token.pair > i) i = token.pair;
    else if (token.kind === 'op' && comparison.test(token.text)) {
      const left = numberOf(tokens, [from, i], names);
      const right = numberOf(tokens, [i + 1, to], names);
      return left === null || right === null ? null : compare(token.text, left, right);
    }
  }
  return null;
}

function compare(operator: string, left: number, right: number): boolean {
  if (operator === '<') return left < right;
  if (operator === '>') return left > right;
  if (operator === '<=') return left <= right;
  if (operator === '>=') return left >= right;
  return operator === '==' ? left === right : left !== right;
}

/** Variables that hold one number all their life. */
export function numbersOf({ tokens, assignments }: Reading): Names {
  const names = new Map<string, number>();
  const seen = new Set<string>();
  for (const { targets, value } of assignments) {
    for (const target of targets) {
      const token = tokens[value[0]];
      if (!seen.has(target) && value[1] - value[0] === 1 && token?.kind === 'number')
        names.set(target, Number(token.text));
      else names.delete(target);
      seen.add(target);
    }
  }
  return names;
}

/** Sums before products, each a chain from left to right; anything but numbers, names of numbers and brackets is null. */
function numberOf(tokens: readonly Token[], [from, to]: Span, names: Names, depth = 0): number | null {
  if (depth > 8 || to - from > 40) return null;
  let sum = 0;
  let product: number | null = null;
  let sign = 1;
  let operator = '';
  for (let i = from; i < to; i++) {
    const token = tokens[i]!;
    if (product !== null && /^[+-]$/.test(token.text)) {
      sum += sign * product;
      sign = token.text === '-' ? -1 : 1;
      product = null;
    } else if (product !== null && /^[*/%]$/.test(token.text)) operator = token.text;
    else {
      const value = atomOf(tokens, i, names, depth);
      if (value === null || (product !== null && operator === '')) return null;
      product = product === null ? value : apply(operator, product, value);
      operator = '';
      if (token.pair > i) i = token.pair;
    }
  }
  return product === null ? null : sum + sign * product;
}

function atomOf(tokens: readonly Token[], at: number, names: Names, depth: number): number | null {
  const token = tokens[at]!;
  if (token.kind === 'number') return Number.isNaN(Number(token.text)) ? null : Number(token.text);
  if (token.kind === 'id') return names.get(token.text.replaceAll('$', '')) ?? null;
  return token.text === '(' && token.pair > at ? numberOf(tokens, [at + 1, token.pair], names, depth + 1) : null;
}

function apply(operator: string, left: number, right: number): number {
  if (operator === '*') return left * right;
  return operator === '/' ? Math.trunc(left / right) : left % right;
}

/** A block in braces, or one statement with its semicolon. */
function branchEnd(reading: Reading, at: number): number {
  const { tokens } = reading;
  const token = tokens[at];
  if (token?.text === '{') return token.pair < 0 ? tokens.length : token.pair + 1;
  const end = statementEnd(reading, at);
  return tokens[end]?.text === ';' ? end + 1 : end;
}

/** `switch (x)` where `x` was set to a sign of a constant text: all cases but its own. */
function deadCases(reading: Reading, at: number, close: number): Span[] {
  const { tokens } = reading;
  const chosen = constantSign(reading, [at + 2, close], at);
  const open = close + 1;
  if (chosen === null || tokens[open]?.text !== '{' || tokens[open]!.pair < 0) return [];
  const end = tokens[open]!.pair;
  const labels: { label: string | null; at: number }[] = [];
  for (let i = open + 1; i < end; i++) {
    const token = tokens[i]!;
    if (token.text === '{' && token.pair > i) i = token.pair;
    else if (token.text === 'case') labels.push({ label: tokens[i + 1]?.text.slice(1, -1) ?? null, at: i });
    else if (token.text === 'default') labels.push({ label: null, at: i });
  }
  const taken = labels.find(({ label }) => label === chosen) ?? labels.find(({ label }) => label === null);
  if (taken === undefined) return [];
  const from = taken.at;
  const leaves = tokens.findIndex((token, i) => i > from && i < end && token.text === 'break');
  return [[open + 1, from], ...(leaves < 0 ? [] : [[leaves, end] as const])];
}

function constantSign(reading: Reading, [from, to]: Span, before: number): string | null {
  const { tokens, text } = reading;
  if (to - from !== 1 || tokens[from]?.kind !== 'id') return null;
  const of = (name: string) => reading.assignments.filter(({ targets, at }) => targets.includes(name) && at < before);
  const held = of(tokens[from]!.text);
  const [first, last] = [held[0], held.at(-1)];
  if (first === undefined || first !== last) return null;
  const source = text.slice(tokens[first.value[0]]!.start, tokens[first.value[1] - 1]!.end);
  const [, name = '', position = ''] = /^(\w+)\.charAt\((\d{1,3})\)$/.exec(source) ?? [];
  const texts = of(name);
  const token = texts.length === 1 ? tokens[texts[0]!.value[0]] : undefined;
  return token?.kind === 'string' ? (token.text.slice(1, -1)[Number(position)] ?? null) : null;
}
