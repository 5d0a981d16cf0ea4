// Lists and tables that a language writes with a type or a call around their elements.
import type { Reading, Span } from './reading.ts';

export interface Collection {
  elements: Span;
  /** The token behind the whole. */
  next: number;
}

/** Their arguments are the elements. */
const makers =
  /^(?:Map|List|Set|Arrays|EnumSet|ImmutableMap|ImmutableList|ImmutableSet)\.(?:of|asList|ofEntries|copyOf|entry)$|^Collections\.unmodifiable(?:Map|List|Set)$/;
const kinds = /^[A-Z]?\w{0,20}(?:Map|List|Set|Dictionary)$/;
const longestType = 24;

/** Go's `map[string]string{…}` and `[]string{…}`, Java's `Map.of(…)`, `new Map(…)`; undefined for anything else. */
export function collectionAt(reading: Reading, at: number): Collection | undefined {
  const { tokens, family } = reading;
  const token = tokens[at]!;
  if (family.name === 'go') {
    // Made empty, of whatever length.
    if (token.text === 'make' && tokens[at + 1]?.text === '(' && tokens[at + 1]!.pair > at)
      return { elements: [at, at], next: tokens[at + 1]!.pair + 1 };
    if (token.text !== 'map' && !(token.text === '[' && token.pair === at + 1)) return undefined;
    let open = token.text === 'map' ? (tokens[at + 1]?.pair ?? -1) + 1 : at + 2;
    if (open <= at) return undefined;
    while (open < at + longestType && /^(?:[\w.*]+|\[)$/.test(tokens[open]?.text ?? ''))
      open = tokens[open]!.pair > open ? tokens[open]!.pair + 1 : open + 1;
    return group(reading, open, '{');
  }
  if (family.name === 'java') {
    const name = `${token.text}.${tokens[at + 2]?.text ?? ''}`;
    if (tokens[at + 1]?.text === '.' && makers.test(name)) return group(reading, at + 3, '(');
    if (token.text === 'entry') return group(reading, at + 1, '(');
    return kinds.test(token.text) && tokens[at - 1]?.text === 'new'
      ? group(reading, afterTypes(reading, at + 1), '(')
      : undefined;
  }
  if (family.name === 'csharp' && token.text === 'new') return unnamed(reading, at + 1);
  if (family.name === 'csharp' && /^Immutable\w{1,20}$/.test(token.text) && tokens[at + 2]?.text === 'CreateRange')
    return group(reading, afterTypes(reading, at + 3), '(');
  if (family.name === 'csharp' && kinds.test(token.text) && tokens[at - 1]?.text === 'new') {
    const open = afterTypes(reading, at + 1);
    let behind = tokens[open]?.text === '(' && tokens[open]!.pair > 0 ? tokens[open]!.pair + 1 : open;
    while (tokens[behind]?.kind === 'newline') behind++;
    return group(reading, behind, '{') ?? group(reading, open, '(');
  }
  if (family.name === 'python') return token.text === 'MappingProxyType' ? group(reading, at + 1, '(') : undefined;
  if (family.name === 'script' && token.text === 'Object' && tokens[at + 2]?.text === 'freeze')
    return group(reading, at + 3, '(');
  if (family.name === 'script')
    return /^(?:Map|Set)$/.test(token.text) && tokens[at - 1]?.text === 'new'
      ? group(reading, afterTypes(reading, at + 1), '(')
      : undefined;
  return undefined;
}

/** C#'s `new(comparer) { ["a"] = "b" }` and `new() { { "a", "b" } }`, whose type stands before the name. */
function unnamed(reading: Reading, open: number): Collection | undefined {
  const { tokens } = reading;
  if (tokens[open]?.text !== '(' || tokens[open]!.pair < 0) return undefined;
  const brace = tokens[open]!.pair + 1;
  return /^[[{]$/.test(tokens[brace + 1]?.text ?? '') ? group(reading, brace, '{') : undefined;
}

function group({ tokens }: Reading, open: number, sign: string): Collection | undefined {
  const close = tokens[open]?.text === sign ? tokens[open]!.pair : -1;
  return close < 0 ? undefined : { elements: [open + 1, close], next: close + 1 };
}

/** Past type arguments that begin at `at`; `at` itself where none do. */
export function afterTypes({ tokens }: Reading, at: number): number {
  if (tokens[at]?.text !== '<') return at;
  let depth = 0;
  for (let i = at; i < Math.min(tokens.length, at + 3 * longestType); i++) {
    const { kind, text, pair } = tokens[i]!;
    if (kind === 'id' || kind === 'newline' || (kind === 'string' && !text.startsWith('`'))) continue;
    if (text === '<') depth++;
    else if (/^>{1,3}$/.test(text)) depth -= text.length;
    else if (pair > i && text !== '(') i = pair;
    else if (!/^[.,|&?:;]$/.test(text)) return at;
    if (depth <= 0) return depth === 0 ? i + 1 : at;
  }
  return at;
}
