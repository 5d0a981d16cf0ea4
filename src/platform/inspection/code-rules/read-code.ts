// Reads a fragment from its tokens: its functions first, then its assignments and calls, in order.
import type { Language } from '../ast/languages.ts';
import { afterGroups } from './chains.ts';
import { familyOf } from './lexical-family.ts';
import { readAssignment, readPair } from './read-assignments.ts';
import { readCall, readWord } from './read-calls.ts';
import { readScopes } from './read-scopes.ts';
import type { Reading } from './reading.ts';
import { tokenize } from './tokens.ts';

const assigns = new Set(['=', ':=', '+=', '.=', '||=', '??=', '<<=', '&&=']);

export function readCode(language: Language, text: string): Reading {
  const { list, bare } = tokenize(language, text);
  const family = familyOf(language);
  const reading: Reading = {
    language,
    family,
    text,
    bare,
    tokens: list,
    calls: [],
    assignments: [],
    scopes: [{ name: '', params: [], sent: new Set(), plain: new Set(), span: [0, list.length], callback: false }],
  };
  const definitions = readScopes(reading);
  let parametersEnd = -1;
  for (let i = 0; i < list.length; i++) {
    const token = list[i]!;
    // A parameter's default is no assignment: the caller may give another.
    if (definitions.has(i)) parametersEnd = Math.max(parametersEnd, token.pair);
    if (i <= parametersEnd) continue;
    if (token.kind === 'op') readOperator(reading, i, definitions);
    else if (token.kind === 'id') readWord(reading, i);
    else if (
      token.kind === 'string' &&
      token.text.startsWith('`') &&
      (family.name === 'ruby' || family.name === 'php')
    ) {
      reading.calls.push({
        name: 'backticks',
        first: i,
        last: i + 1,
        args: [{ name: null, span: [i, afterGroups(list, i)] }],
      });
    }
  }
  return reading;
}

function readOperator(reading: Reading, i: number, definitions: ReadonlySet<number>): void {
  const { tokens, family } = reading;
  const token = tokens[i]!;
  if (token.text === '(') {
    if (!definitions.has(i)) readCall(reading, i);
  } else if (assigns.has(token.text) || (token.text === '<<' && family.name === 'ruby')) readAssignment(reading, i);
  else if (token.text === ':' || token.text === '=>') readPair(reading, i);
}
