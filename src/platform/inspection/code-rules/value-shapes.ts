// What the tokens of an expression tell without their values: where a condition ends, what a format takes, what is still empty.
import type { Reading, Span } from './reading.ts';
import { splitArgs } from './statements.ts';
import type { Token } from './tokens.ts';
import type { Environment } from './value.ts';
import { formats, textDirective } from './value-names.ts';

/** Of a condition, of the variables of a comprehension: in tokens. */
const longestHead = 60;

/** Whether what is known of the variables of a comprehension, whose `for` this is, says what it is made of. */
export function areKnown({ tokens }: Reading, at: number, to: number, environment: Environment): boolean {
  let names = 0;
  for (let i = at + 1; i < Math.min(to, at + longestHead); i++) {
    const { kind, text } = tokens[i]!;
    if (text === 'in') return names > 0;
    if (kind === 'id' && environment(text) === undefined) return false;
    names++;
  }
  return false;
}

/** Where Python's `a if c else b` goes on with b; -1 for the `if` of a comprehension. */
export function afterCondition({ tokens }: Reading, at: number, to: number): number {
  for (let i = at + 1; i < Math.min(to, at + longestHead); i++) {
    const { kind, text, pair } = tokens[i]!;
    if (kind === 'op' && pair > i) i = pair;
    else if (kind === 'id' && text === 'else') return i + 1;
    else if ((kind === 'op' && text === ',') || (kind === 'id' && text === 'for')) return -1;
  }
  return -1;
}

/** Go's `var marks []string`, which nothing was put in yet, and the name that a Ruby model gives its table. */
export function isFresh({ tokens, family }: Reading, at: number, environment: Environment): boolean {
  const { text } = tokens[at]!;
  if (family.name === 'ruby') return text === 'table_name' && environment(text) === undefined;
  if (family.name !== 'go' || tokens[at - 2]?.text !== 'append' || environment(text) !== undefined) return false;
  return emptySlices(tokens).has(text);
}

const slices = new WeakMap<readonly Token[], Set<string>>();

function emptySlices(tokens: readonly Token[]): Set<string> {
  let names = slices.get(tokens);
  if (names === undefined) {
    names = new Set();
    for (const [i, { text }] of tokens.entries())
      if (text === 'var' && tokens[i + 2]?.text === '[') names.add(tokens[i + 1]!.text);
    slices.set(tokens, names);
  }
  return names;
}

/** `fmt.Sprintf("$%d", i)`: whatever is put into it, digits come out. */
export function formatsNumbers(tokens: readonly Token[], name: string, [open, close]: Span): boolean {
  const format = tokens[open + 1];
  if (format?.kind !== 'string' || !formats.test(name)) return false;
  return (open + 2 >= close || tokens[open + 2]!.text === ',') && !textDirective.test(format.text);
}

/** The name that stands alone in these parentheses, or nothing. */
export function nameAlone(tokens: readonly Token[], open: number): string {
  return tokens[open]!.pair === open + 2 ? tokens[open + 1]!.text.replaceAll('$', '') : '';
}

/** Arguments or elements; a comprehension is one, though commas stand between its variables. */
export function partsOf(reading: Reading, from: number, to: number): { span: Span }[] {
  const { tokens, family } = reading;
  if (family.name === 'python')
    for (let i = from; i < to; i++) {
      const { kind, text, pair } = tokens[i]!;
      if (kind === 'op' && text === ',') break;
      if (kind === 'id' && text === 'for') return [{ span: [from, to] }];
      if (pair > i) i = pair;
    }
  return splitArgs(reading, from, to);
}
