// Calls that put something into a list or a table that was made before.
import type { Assignment, Call, Reading } from './reading.ts';

const grows = /^(\w{1,60})\.(?:add|Add|put|addAll|AddRange|putAll)$/;

const fills = /\.(?:set|update|setdefault|store|merge!?|put)$/;

/** `where.add(x)`, `columns.put(key, x)` are read as `where += x`. */
export function growths(reading: Reading): Assignment[] {
  if (!isRead(reading)) return [];
  return reading.calls.flatMap(({ name, first, args }): Assignment[] => {
    if (name.endsWith('.TryGetValue')) return lookedUp(reading, first, args);
    const target = grows.exec(name)?.[1];
    const last = args.at(-1);
    if (target === undefined || last === undefined) return [];
    return [{ targets: [target], at: first, value: last.span, pair: false, adds: true, loop: false }];
  });
}

/** C#'s `sorts.TryGetValue(sort, out var column)` sets its last argument to an element of a table that is made in the fragment. */
function lookedUp({ tokens, assignments }: Reading, first: number, args: Call['args']): Assignment[] {
  const out = args.at(-1)?.span;
  const table = tokens[first]!.text;
  if (out === undefined || args.length !== 2 || tokens[out[0]]!.text !== 'out' || tokens[first + 1]?.text !== '.')
    return [];
  const made = assignments.some(({ targets, value }) => targets[0] === table && tokens[value[0]]?.text === 'new');
  if (!made || tokens[first + 2]?.text !== 'TryGetValue') return [];
  const target = tokens[out[1] - 1]!.text;
  return [{ targets: [target], at: out[0], value: [first, first + 1], pair: false, adds: false, loop: true }];
}

const known = new WeakMap<Reading, Set<string>>();

/** Whether something is put into the table of this name after it was made; read once for all tables of a fragment. */
export function isFilled(reading: Reading, table: string): boolean {
  // Where it is read as an assignment, what is put in says enough.
  if (isRead(reading)) return false;
  let filled = known.get(reading);
  if (filled === undefined) {
    filled = new Set(reading.calls.flatMap(({ name }) => (fills.test(name) ? [name.slice(0, name.indexOf('.'))] : [])));
    known.set(reading, filled);
  }
  return filled.has(table.replaceAll('$', ''));
}

function isRead({ family }: Reading): boolean {
  return family.name === 'java' || family.name === 'csharp';
}
