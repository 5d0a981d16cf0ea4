// What a call makes of what it is given: a function written in place, a block, a default, a repetition.
import { chainName } from './chains.ts';
import { isOverLiterals, visitIn } from './mapped.ts';
import type { Reading, Span } from './reading.ts';
import { splitArgs } from './statements.ts';
import { type Environment, type Flow, join, nothing, type Value } from './value.ts';

/** Says what an expression may hold; handed in by what reads expressions, which calls stand in and hold. */
export type Evaluate = (reading: Reading, span: Span, environment: Environment, flow: Flow) => Value;

/** What Ruby's `{ |x, i| … }` makes of an element. */
export function blockValue(
  evaluate: Evaluate,
  reading: Reading,
  [open, close]: Span,
  environment: Environment,
  flow: Flow,
): Value {
  const { tokens } = reading;
  let from = open + 1;
  const own = new Set<string>();
  if (tokens[from]?.text === '|') {
    for (from++; from < close && tokens[from]!.text !== '|'; from++) own.add(tokens[from]!.text);
    from++;
  }
  const index = /\.(?:each_index|times|each_with_index)\b/.test(chainName(reading, Math.max(0, open - 8), open - 1));
  const last = [...own].at(-1);
  return evaluate(
    reading,
    [from, close],
    (name) => (!own.has(name) ? environment(name) : index && name === last ? nothing : unknown),
    flow,
  );
}

/** Whether what a function written in place makes of an element holds nothing but what is written in the fragment. */
export function givesConstants(
  evaluate: Evaluate,
  reading: Reading,
  first: number,
  name: string,
  call: Span,
  environment: Environment,
  flow: Flow,
  overKeys: boolean,
): boolean {
  const visit = visitIn(reading, name, call);
  if (visit === undefined) return false;
  const fixed = isOverLiterals(reading, first) || overKeys ? visit.own : visit.counts;
  const locals = new Map<string, Value>();
  const inside: Environment = (one) =>
    locals.get(one) ?? (fixed.has(one) ? nothing : visit.own.has(one) ? unknown : environment(one));
  if (visit.block === undefined) return isConstantIn(evaluate, reading, visit.bodies, inside, flow);
  if (blocks >= deepestBlock) return false;
  blocks++;
  try {
    const [from, to] = visit.block;
    for (const { targets, at, value, pair } of reading.assignments) {
      if (pair || at < from || at >= to) continue;
      const given = evaluate(reading, value, inside, flow);
      // Of all that it is set to on the way, none may be foreign.
      for (const target of targets) {
        const all = { ...(locals.get(target) ?? nothing) };
        join(all, given);
        locals.set(target, all);
      }
    }
    return isConstantIn(evaluate, reading, visit.bodies, inside, flow);
  } finally {
    blocks--;
  }
}

/** Blocks within blocks are read again for each of those around them. */
const deepestBlock = 3;
let blocks = 0;

function isConstantIn(
  evaluate: Evaluate,
  reading: Reading,
  bodies: readonly Span[],
  inside: Environment,
  flow: Flow,
): boolean {
  return bodies.every((body) => evaluate(reading, body, inside, flow).level === 0);
}

const unknown: Value = { ...nothing, level: 1 };

/** What a table is told to give for what it does not hold. */
export function otherwise(
  evaluate: Evaluate,
  reading: Reading,
  [open, close]: Span,
  environment: Environment,
  flow: Flow,
): Value {
  const [, second] = splitArgs(reading, open + 1, close);
  return second === undefined ? nothing : { ...evaluate(reading, second.span, environment, flow), list: false };
}

/** `'?,'.repeat(n)`, `str_repeat('?,', $n)`: how often it is repeated does not show in it. */
export function repeatedValue(
  evaluate: Evaluate,
  reading: Reading,
  name: string,
  receiver: Value,
  [open, close]: Span,
  environment: Environment,
  flow: Flow,
): Value {
  if (name.endsWith('.repeat()')) return receiver;
  const args = splitArgs(reading, open + 1, close);
  const part = /nCopies/.test(name) || name === 'Array.new()' ? args[1] : name === 'array_fill()' ? args[2] : args[0];
  const value = part === undefined ? nothing : evaluate(reading, part.span, environment, flow);
  return { ...value, list: !/^(?:strings\.Repeat|str_repeat)\(\)$/.test(name) };
}
