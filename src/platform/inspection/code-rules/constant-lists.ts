// Callbacks over a list that is written out in the fragment: what they are handed, nobody outside has chosen.
import { chainStart } from './chains.ts';
import type { Reading, Scope } from './reading.ts';
import { splitArgs } from './statements.ts';

const visits = /^(?:map|forEach|filter|flatMap|find|some|every)$/;
/** What gives elements of the list back, in whatever order. */
const keeps = /^(?:filter|sort|slice|reverse|toSorted|toReversed)$/;
const grows = /^(?:push|unshift|splice|concat|fill)$/;

/** Whether the function is called for each element of a list of literals that nothing is added to. */
export function isOverConstants(reading: Reading, scope: Scope): boolean {
  if (!scope.callback || reading.family.name !== 'script') return false;
  const { tokens } = reading;
  const first = scope.span[0];
  const open = tokens[first - 1]?.text === 'function' ? first - 2 : first - 1;
  const name = tokens[open - 1];
  if (tokens[open]?.text !== '(' || tokens[open - 2]?.text !== '.' || name === undefined || !visits.test(name.text))
    return false;
  let at = chainStart(reading, open - 1);
  const list = tokens[at]?.text ?? '';
  if (tokens[at]?.kind !== 'id') return false;
  for (at++; at < open - 2; at++) {
    if (tokens[at]!.text !== '.' || !keeps.test(tokens[at + 1]?.text ?? '') || tokens[at + 2]?.text !== '(')
      return false;
    at = tokens[at + 2]!.pair;
    if (at < 0) return false;
  }
  return isConstantList(reading, list);
}

const known = new WeakMap<Reading, Map<string, boolean>>();

/** Whether `list` is set once, to literals, and nothing is added to it; read once for all calls of a fragment. */
export function isConstantList(reading: Reading, list: string): boolean {
  const lists = known.get(reading) ?? new Map<string, boolean>();
  known.set(reading, lists);
  const before = lists.get(list);
  if (before !== undefined) return before;
  lists.set(list, false);
  const now = isConstant(reading, list);
  lists.set(list, now);
  return now;
}

function isConstant(reading: Reading, list: string): boolean {
  const { tokens, assignments } = reading;
  const own = assignments.filter(({ targets, pair }) => !pair && targets.includes(list));
  const [only] = own;
  if (own.length !== 1 || only === undefined || only.adds || only.loop) return false;
  const [from, to] = only.value;
  // `fields = allowed.filter(…)`: some of them.
  if (tokens[from]?.kind === 'id' && tokens[from + 1]?.text === '.' && keeps.test(tokens[from + 2]?.text ?? ''))
    return (tokens[from + 3]?.pair ?? 0) + 1 >= to && isConstantList(reading, tokens[from]!.text);
  const end = tokens[from]?.pair ?? -1;
  if (tokens[from]?.text !== '[' || end <= from + 1) return false;
  for (let i = from; i < end; i++) {
    const { kind, text, groups } = tokens[i]!;
    if (kind === 'string' && (groups ?? 0) > 0) return false;
    if (kind === 'id' && tokens[i + 1]?.text !== ':' && !/^(?:true|false|null|undefined)$/.test(text)) return false;
  }
  return !tokens.some(
    ({ text }, i) => text === list && tokens[i + 1]?.text === '.' && grows.test(tokens[i + 2]?.text ?? ''),
  );
}

/** Whether `table` is set once, as a table whose keys are all written out: what its values are does not show in them. */
export function hasFixedKeys(reading: Reading, table: string): boolean {
  const tables = keyed.get(reading) ?? new Map<string, boolean>();
  keyed.set(reading, tables);
  let fixed = tables.get(table);
  if (fixed === undefined) {
    fixed = areFixed(reading, table);
    tables.set(table, fixed);
  }
  return fixed;
}

const keyed = new WeakMap<Reading, Map<string, boolean>>();

function areFixed(reading: Reading, table: string): boolean {
  const { tokens, assignments, family } = reading;
  const [only, ...more] = assignments.filter(({ targets, pair }) => !pair && targets.includes(table));
  if (only === undefined || more.length > 0 || only.adds || only.loop) return false;
  const [from] = only.value;
  const open = tokens[from];
  if (open === undefined || open.pair <= from || !/^[[{]$/.test(open.text)) return false;
  return splitArgs(reading, from + 1, open.pair).every(({ span: [first, end] }) => {
    const { kind, groups } = tokens[first]!;
    const mark = first + 1 < end ? tokens[first + 1]!.text : '';
    if (family.name === 'script') return (kind === 'id' || kind === 'string') && /^[:(]?$/.test(mark);
    return kind === 'string' && groups === 0 && mark === '=>';
  });
}
