// Finds the functions of a fragment: what they are called, what they take, where they end.

import { isPlain } from './plain-types.ts';
import { readBlock, readLoop } from './read-assignments.ts';
import type { Reading, Scope, Span } from './reading.ts';
import { isFromRequest } from './request-parameters.ts';
import { argumentEnd, splitArgs, statementEnd } from './statements.ts';
import type { Token } from './tokens.ts';

const none: ReadonlySet<string> = new Set();

const headWords = new Set([
  'if',
  'while',
  'for',
  'foreach',
  'switch',
  'catch',
  'elif',
  'elseif',
  'with',
  'using',
  'lock',
  'synchronized',
  'match',
  'try',
  'fixed',
]);

/** Finds the functions; answers the parentheses that hold parameters, which are no calls. */
export function readScopes(reading: Reading): Set<number> {
  const { tokens, family } = reading;
  const definitions = new Set<number>();
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind === 'id' && (token.text === 'for' || token.text === 'foreach')) readLoop(reading, i);
    if (token.text === '|' && family.name === 'ruby') readBlock(reading, i);
    if (token.text === '(' && token.kind === 'op') {
      const scope =
        family.name === 'python' || family.name === 'ruby' ? indentedScope(reading, i) : bracedScope(reading, i);
      if (scope === null) continue;
      definitions.add(i);
      reading.scopes.push(scope);
    } else if (token.text === 'def' && family.name === 'ruby' && tokens[i + 2]?.kind === 'newline') {
      reading.scopes.push({
        name: tokens[i + 1]?.text ?? '',
        params: [],
        sent: none,
        plain: none,
        span: [i, indentEnd(reading, i)],
        callback: false,
      });
    } else if (token.text === '=>' && family.name === 'script' && tokens[i - 1]?.kind === 'id') {
      reading.scopes.push({
        name: '',
        params: [tokens[i - 1]!.text],
        sent: none,
        plain: none,
        span: [i - 1, bodyEnd(reading, i + 1)],
        callback: true,
      });
    }
  }
  return definitions;
}

function indentedScope(reading: Reading, open: number): Scope | null {
  const { tokens } = reading;
  const name = tokens[open - 1];
  const def = tokens[open - 2]?.text === '.' ? tokens[open - 4] : tokens[open - 2];
  if (name?.kind !== 'id' || def?.text !== 'def') return null;
  const close = tokens[open]!.pair < 0 ? tokens.length : tokens[open]!.pair;
  return {
    name: name.text,
    ...parameters(reading, open, close),
    span: [open, indentEnd(reading, tokens.indexOf(def))],
    callback: false,
  };
}

/** The body of a definition lasts until a line that is indented no deeper. */
function indentEnd(reading: Reading, def: number): number {
  const { tokens, text } = reading;
  const column = columnOf(text, tokens[def]!.start);
  let depthEnd = tokens[def]!.pair;
  for (let i = def + 1; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.pair > i) {
      depthEnd = token.pair;
      i = depthEnd;
    }
    const next = tokens[i + 1];
    if (
      tokens[i]!.kind === 'newline' &&
      next !== undefined &&
      next.kind !== 'newline' &&
      columnOf(text, next.start) <= column &&
      !/^[)\]}]$/.test(next.text)
    )
      return i;
  }
  return tokens.length;
}

function columnOf(text: string, offset: number): number {
  let start = text.lastIndexOf('\n', offset - 1) + 1;
  const line = start;
  while (start < offset && (text[start] === ' ' || text[start] === '\t' || text[start] === '@')) start++;
  return start - line;
}

