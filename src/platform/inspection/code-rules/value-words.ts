// Words and types that stand between values in an expression and are none: keywords, casts, functions written in place.
import type { Reading } from './reading.ts';
import type { Token } from './tokens.ts';

export const words = new Set(
  'await new not and or in is typeof return instanceof void async else if for do end as out ref echo clone yield from u8 case of lambda function func fn'.split(
    ' ',
  ),
);

/** Words that a language takes for itself name values in others: what stands alone or before an operator is a name. */
const functionWords: Partial<Record<Reading['family']['name'], RegExp>> = {
  python: /^lambda$/,
  ruby: /^(?:lambda|proc)$/,
  script: /^function$/,
  go: /^func$/,
  php: /^(?:function|fn)$/,
};
const nameable = /^(?:out|ref|from|end|func|fn|lambda|function|of|do|as|case|is|not|and|or|clone|u8|echo|void|async)$/;

export function isOperand({ tokens }: Reading, at: number, to: number): boolean {
  if (!nameable.test(tokens[at]!.text)) return false;
  const next = tokens[at + 1];
  return at + 1 >= to || next === undefined || (next.kind === 'op' && !/^[({[!~&*-]$/.test(next.text));
}

export function isFunction(reading: Reading, at: number, to: number): boolean {
  const { tokens } = reading;
  const token = tokens[at]!;
  if (
    token.kind === 'id' &&
    functionWords[reading.family.name]?.test(token.text) === true &&
    !isOperand(reading, at, to)
  )
    return true;
  const arrow = reading.family.name === 'java' ? '->' : '=>';
  if (token.kind === 'id' && tokens[at + 1]?.text === arrow) return true;
  return token.text === '(' && token.pair > 0 && token.pair + 1 < to && tokens[token.pair + 1]?.text === arrow;
}

/** TypeScript's `x as string`, C#'s `x as Order`. */
export function isTypeWord({ tokens, family }: Reading, at: number): boolean {
  if (family.name !== 'script' && family.name !== 'csharp') return false;
  return tokens[at]!.kind === 'id' && /^(?:as|satisfies)$/.test(tokens[at]!.text) && tokens[at + 1]?.kind === 'id';
}

export function afterType(tokens: readonly Token[], at: number, to: number): number {
  let next = at;
  while (next < to && (tokens[next]!.kind === 'id' || /^[.<>|&[\],]$/.test(tokens[next]!.text))) next++;
  return next;
}

const castable = new Set(['java', 'csharp', 'c', 'php']);
/** Types that no text can ride on. */
export const numbers =
  /^(?:int|integer|Integer|float|double|Double|bool|boolean|Boolean|long|Long|short|byte|decimal|uint|ulong|size_t|unsigned|char)$/;

/** The type of a cast `(int) x`, or undefined. */
export function castType({ tokens, family }: Reading, at: number, to: number): string | undefined {
  const close = tokens[at]!.pair;
  if (!castable.has(family.name) || tokens[at]!.text !== '(' || close <= at + 1 || close + 1 >= to) return undefined;
  const operand = tokens[close + 1]!;
  if (operand.kind !== 'id' && operand.kind !== 'string' && operand.text !== '(') return undefined;
  for (let i = at + 1; i < close; i++)
    if (tokens[i]!.kind !== 'id' && !/^[.<>*[\]]$/.test(tokens[i]!.text)) return undefined;
  return tokens[close - 1]!.text;
}

/** A template right behind a name, or behind the type that it is to give: the name's function puts it together. */
export function isTagged({ tokens, family }: Reading, at: number): boolean {
  if (family.name !== 'script' || tokens[at]?.text.startsWith('`') !== true) return false;
  const before = tokens[tagBefore(tokens, at)];
  return before?.kind === 'id' && !words.has(before.text) && !/^(?:throw|default|delete|raw)$/.test(before.text);
}

/** What closes right before a template are type arguments, or the call that makes its tag: sql.type(row)`…`. */
function tagBefore(tokens: readonly Token[], at: number): number {
  const last = tokens[at - 1];
  if (last?.text === ')' && last.end === tokens[at]!.start && last.pair > 0) return last.pair - 1;
  if (last === undefined || !/^>{1,3}$/.test(last.text) || last.end !== tokens[at]!.start) return at - 1;
  let depth = 0;
  for (let i = at - 1; i > Math.max(0, at - longestTag); i--) {
    const { text, pair } = tokens[i]!;
    if (/^>{1,3}$/.test(text)) depth += text.length;
    else if (text === '<') depth--;
    else if (pair >= 0 && pair < i) i = pair;
    if (depth === 0) return i - 1;
  }
  return at - 1;
}

const longestTag = 80;
