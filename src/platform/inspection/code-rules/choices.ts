// Expressions that give one of several values: what decides between them is no part of what they are worth.
import type { Reading, Span } from './reading.ts';
import type { Token } from './tokens.ts';

export interface Choice {
  arms: Span[];
  /** The token behind the whole. */
  next: number;
}

/** Nobody writes more by hand. */
const mostArms = 60;

/** PHP's `match (x) {…}`, Java's `switch (x) {…}` with arrows, C#'s `x switch {…}`, Ruby's `case … end`; undefined for anything else. */
export function choiceAt(reading: Reading, at: number): Choice | undefined {
  const { tokens, family } = reading;
  const word = tokens[at]!.text;
  if (word === 'case' && family.name === 'ruby') return rubyCase(tokens, at);
  if (word === 'switch' && family.name === 'csharp') return braced(tokens, at + 1, '=>', /^,$/);
  if ((word === 'match' && family.name === 'php') || (word === 'switch' && family.name === 'java')) {
    const close = tokens[at + 1]?.text === '(' ? tokens[at + 1]!.pair : -1;
    if (close < 0) return undefined;
    return family.name === 'php' ? braced(tokens, close + 1, '=>', /^,$/) : braced(tokens, close + 1, '->', /^;$/);
  }
  return undefined;
}

function braced(tokens: readonly Token[], open: number, arrow: string, separator: RegExp): Choice | undefined {
  const close = tokens[open]?.text === '{' ? tokens[open]!.pair : -1;
  if (close < 0) return undefined;
  const arms: Span[] = [];
  let start = -1;
  for (let i = open + 1; i <= close; i++) {
    const token = tokens[i]!;
    if (start >= 0 && (i === close || separator.test(token.text))) {
      if (!isThrown(tokens, start)) arms.push([start, i]);
      start = -1;
    } else if (start < 0 && token.text === arrow) start = i + 1;
    else if (token.pair > i) i = token.pair;
  }
  return arms.length === 0 || arms.length > mostArms ? undefined : { arms, next: close + 1 };
}

function isThrown(tokens: readonly Token[], at: number): boolean {
  return tokens[at]?.text === 'throw';
}

function rubyCase(tokens: readonly Token[], at: number): Choice | undefined {
  const arms: Span[] = [];
  let start = -1;
  for (let i = at + 1; i < tokens.length && arms.length <= mostArms; i++) {
    const { kind, text, pair } = tokens[i]!;
    if (kind === 'op' && pair > i) i = pair;
    if (kind !== 'id') continue;
    // What holds an `end` of its own is read no further.
    if (/^(?:do|begin|if|unless|case|def)$/.test(text)) return undefined;
    if (!/^(?:when|then|else|end)$/.test(text)) continue;
    if (start >= 0) arms.push([start, i]);
    start = -1;
    if (text === 'end') return arms.length === 0 ? undefined : { arms, next: i + 1 };
    if (text === 'then' || text === 'else') start = i + 1;
    else if (text === 'when') {
      let line = i;
      while (line < tokens.length && tokens[line]!.kind !== 'newline' && tokens[line]!.text !== 'then') line++;
      i = line;
      start = line + 1;
    }
  }
  return undefined;
}
