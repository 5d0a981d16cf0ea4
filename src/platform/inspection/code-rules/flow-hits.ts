// The rules about calls, assignments and strings: each is tried where it may strike, with the variables as they stand there.
import { replay } from './environment.ts';
import { type Hit, scopeAt, short } from './hit.ts';
import type { Assignment, Call, Reading, Span } from './reading.ts';
import { limits, type Match, type Rule, type RuleSet, type ValueTest } from './rule-set.ts';
import { statementEnd } from './statements.ts';
import { type Environment, type Flow, textOf, type Value } from './value.ts';
import { isTagged } from './value-words.ts';
import { evaluate } from './values.ts';

/** A place where a rule may strike, tried when the variables stand as they do there. */
interface Trial {
  at: number;
  span: Span;
  rule: Rule;
  kind: Match['kind'];
  strikes(environment: Environment): boolean;
}

/** What the calls, assignments and strings of a fragment show, by the values that reach them. */
export function* flowHits(reading: Reading, rules: readonly Rule[], set: RuleSet): Generator<Hit> {
  const byFlow = Map.groupBy(rules, (rule) => rule.flow);
  for (const [name, group] of byFlow) {
    const flow = set.flow(reading.family.name, name);
    const judge = (span: Span, test: ValueTest, environment: Environment) =>
      holds(reading, span, test, environment, flow);
    const trials = group.flatMap((rule) => rule.matches.flatMap((match) => trialsOf(reading, rule, match, judge)));
    if (trials.length === 0) continue;
    trials.sort((a, b) => a.at - b.at);
    const variables = replay(reading, flow);
    for (const trial of trials) {
      const [from, to] = trial.span;
      if (!trial.strikes(variables.advance(trial.at, checkedWithin(reading, trial)))) continue;
      const start = reading.tokens[from]!.start;
      const end = reading.tokens[Math.max(from, Math.min(to, reading.tokens.length) - 1)]!.end;
      yield { rule: trial.rule, kind: trial.kind, start, end, scope: scopeAt(reading, from) };
    }
  }
}

/** Longer than this nobody writes a choice in one expression. */
const longestChoice = 80;

/** `open(p if p in ALLOWED else q)`: what is checked within an expression is checked before a part of it is taken. */
function checkedWithin({ tokens, family }: Reading, { at, span: [from, to] }: Trial): number {
  const inWords = family.name === 'python' || family.name === 'ruby';
  for (let i = from; i < Math.min(to, tokens.length, from + longestChoice); i++) {
    const { kind, text } = tokens[i]!;
    if (text === '{' || text === '=>' || text === ';') return at;
    if ((kind === 'op' && text === '?') || (inWords && kind === 'id' && text === 'if')) return Math.max(at, to);
  }
  return at;
}

type Judge = (span: Span, test: ValueTest, environment: Environment) => boolean;

function trialsOf(reading: Reading, rule: Rule, match: Match, judge: Judge): Trial[] {
  if (match.kind === 'call') {
    return reading.calls
      .filter((call) => match.name.test(call.name.slice(-limits.name)) && fits(reading, call, match))
      .map((call) => ({
        at: call.first,
        span: [call.first, call.last + 1],
        rule,
        kind: 'call',
        strikes: (environment) => argumentsHold(call, match.args, judge, environment),
      }));
  }
  if (match.kind === 'assign') {
    return reading.assignments
      .filter(
        (assignment) =>
          !assignment.loop &&
          (match.pair === undefined || match.pair === assignment.pair) &&
          assignment.targets.some((target) => match.target.test(target.slice(-limits.name))),
      )
      .map((assignment) => assignTrial(rule, assignment, match.value, judge));
  }
  return match.kind === 'string' ? stringTrials(reading, rule, match.pattern, match.value, judge) : [];
}

function assignTrial(rule: Rule, assignment: Assignment, test: ValueTest, judge: Judge): Trial {
  const span: Span = [assignment.at - 1, assignment.value[1]];
  const [target = ''] = assignment.targets;
  // What is added to a variable counts with what it already holds.
  if (assignment.adds) {
    const strikes = (environment: Environment) => {
      const whole = environment(target);
      return whole !== undefined && passes(whole, test, '');
    };
    return { at: assignment.value[1], span, rule, kind: 'assign', strikes };
  }
  const strikes = (environment: Environment) => judge(assignment.value, test, environment);
  return { at: assignment.at, span, rule, kind: 'assign', strikes };
}

function stringTrials(reading: Reading, rule: Rule, pattern: RegExp, value: ValueTest, judge: Judge): Trial[] {
  return reading.tokens.flatMap((token, index): Trial[] => {
    if (token.kind !== 'string' || !pattern.test(short(token.text)) || isTagged(reading, index)) return [];
    const span = expressionAround(reading, index);
    return [{ at: index, span, rule, kind: 'string', strikes: (environment) => judge(span, value, environment) }];
  });
}

/** From a string outwards to the ends of the expression it is part of. */
function expressionAround(reading: Reading, index: number): Span {
  const { tokens } = reading;
  let from = index;
  while (from > 0) {
    const before = tokens[from - 1]!;
    if (
      before.kind === 'newline' ||
      (before.kind === 'id' && before.text === 'return') ||
      /^(?:[,;([{⟨:]|=|\+=|\.=|:=|=>|<<)$/.test(before.text)
    )
      break;
    from = before.pair >= 0 && before.pair < from - 1 ? before.pair : from - 1;
  }
  let to = index;
  const end = statementEnd(reading, index);
  while (to < end && tokens[to]!.text !== ',') to = tokens[to]!.pair > to ? tokens[to]!.pair + 1 : to + 1;
  return [from, to];
}

function fits(reading: Reading, call: Call, match: Match & { kind: 'call' }): boolean {
  if (call.args.length < match.atLeast || call.args.length > match.atMost) return false;
  return (
    match.without === undefined ||
    !match.without.test(short(textOf(reading, [call.first, Math.min(call.last + 1, reading.tokens.length)])))
  );
}

function argumentsHold(
  call: Call,
  args: Extract<Match, { kind: 'call' }>['args'],
  judge: Judge,
  environment: Environment,
): boolean {
  return args.every(([key, test]) => {
    if (key === 'any') return call.args.some(({ span }) => judge(span, test, environment));
    if (key === 'last') return call.args.length > 0 && judge(call.args.at(-1)!.span, test, environment);
    const wanted = /^\d+$/.test(key)
      ? call.args.filter(({ name }) => name === null)[Number(key)]
      : call.args.find(({ name }) => name === key);
    return wanted !== undefined && judge(wanted.span, test, environment);
  });
}

function holds(reading: Reading, span: Span, test: ValueTest, environment: Environment, flow: Flow): boolean {
  const single = span[1] - span[0] === 1 ? reading.tokens[span[0]]!.text.replaceAll('$', '') : '';
  return passes(evaluate(reading, span, environment, flow), test, environment(single)?.source ?? '');
}

/** `assigned` is what the variable was set to, where the expression is nothing but its name. */
function passes(value: Value, test: ValueTest, assigned: string): boolean {
  if (value.level < test.level) return false;
  if (test.built !== undefined && value.built !== test.built) return false;
  if (test.list !== undefined && value.list !== test.list) return false;
  if (test.literal !== undefined && !test.literal.test(short(value.literal))) return false;
  if (test.text !== undefined && !test.text.test(short(value.source)) && !test.text.test(short(assigned))) return false;
  return test.notText === undefined || !(test.notText.test(short(value.source)) || test.notText.test(short(assigned)));
}
