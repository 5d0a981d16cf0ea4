// What each variable holds at each point of a fragment: assignments replayed in order, one scope inside the other.
import { chainStart } from './chains.ts';
import { isOverConstants } from './constant-lists.ts';
import { deadSpans } from './dead-code.ts';
import { growths } from './growth.ts';
import { type Guard, guardsOf } from './guards.ts';
import type { Assignment, Reading, Scope } from './reading.ts';
import { type Environment, type Flow, nothing, type Value } from './value.ts';
import { evaluate } from './values.ts';

export interface Replay {
  /** Brings the variables to where they stand just before token `at`, with what is checked before `checked`; only forwards. */
  advance(at: number, checked?: number): Environment;
}

interface Held {
  value: Value;
  /** How deep in brackets or indentation it was assigned: a deeper assignment may not have happened. */
  depth: number;
}

/** Parameters that are no data: the object itself, the library's context, the response. */
const notData =
  /^(?:self|cls|this|_|__|err|error|e|ex|ctx|context|w|res|response|resp|next|done|cb|callback|t|tb|logger|log|db|conn|connection|cursor|session|app|client)$/;

export function replay(reading: Reading, flow: Flow): Replay {
  const frames = reading.scopes.map((scope) => ({ scope, held: parameters(reading, scope) }));
  const { dead, guards } = checksOf(reading);
  const ordered = [...reading.assignments, ...growths(reading)]
    .filter(({ pair, at }) => !pair && !dead.some(([from, to]) => from <= at && at < to))
    .sort((a, b) => a.value[1] - b.value[1]);
  const depths = depthsOf(reading);
  let next = 0;
  let nextGuard = 0;
  const environmentAt = (at: number): Environment => {
    // Found when a name is asked for: most conditions fail on what is written before.
    let around: typeof frames | undefined;
    return (name) => {
      around ??= frames.filter(({ scope }) => scope.span[0] <= at && at < scope.span[1]).reverse();
      for (const { held } of around) {
        const found = held.get(name);
        if (found !== undefined) return found.value;
      }
      return undefined;
    };
  };
  const assign = (assignment: Assignment): void => {
    const environment = environmentAt(assignment.at);
    const value = evaluate(reading, assignment.value, environment, flow);
    const frame = frames.findLast(({ scope }) => scope.span[0] <= assignment.at && assignment.at < scope.span[1]);
    if (frame === undefined) return;
    for (const [index, target] of assignment.targets.entries()) {
      // A member set anywhere in a fragment is seen by its other methods.
      const member = /^(?:self|this|@)/.test(target) && frames[0] !== undefined;
      const holder = member ? frames[0]! : (outerOf(assignment, target, frame) ?? frame);
      const depth = depths(assignment.at) + (standsAlone(reading, assignment) ? 1 : 0);
      const before = holder.held.get(target) ?? (assignment.adds ? known(environment, target, depth) : undefined);
      holder.held.set(target, {
        value: settle(before, index === 0 && isCounted(reading, assignment) ? nothing : value, assignment, depth),
        depth: Math.min(depth, before?.depth ?? depth),
      });
    }
  };
  /** A callback adds to the variable of the function around it. */
  const outerOf = ({ adds, at }: Assignment, target: string, { scope }: (typeof frames)[number]) =>
    adds && scope.callback
      ? frames.findLast((outer) => outer.scope.span[0] <= at && at < outer.scope.span[1] && outer.held.has(target))
      : undefined;
  /** What was checked holds nothing foreign from there on. */
  const clean = ({ name, at }: { name: string; at: number }): void => {
    const frame = frames.findLast(({ scope, held }) => scope.span[0] <= at && at < scope.span[1] && held.has(name));
    const held = frame?.held.get(name);
    if (held !== undefined) held.value = { ...held.value, level: 0, built: false };
    // What nothing assigned in the fragment, or an element of what was sent: that it was checked is held under its own text.
    else {
      const here = frames.findLast(({ scope }) => scope.span[0] <= at && at < scope.span[1]);
      here?.held.set(name, { value: { level: 0, built: false, literal: '', list: false, source: '' }, depth: 0 });
    }
  };
  const guardsUpTo = (at: number): void => {
    for (; nextGuard < guards.length && guards[nextGuard]!.at < at; nextGuard++) clean(guards[nextGuard]!);
  };
  return {
    advance(at, checked = at) {
      for (; next < ordered.length && ordered[next]!.value[1] <= at; next++) {
        // `x = isAllowed(y) ? y : z`: what is checked within a value is checked before it is taken.
        // What a comprehension picks by, `for k in ks if k in ALLOWED`, is checked after its variable was set.
        guardsUpTo(ordered[next]!.loop ? ordered[next]!.at : ordered[next]!.value[1]);
        assign(ordered[next]!);
      }
      guardsUpTo(checked);
      return environmentAt(at);
    },
  };
}