function bracedScope(reading: Reading, open: number): Scope | null {
  const { tokens, family } = reading;
  const close = tokens[open]!.pair;
  if (close < 0) return null;
  const before = tokens[open - 1];
  if (before?.kind === 'id' && headWords.has(before.text)) return null;
  let after = close + 1;
  if (family.name === 'script' && tokens[after]?.text === ':') {
    while (after < close + 14 && tokens[after] !== undefined && !/^(?:\{|=>|;|,|\))$/.test(tokens[after]!.text))
      after++;
  }
  const arrow = tokens[after]?.text === '=>';
  if (arrow) after++;
  else if (family.name === 'go' || family.name === 'php' || family.name === 'java' || family.name === 'c') {
    if (
      family.name === 'go' &&
      tokens[open - 1]?.text !== 'func' &&
      tokens[open - 2]?.text !== 'func' &&
      tokens[open - 2]?.text !== ')'
    )
      return null;
    // Between parameters and body stand types and what is thrown; what else follows makes it a call in a condition.
    while (
      after < close + 24 &&
      tokens[after] !== undefined &&
      !/^(?:[{;=)?+]|&&|\|\||[!=]=|[<>]=)$/.test(tokens[after]!.text) &&
      tokens[after]!.kind !== 'newline' &&
      tokens[after]!.kind !== 'string' &&
      tokens[after]!.kind !== 'number'
    )
      after = tokens[after]!.pair > after ? tokens[after]!.pair + 1 : after + 1;
  }
  if (tokens[after]?.text !== '{' && !arrow) return null;
  if (!arrow && before?.kind !== 'id' && before?.text !== '>') return null;
  const named =
    before?.kind === 'id' &&
    before.text !== 'function' &&
    before.text !== 'func' &&
    before.text !== 'async' &&
    before.text !== 'fn';
  const name = named
    ? before.text
    : tokens[open - 2]?.text === '=' || tokens[open - 2]?.text === ':'
      ? (tokens[open - 3]?.text ?? '')
      : '';
  const assigned =
    /^[=:]$/.test(before?.text ?? '') ||
    /^[=:]$/.test(tokens[open - 2]?.text ?? '') ||
    /^[=:]$/.test(tokens[open - 3]?.text ?? '');
  return {
    name,
    ...parameters(reading, open, close),
    span: [open, bodyEnd(reading, after)],
    callback: !named && !assigned,
  };
}

function bodyEnd(reading: Reading, at: number): number {
  const { tokens } = reading;
  const token = tokens[at];
  if (token?.text === '{') return token.pair < 0 ? tokens.length : token.pair + 1;
  return Math.min(argumentEnd(tokens, at), statementEnd(reading, at));
}

function parameters(reading: Reading, open: number, close: number): Pick<Scope, 'params' | 'sent' | 'plain'> {
  const params: string[] = [];
  const sent = new Set<string>();
  const plain = new Set<string>();
  const args = splitArgs(reading, open + 1, close);
  const wholes = args.map(({ name, span }): Span => (name === null ? span : [span[0] - 2, span[1]]));
  for (const [index, { name, span }] of args.entries()) {
    const whole = wholes[index]!;
    for (const one of namesOf(reading, name, span)) {
      params.push(one);
      if (isFromRequest(reading, open, whole, one)) sent.add(one);
      if (isPlain(reading, wholes, index, one)) plain.add(one);
    }
  }
  return { params, sent: sent.size === 0 ? none : sent, plain: plain.size === 0 ? none : plain };
}

/** In C-like declarations the name stands last, elsewhere first. */
function namesOf({ tokens, family }: Reading, name: string | null, span: Span): string[] {
  if (name !== null) return [tokens[span[0] - 2]!.text];
  const last = family.name === 'java' || family.name === 'c' || family.name === 'csharp';
  const part = withoutDecorators(tokens.slice(...span), family.name);
  const end = part.findIndex((token) => token.text === '=' || (token.text === ':' && !last));
  const ids = (end < 0 ? part : part.slice(0, end)).filter((token) => token.kind === 'id');
  if (ids.length === 0) return [];
  if (!last && /^[{[]$/.test(part[0]?.text ?? '')) return ids.map((token) => token.text);
  const id = last || family.name === 'php' ? ids.at(-1)! : ids[0]!;
  return [id.text.replaceAll('$', '')];
}

const modifiers = /^(?:public|private|protected|readonly|override)$/;

/** TypeScript's `@Query('name') name: string`, `private readonly name: string`: the name comes after them. */
function withoutDecorators(part: readonly Token[], family: Reading['family']['name']): readonly Token[] {
  if (family !== 'script') return part;
  let at = 0;
  while (part[at]?.text === '@' || (modifiers.test(part[at]?.text ?? '') && part[at + 1]?.kind === 'id')) {
    at += part[at]?.text === '@' ? 2 : 1;
    if (part[at]?.text !== '(' || part[at - 2]?.text !== '@') continue;
    for (let depth = 0; at < part.length; at++) {
      if (part[at]!.kind !== 'op') continue;
      if (part[at]!.text === '(') depth++;
      else if (part[at]!.text === ')' && --depth === 0) break;
    }
    at++;
  }
  return part.slice(at);
}
