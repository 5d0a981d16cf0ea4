// Runs the rules of a language over one fragment: words first, then tokens, then the values that reach a dangerous place.

import { parseCode } from '../ast/grammars.ts';
import type { Language } from '../ast/languages.ts';
import { candidateRules } from './candidate-rules.ts';
import { replay } from './environment.ts';
import { isUnclosed, type PartialReason, prepare } from './partial-reading.ts';
import { readCode } from './read-code.ts';
import type { Assignment, Call, Reading, Scope, Span } from './reading.ts';
import { limits, loadRules, type Match, type Rule, type RuleSet, type ValueTest } from './rule-set.ts';
import { statementEnd } from './statements.ts';
import { type Environment, evaluate, type Flow, isTagged, textOf, type Value } from './values.ts';

export interface CodeMatch {
  rule: Rule;
  /** From 1. */
  line: number;
  endLine: number;
}

interface Hit {
  rule: Rule;
  kind: Match['kind'];
  start: number;
  end: number;
  scope: Scope | undefined;
}

export interface Inspection {
  matches: CodeMatch[];
  /** Why not all of it was read, or empty. */
  partial: PartialReason[];
}

const none: readonly Rule[] = [];
const strength = { certain: 0, probable: 1, 'to-verify': 2 };

/** Finds weaknesses in `text`, in the order of its lines; a fragment needs no frame around it. */
export function inspectCode(language: Language, text: string, rules: RuleSet = loadRules()): CodeMatch[] {
  return inspectWhole(language, text, rules).matches;
}

/** The same, and what of the text could not be read; where no rule has a word in it, nothing could be missed. */
export function inspectWhole(language: Language, whole: string, rules: RuleSet = loadRules()): Inspection {
  const { text, partial } = prepare(whole);
  const candidates = candidateRules(rules.byLanguage.get(language) ?? none, text);
  if (candidates.length === 0) return { matches: [], partial };
  const reading = readCode(language, text);
  const able = candidates.filter(
    (rule) => (rule.requires.text?.test(reading.bare) ?? true) && !rule.unless.text?.test(reading.bare),
  );
  const hits = [...textHits(reading, able), ...treeHits(reading, able), ...flowHits(reading, able, rules)];
  const matches = report(
    reading,
    hits.filter((hit) => stands(reading, hit)),
  );
  return { matches, partial: isUnclosed(reading) ? [...partial, 'unclosed'] : partial };
}

function* textHits(reading: Reading, rules: readonly Rule[]): Generator<Hit> {
  for (const rule of rules) {
    for (const match of rule.matches) {
      if (match.kind !== 'text') continue;
      for (const found of (match.raw ? reading.text : reading.bare).matchAll(match.pattern)) {
        if (found[0] === '' || match.not?.test(lineAround(reading.bare, found.index, found.index + found[0].length)))
          continue;
        const lead = /^\s*/.exec(found[0])?.[0].length ?? 0;
        yield {
          rule,
          kind: 'text',
          start: found.index + lead,
          end: found.index + found[0].length,
          scope: scopeAtOffset(reading, found.index + lead),
        };
      }
    }
  }
}

function* treeHits(reading: Reading, rules: readonly Rule[]): Generator<Hit> {
  let tree: ReturnType<typeof parseCode> | undefined;
  for (const rule of rules) {
    for (const match of rule.matches) {
      if (match.kind !== 'ast') continue;
      tree ??= parseCode(reading.language, reading.text);
      for (const node of tree?.root.findAll({ rule: match.rule }) ?? []) {
        const { start, end } = node.range();
        yield { rule, kind: 'ast', start: start.index, end: end.index, scope: scopeAtOffset(reading, start.index) };
      }
    }
  }
}

/** A place where a rule may strike, tried when the variables stand as they do there. */
interface Trial {
  at: number;
  span: Span;
  rule: Rule;
  kind: Match['kind'];
  strikes(environment: Environment): boolean;
}

function* flowHits(reading: Reading, rules: readonly Rule[], set: RuleSet): Generator<Hit> {
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
      if (!trial.strikes(variables.advance(trial.at))) continue;
      const [from, to] = trial.span;
      const start = reading.tokens[from]!.start;
      const end = reading.tokens[Math.max(from, Math.min(to, reading.tokens.length) - 1)]!.end;
      yield { rule: trial.rule, kind: trial.kind, start, end, scope: scopeAt(reading, from) };
    }
  }
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

function scopeAt(reading: Reading, token: number): Scope | undefined {
  return reading.scopes.findLast(({ span }) => span[0] <= token && token < span[1]);
}

function scopeAtOffset(reading: Reading, offset: number): Scope | undefined {
  const { tokens } = reading;
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tokens[middle]!.end <= offset) low = middle + 1;
    else high = middle;
  }
  return scopeAt(reading, low);
}

function stands(reading: Reading, hit: Hit): boolean {
  const { requires, unless } = hit.rule;
  if (unless.line?.test(lineAround(reading.bare, hit.start, hit.end))) return false;
  if (requires.scope === undefined && unless.scope === undefined) return true;
  const named = namedScope(reading, hit.scope);
  const first = reading.tokens[named?.span[0] ?? 0]?.start ?? 0;
  const last = reading.tokens[(named?.span[1] ?? reading.tokens.length) - 1]?.end ?? reading.text.length;
  // The name of the function counts: `reset_token` says what a random number is for.
  const body = reading.bare.slice(Math.max(0, reading.bare.lastIndexOf('\n', first)), last);
  return (requires.scope?.test(body) ?? true) && !unless.scope?.test(body);
}

/** A callback is read with the function that holds it. */
function namedScope(reading: Reading, scope: Scope | undefined): Scope | undefined {
  if (scope?.callback !== true) return scope;
  return reading.scopes.findLast(
    (outer) => !outer.callback && outer.span[0] <= scope.span[0] && outer.span[1] >= scope.span[1],
  );
}

function lineAround(text: string, start: number, end: number): string {
  const last = text.indexOf('\n', end);
  return short(text.slice(text.lastIndexOf('\n', start - 1) + 1, last < 0 ? text.length : last));
}

function short(text: string): string {
  return text.length > limits.value ? text.slice(0, limits.value) : text;
}

/** One finding per weakness and line; where a sink was found, the string that feeds it is not told again. */
function report(reading: Reading, hits: Hit[]): CodeMatch[] {
  const sinks = new Set(
    hits.filter(({ kind }) => kind === 'call').map(({ rule, scope }) => `${rule.weakness} ${scope?.span[0]}`),
  );
  const lines = lineStarts(reading.text);
  const best = new Map<string, CodeMatch>();
  for (const hit of hits) {
    if (hit.kind === 'string' && sinks.has(`${hit.rule.weakness} ${hit.scope?.span[0]}`)) continue;
    const line = lineOf(lines, hit.start);
    const key = `${hit.rule.weakness} ${line}`;
    const before = best.get(key);
    if (before !== undefined && strength[before.rule.confidence] <= strength[hit.rule.confidence]) continue;
    best.set(key, { rule: hit.rule, line, endLine: lineOf(lines, Math.max(hit.start, hit.end - 1)) });
  }
  return [...best.values()].sort((a, b) => a.line - b.line || (a.rule.id < b.rule.id ? -1 : 1));
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function lineOf(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
