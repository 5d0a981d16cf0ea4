// Chains of members: `a.b(c).d` as tokens, where they begin and what they are called.
import type { LexicalFamily } from './lexical-family.ts';
import type { Reading } from './reading.ts';
import type { Token } from './tokens.ts';

/** Of members: what a chain longer than this begins with is told no more. */
const longestChain = 60;

/** The first token after a string and the expressions laid open behind it. */
export function afterGroups(tokens: readonly Token[], at: number): number {
  let next = at + 1;
  for (let group = 0; group < (tokens[at]?.groups ?? 0); group++) {
    const pair = tokens[next]?.pair ?? -1;
    if (pair < 0) return next;
    next = pair + 1;
  }
  return next;
}

export function isMember(family: LexicalFamily, op: string): boolean {
  if (family.name === 'php') return op === '->' || op === '::' || op === '?->';
  return op === '.' || op === '?.' || op === '::' || op === '&.' || (op === '->' && family.name === 'c');
}

/** Where the chain of members that ends at `last` begins: `a.b(c).d` from its `d`. */
export function chainStart(reading: Reading, last: number): number {
  const { tokens, family } = reading;
  let at = last;
  for (let links = 0; links < longestChain; links++) {
    let before = at - 1;
    if (tokens[before]?.kind === 'newline' && isMember(family, tokens[at]?.text ?? '')) before--;
    const link = tokens[before];
    if (link === undefined || link.kind !== 'op' || !isMember(family, link.text)) break;
    let owner = before - 1;
    if (tokens[owner]?.kind === 'newline') owner--;
    if (tokens[owner]?.text === '!') owner--;
    const start = primaryStart(tokens, owner);
    if (start < 0) break;
    at = start;
  }
  return at;
}

export function primaryStart(tokens: readonly Token[], end: number): number {
  let at = end;
  while (at >= 0) {
    const token = tokens[at]!;
    if ((token.text === ')' || token.text === ']' || token.text === '⟩') && token.kind === 'op') {
      if (token.pair < 0) return -1;
      const before = tokens[token.pair - 1];
      if (
        before === undefined ||
        !(before.kind === 'id' || /^[)\]]$/.test(before.text) || (token.text === '⟩' && before.kind === 'string'))
      )
        return token.pair;
      at = token.pair - 1;
    } else if (token.kind === 'id' || token.kind === 'string' || token.kind === 'regex') return at;
    else return -1;
  }
  return -1;
}

/** A chain as text: arguments left out, indexes too, members joined by dots. */
export function chainName(reading: Reading, first: number, last: number): string {
  const { tokens, family } = reading;
  let name = '';
  for (let i = first; i <= last; i++) {
    const token = tokens[i]!;
    if (token.kind === 'newline' || token.text === '!') continue;
    if (token.kind === 'id') name += token.text;
    // Its `exec` runs no command.
    else if (token.kind === 'regex') name += '//';
    else if (token.kind === 'string') {
      name += "''";
      i = afterGroups(tokens, i) - 1;
    } else if (isMember(family, token.text)) name += '.';
    else if (token.pair > i) {
      name += token.text === '(' ? '()' : '[]';
      i = token.pair;
    }
  }
  return name.replaceAll('$', '');
}