/** Python's `for i, x in enumerate(xs)`: the first is a number. */
function isCounted({ tokens, family }: Reading, { loop, targets, value: [from] }: Assignment): boolean {
  return loop && family.name === 'python' && targets.length > 1 && tokens[from]?.text === 'enumerate';
}

interface Checks {
  dead: ReturnType<typeof deadSpans>;
  /** By token. */
  guards: { name: string; at: number }[];
}

const checks = new WeakMap<Reading, Checks>();

/** Read once for all purposes of one fragment. */
function checksOf(reading: Reading): Checks {
  let found = checks.get(reading);
  if (found === undefined) {
    found = { dead: deadSpans(reading), guards: byToken(reading, guardsOf(reading)) };
    checks.set(reading, found);
  }
  return found;
}

function byToken({ tokens }: Reading, guards: readonly Guard[]): Checks['guards'] {
  let at = 0;
  return guards.map(({ name, from }) => {
    while (at < tokens.length && tokens[at]!.start < from) at++;
    return { name, at };
  });
}

/** `if (x == null) x = "";` may not happen, though no brace says so. */
function standsAlone(reading: Reading, { at, adds, loop }: Assignment): boolean {
  const { tokens, family } = reading;
  if (adds || loop || family.name === 'python') return false;
  if (family.name === 'ruby') return isModified(reading, at);
  const previous = tokens[at - 1];
  if (previous?.kind !== 'id') return false;
  const before = tokens[chainStart(reading, at - 1) - 1];
  if (before?.text === 'else') return true;
  return (
    before?.text === ')' &&
    before.pair > 0 &&
    /^(?:if|while|for|elseif|foreach)$/.test(tokens[before.pair - 1]?.text ?? '')
  );
}

/** Ruby's `x = y if z`. */
function isModified({ tokens }: Reading, at: number): boolean {
  for (let i = at + 1; i < tokens.length && tokens[i]!.kind !== 'newline'; i++)
    if (/^(?:if|unless)$/.test(tokens[i]!.text)) return i > at + 1;
  return false;
}

function known(environment: Environment, name: string, depth: number): Held | undefined {
  const value = environment(name);
  return value === undefined ? undefined : { value, depth };
}

function settle(before: Held | undefined, value: Value, assignment: Assignment, depth: number): Value {
  const now = assignment.loop ? { ...value, list: false } : value;
  if (before === undefined || (!assignment.adds && depth <= before.depth)) return now;
  const literal = assignment.adds ? before.value.literal + now.literal : now.literal || before.value.literal;
  const level = Math.max(before.value.level, now.level);
  const glued = assignment.adds && level > 0 && !before.value.list && literal !== '';
  return {
    level,
    literal,
    built: before.value.built || now.built || glued,
    list: before.value.list || now.list,
    source: now.source,
  };
}

function parameters(reading: Reading, scope: Scope): Map<string, Held> {
  const constant = isOverConstants(reading, scope);
  return new Map(
    scope.params.map((name) => {
      const level =
        constant || scope.plain.has(name) ? 0 : scope.sent.has(name) ? 3 : scope.callback || notData.test(name) ? 1 : 2;
      return [name, { value: { level, built: false, literal: '', list: false, source: '' }, depth: 0 }];
    }),
  );
}

/** Depth in braces, or in columns where indentation says it. */
function depthsOf(reading: Reading): (at: number) => number {
  const { tokens, text, family } = reading;
  if (family.name === 'python' || family.name === 'ruby') {
    return (at) => {
      const offset = tokens[at]?.start ?? 0;
      const line = text.lastIndexOf('\n', offset - 1) + 1;
      return /^[ \t]*/.exec(text.slice(line, offset))?.[0].length ?? 0;
    };
  }
  const depths = new Uint16Array(tokens.length + 1);
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'op' && token.text === '{') depth++;
    else if (token.kind === 'op' && token.text === '}') depth = Math.max(0, depth - 1);
    depths[index] = depth;
  }
  return (at) => depths[at] ?? 0;
}
