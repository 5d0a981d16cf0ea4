// Runs the rules of a language over one fragment: words first, then tokens, then the values that reach a dangerous place.
import { parseCode } from '../ast/grammars.ts';
import type { Language } from '../ast/languages.ts';
import { withoutHead } from './begun-before.ts';
import { candidateRules } from './candidate-rules.ts';
import { eachMatch } from './each-match.ts';
import { flowHits } from './flow-hits.ts';
import { type Hit, lineAround, scopeAtOffset } from './hit.ts';
import { isUnclosed, type PartialReason, prepare } from './partial-reading.ts';
import { readCode } from './read-code.ts';
import type { Reading, Scope } from './reading.ts';
import { loadRules, type Rule, type RuleSet } from './rule-set.ts';
import { scriptsOf } from './scripts-of.ts';

export interface CodeMatch {
  rule: Rule;
  /** From 1. */
  line: number;
  endLine: number;
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
  const { text: prepared, partial } = prepare(whole);
  const text = withoutHead(language, prepared);
  const own = inspectPrepared(language, text, partial, rules);
  if (language !== 'html') return own;
  const scripts = scriptsOf(text);
  if (scripts === null) return own;
  const { matches } = inspectPrepared('javascript', scripts, [], rules);
  const told = new Set(own.matches.map(({ rule, line }) => `${rule.weakness} ${line}`));
  const more = matches.filter(({ rule, line }) => !told.has(`${rule.weakness} ${line}`));
  return { ...own, matches: [...own.matches, ...more].sort(inOrder) };
}

function inspectPrepared(language: Language, text: string, partial: PartialReason[], rules: RuleSet): Inspection {
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
      for (const { index, 0: found } of eachMatch(match.pattern, match.raw ? reading.text : reading.bare)) {
        const end = index + found.length;
        if (found === '' || match.not?.test(lineAround(reading.bare, index, end))) continue;
        const start = index + (/^\s*/.exec(found)?.[0].length ?? 0);
        yield { rule, kind: 'text', start, end, scope: scopeAtOffset(reading, start) };
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

function stands(reading: Reading, hit: Hit): boolean {
  const { requires, unless } = hit.rule;
  if (unless.line?.test(lineAround(reading.bare, hit.start, hit.end))) return false;
  if (requires.purpose !== undefined && !requires.purpose.test(purposeOf(reading, hit.scope))) return false;
  if (requires.scope === undefined && unless.scope === undefined) return true;
  const body = bodyOf(reading, namedScope(reading, hit.scope));
  return (requires.scope?.test(body) ?? true) && !unless.scope?.test(body);
}

/** The name of the function counts: `reset_token` says what a random number is for. */
function bodyOf(reading: Reading, scope: Scope | undefined): string {
  const first = reading.tokens[scope?.span[0] ?? 0]?.start ?? 0;
  const last = reading.tokens[(scope?.span[1] ?? reading.tokens.length) - 1]?.end ?? reading.text.length;
  return reading.bare.slice(Math.max(0, reading.bare.lastIndexOf('\n', first)), last);
}

/** What a program imports, reads from its environment or logs in with is not what it makes. */
const brought =
  /^.*(?:\benv\b|\benviron\b|[gG]etenv\(|\bENV\b|GetEnvironmentVariable|\bconfig\.json\b|\b(?:client|bot)\.(?:login|run|start)\b).*$|^[ \t]{0,40}(?:import|from|use|using|require|#include)\b.*$/gm;

/** Words that speak of secrets elsewhere: what cancels a task, the sessions of libraries, ids that are read, a connection that was reset. */
const elsewhere =
  /\bCancellationToken(?:\s+\w{1,40})?|\b(?:cancellation|stopping)Token\b|\bmax_(?:new_)?tokens\b|\bECONNRESET\b|\bsession_start\(\)|\b\w{1,40}\s*=\s*requests\.Session\(\)|(?<=\bdef \w{1,40}\()(?:db_)?session\b(?:\s*:\s*\w{1,40})?|\b(?:db\.)?session\.(?:get|post|put|patch|delete|request|mount|headers|add|add_all|commit|execute|query|flush|close|rollback|scalars?)\b|\benv\.reset\(|\b[rR]eset_?(?:[bB]all|[bB]oard|[gG]ame|[eE]nem(?:y|ies)|[pP]layers?|[lL]evel|[pP]uzzle|[rR]ound|[mM]ap|[gG]rid|[wW]orld|[sS]core|[pP]ositions?|[fF]ood|[sS]nake)(?!\w)|\bHttpSession\s+\w{1,40}|\b[a-z]\w{0,30}Id\??:\s*(?:string|number)\b|(?<![\w'"])id:\s*(?:\d{1,9}|\w{1,40}(?:\.\w{1,40}){0,4}\.id)\b|(?<![\w'"])id:\s*\w{1,40}\+\+|(?<=[\w)\]]\??\.)(?:id|[a-z]\w{0,30}Id)\b(?!\s*(?:=(?!=)|\())/g;

/** A callback that no function holds is read alone: what stands around it at the top is the rest of the program. */
function purposeOf(reading: Reading, scope: Scope | undefined): string {
  const named = namedScope(reading, scope);
  const alone =
    scope?.callback === true && named === reading.scopes[0]
      ? reading.scopes.find(({ callback, span }) => callback && span[0] <= scope.span[0] && span[1] >= scope.span[1])
      : named;
  return bodyOf(reading, alone).replace(brought, '').replace(elsewhere, '');
}

/** A callback is read with the function that holds it. */
function namedScope(reading: Reading, scope: Scope | undefined): Scope | undefined {
  if (scope?.callback !== true) return scope;
  return reading.scopes.findLast(
    (outer) => !outer.callback && outer.span[0] <= scope.span[0] && outer.span[1] >= scope.span[1],
  );
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
  return [...best.values()].sort(inOrder);
}

function inOrder(a: CodeMatch, b: CodeMatch): number {
  return a.line - b.line || (a.rule.id < b.rule.id ? -1 : 1);
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
