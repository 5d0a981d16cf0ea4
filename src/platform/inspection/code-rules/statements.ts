// Where statements and arguments end, by each language's own idea of it.
import type { LexicalFamily } from './lexical-family.ts';
import type { Call, Reading } from './reading.ts';
import type { Token } from './tokens.ts';

const continues = /^(?:[+\-*/%.,([{=?:<>]|&&|\|\||=>|->|and|or|not|in|\?\.|\?\?|:=|\+=|==|===|!=|!==|<<|::|&\.)$/;
const continued = /^(?:[.+\-*?:|&%]|&&|\|\||\?\.|\?\?|->|&\.|==|===|=>|instanceof)$/;

const closers = new Set([')', ']', '}', '⟩']);

/** In tokens, those in brackets left out: what has no end after this is no statement. */
const longestStatement = 600;

/** Where the expression that begins at `from` ends, by the language's own idea of a statement. */
export function statementEnd(reading: Reading, from: number): number {
  const { tokens, family } = reading;
  const end = Math.min(tokens.length, from + longestStatement);
  for (let i = from; i < end; i++) {
    const token = tokens[i]!;
    if (token.kind === 'newline') {
      if (!carriesOn(family, tokens[i - 1], tokens[i + 1])) return i;
    } else if (token.kind === 'op') {
      if (token.text === ';') return i;
      if (closers.has(token.text) && token.pair < from) return i;
      if (
        token.text === '{' &&
        family.name === 'go' &&
        (tokens[i - 1]?.kind !== 'op' || tokens[i - 1]?.text === '}') &&
        i > from &&
        endsAtBrace(tokens, i)
      )
        return i;
      if (token.pair > i) i = token.pair;
    } else if (
      token.kind === 'id' &&
      family.name === 'ruby' &&
      /^(?:do|if|unless|rescue|while)$/.test(token.text) &&
      i > from
    )
      return i;
  }
  return end;
}

function endsAtBrace(tokens: readonly Token[], brace: number): boolean {
  // A Go composite literal `T{…}` belongs to the value; a block's brace stands at its line's end.
  return tokens[brace + 1]?.kind === 'newline';
}

function carriesOn(family: LexicalFamily, before: Token | undefined, after: Token | undefined): boolean {
  if (family.name === 'python') return false;
  if (before !== undefined && (before.kind === 'op' || before.kind === 'id') && continues.test(before.text))
    return true;
  if (family.name === 'go' || after === undefined) return false;
  return after.kind === 'op' && continued.test(after.text);
}

/** The next comma or closing bracket of this level. */
export function argumentEnd(tokens: readonly Token[], from: number): number {
  const end = Math.min(tokens.length, from + longestStatement);
  for (let i = from; i < end; i++) {
    const token = tokens[i]!;
    if (token.kind !== 'op') continue;
    if (token.text === ',' || token.text === ';' || (closers.has(token.text) && token.pair < from)) return i;
    if (token.pair > i) i = token.pair;
  }
  return end;
}

/** Splits at the commas of this level; `name=`, `name:` and `name =>` name an argument. */
export function splitArgs(reading: Reading, from: number, to: number): Call['args'] {
  const { tokens, family } = reading;
  const args: Call['args'] = [];
  let start = from;
  const add = (end: number) => {
    while (start < end && tokens[start]!.kind === 'newline') start++;
    if (start >= end) return;
    const head = tokens[start]!;
    const mark = tokens[start + 1]?.text;
    const named =
      (mark === '=' && head.kind === 'id' && family.name === 'python') ||
      (mark === ':' && head.kind === 'id' && ['ruby', 'csharp', 'php'].includes(family.name)) ||
      (mark === '=>' && family.name === 'ruby');
    args.push(
      named ? { name: head.text.replace(/^:/, ''), span: [start + 2, end] } : { name: null, span: [start, end] },
    );
  };
  for (let i = from; i < to; i++) {
    const token = tokens[i]!;
    if (token.kind !== 'op') continue;
    if (token.pair > i) i = Math.min(token.pair, to);
    else if (token.text === ',') {
      add(i);
      start = i + 1;
    }
  }
  add(to);
  return args;
}
