// The condition of a Sigma rule over its named selections: and, or, not, parentheses, `1 of` and `all of`.
import type { JsonObject } from '../../platform/base/json.ts';
import { type Matcher, SigmaRefused } from './sigma-fields.ts';

const deepest = 32;
const longest = 2_000;

/** Throws SigmaRefused with the word at which it cannot be read. */
export function readCondition(text: string, selections: ReadonlyMap<string, Matcher>): Matcher {
  if (text.length > longest) throw new SigmaRefused('the condition is too long');
  if (text.includes('|')) throw new SigmaRefused('a condition that counts behind a bar: write a correlation instead');
  const words = text.match(/\(|\)|[^\s()]+/g) ?? [];
  let at = 0;
  const small = () => words[at]?.toLowerCase();
  const eat = (word: string) => {
    if (small() !== word) return false;
    at++;
    return true;
  };

  function either(depth: number): Matcher {
    const of = [both(depth)];
    while (eat('or')) of.push(both(depth));
    return of.length === 1 ? of[0]! : (record) => of.some((one) => one(record));
  }
  function both(depth: number): Matcher {
    const of = [one(depth)];
    while (eat('and')) of.push(one(depth));
    return of.length === 1 ? of[0]! : (record) => of.every((each) => each(record));
  }
  function one(depth: number): Matcher {
    if (depth > deepest) throw new SigmaRefused('the condition is nested too deeply');
    if (eat('not')) {
      const inner = one(depth + 1);
      return (record) => !inner(record);
    }
    if (eat('(')) {
      const inner = either(depth + 1);
      if (!eat(')')) throw new SigmaRefused('a parenthesis of the condition is not closed');
      return inner;
    }
    const word = words[at++];
    if (word === undefined) throw new SigmaRefused('the condition ends too soon');
    if (small() === 'of') return several(word);
    const selection = selections.get(word);
    if (selection === undefined)
      throw new SigmaRefused(`the condition names ${word}, which the detection does not have`);
    return selection;
  }
  function several(count: string): Matcher {
    at++;
    const pattern = words[at++] ?? '';
    const isAll = count.toLowerCase() === 'all';
    if (!isAll && count !== '1' && count.toLowerCase() !== 'any')
      throw new SigmaRefused(`${count} of: only 1, any and all are supported`);
    const names = [...selections.keys()].filter((name) => fits(name, pattern));
    if (names.length === 0) throw new SigmaRefused(`no selection is named ${pattern}`);
    const of = names.map((name) => selections.get(name)!);
    return (record: JsonObject) => (isAll ? of.every((each) => each(record)) : of.some((each) => each(record)));
  }

  const condition = either(0);
  if (at < words.length) throw new SigmaRefused(`the condition cannot be read from ${words[at]} on`);
  return condition;
}

/** `them` is every selection but those that begin with an underscore. */
function fits(name: string, pattern: string): boolean {
  if (pattern.toLowerCase() === 'them') return !name.startsWith('_');
  const parts = pattern.split('*');
  if (parts.length === 1) return name === pattern;
  if (parts.length > 2) throw new SigmaRefused(`${pattern}: one asterisk at most`);
  const [begin = '', end = ''] = parts;
  return name.length >= begin.length + end.length && name.startsWith(begin) && name.endsWith(end);
}
