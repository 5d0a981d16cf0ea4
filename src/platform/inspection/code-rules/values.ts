// What an expression may hold: how far outsiders can choose it, and whether it is a string put together from parts.
import { afterGroups, chainName, isMember } from './chains.ts';
import { choiceAt } from './choices.ts';
import { afterTypes, collectionAt } from './collections.ts';
import { hasFixedKeys, isConstantList } from './constant-lists.ts';
import { isFilled } from './growth.ts';
import { elementName } from './guards.ts';
import { blockValue, givesConstants, otherwise, repeatedValue } from './made-values.ts';
import type { Reading, Span } from './reading.ts';
import type { Token } from './tokens.ts';
import { type Environment, type Flow, join, nothing, textOf, type Value } from './value.ts';
import {
  callValue,
  constants,
  counting,
  lookedUp,
  measures,
  nameValue,
  numeric,
  ownTables,
  repeated,
  selves,
  tables,
} from './value-names.ts';
import { afterCondition, areKnown, formatsNumbers, isFresh, nameAlone, partsOf } from './value-shapes.ts';
import { afterType, castType, isFunction, isOperand, isTagged, isTypeWord, numbers, words } from './value-words.ts';

const comparisons = /^(?:==|===|!=|!==|<|<=|>=|=~|!~|<=>)$/;
const gluing: Partial<Record<Reading['family']['name'], RegExp>> = {
  php: /^\.$/,
  python: /^[+%]$/,
  ruby: /^(?:\+|%|<<)$/,
  sql: /^\|\|$/,
};

const keeps = /\.(?:filter|sort|toSorted)\(\)$/;

/** Deeper than people write; a prepared text could otherwise exhaust the stack. */
const deepest = 30;
let depth = 0;

export function evaluate(reading: Reading, span: Span, environment: Environment, flow: Flow): Value {
  if (depth >= deepest) return { ...nothing, level: 1 };
  depth++;
  try {
    return evaluateParts(reading, span, environment, flow);
  } finally {
    depth--;
  }
}

function evaluateParts(reading: Reading, span: Span, environment: Environment, flow: Flow): Value {
  const { tokens, family } = reading;
  const [from, to] = dropCondition(reading, span);
  const total: Value = { ...nothing, source: textOf(reading, span) };
  const glue = gluing[family.name] ?? /^\+$/;
  let glued = false;
  let compared = false;
  let hasLiteral = false;
  let hasList = false;
  for (let i = from; i < to; ) {
    const token = tokens[i]!;
    if (token.kind === 'op' && glue.test(token.text)) {
      glued = true;
      i++;
    } else if (token.kind === 'op' && comparisons.test(token.text)) {
      compared = true;
      i++;
    } else if (i > from && isTypeWord(reading, i)) i = afterType(tokens, i + 1, to);
    else if (i > from && family.name === 'csharp' && token.text === 'switch') {
      // What it decides on is no part of what it gives.
      const choice = choiceAt(reading, i);
      if (choice !== undefined && !glued) Object.assign(total, { ...nothing, source: total.source });
      i++;
      if (choice === undefined) continue;
      join(total, chosen(reading, choice.arms, environment, flow));
      i = choice.next;
    } else if (i > from && family.name === 'python' && token.text === 'for' && areKnown(reading, i, to, environment))
      break;
    else if (family.name === 'python' && token.text === 'if' && afterCondition(reading, i, to) > 0)
      i = afterCondition(reading, i, to);
    else if (isFunction(reading, i, to)) return { ...total, level: 0, built: false };
    else {
      const [value, next] = operand(reading, i, to, environment, flow);
      if (token.kind === 'string' || value.literal !== '') hasLiteral = true;
      if (token.text === '[' && family.name === 'python') hasList = true;
      join(total, value);
      i = Math.max(next, i + 1);
    }
  }
  // Lists put behind one another keep their elements apart.
  if (glued && hasList) total.list = true;
  else if (glued && hasLiteral) {
    total.list = false;
    if (total.level > 0) total.built = true;
  }
  if (compared && !total.built) return { ...total, level: 0 };
  return total;
}

function chosen(reading: Reading, arms: readonly Span[], environment: Environment, flow: Flow): Value {
  const all: Value = { ...nothing };
  for (const arm of arms) join(all, evaluate(reading, arm, environment, flow));
  return all;
}

/** `c ? a : b` is worth a and b; Python's `a if c else b` is gone through in place. */
function dropCondition(reading: Reading, [from, to]: Span): Span {
  const { tokens, family } = reading;
  if (family.name === 'python') return [from, to];
  for (let i = from; i < to; i++) {
    const token = tokens[i]!;
    if (token.pair > i) i = token.pair;
    else if (token.text === '?' && token.kind === 'op') return [i + 1, to];
    else if (token.text === ',') break;
  }
  return [from, to];
}

function operand(reading: Reading, at: number, to: number, environment: Environment, flow: Flow): [Value, number] {
  const { tokens, family } = reading;
  const token = tokens[at]!;
  if (token.kind === 'string') return literal(reading, at, to, environment, flow);
  const choice = token.kind === 'id' ? choiceAt(reading, at) : undefined;
  if (choice !== undefined) return [chosen(reading, choice.arms, environment, flow), choice.next];
  const collection = collectionAt(reading, at);
  if (collection !== undefined) {
    const elements: Value = {
      ...argumentsOf(reading, ...collection.elements, environment, flow),
      list: true,
      built: false,
    };
    const link = collection.next < to ? (tokens[collection.next]?.text ?? '') : '';
    return isMember(family, link) || link === '['
      ? chain(reading, at, collection.next, elements, to, environment, flow)
      : [elements, collection.next];
  }
  if (token.kind === 'id' && (!words.has(token.text) || tokens[at + 1]?.text === '.' || isOperand(reading, at, to)))
    return chain(reading, at, at, { ...nothing }, to, environment, flow);
  if (token.kind !== 'op' || token.pair < at) return [nothing, at + 1];
  const type = castType(reading, at, to);
  if (type !== undefined) {
    const [value, next] = operand(reading, token.pair + 1, to, environment, flow);
    return [numbers.test(type) ? nothing : value, next];
  }
  const inner: Value = { ...nothing };
  const named = partsOf(reading, at + 1, Math.min(token.pair, to));
  for (const { span } of named) join(inner, evaluate(reading, afterKey(tokens, span), environment, flow));
  if (
    token.text === '[' ||
    token.text === '{' ||
    (token.text === '(' && named.length > 1 && family.name === 'python')
  ) {
    inner.list = true;
    inner.built = false;
  }
  const close = token.pair;
  return isMember(family, tokens[close + 1]?.text ?? '') || tokens[close + 1]?.text === '['
    ? chain(reading, at, close + 1, inner, to, environment, flow)
    : [inner, close + 1];
}

function afterKey(tokens: readonly Token[], [from, to]: Span): Span {
  const mark = tokens[from + 1];
  return from + 2 < to && mark?.kind === 'op' && (mark.text === ':' || mark.text === '=>')
    ? [from + 2, to]
    : [from, to];
}

function literal(reading: Reading, at: number, to: number, environment: Environment, flow: Flow): [Value, number] {
  const { tokens, family } = reading;
  const token = tokens[at]!;
  const value: Value = { ...nothing, literal: unquote(token.text) };
  const next = afterGroups(tokens, at);
  let open = at + 1;
  for (let group = 0; group < token.groups; group++) {
    const close = tokens[open]!.pair;
    if (close < 0) break;
    const inner = evaluate(reading, [open + 1, close], environment, flow);
    value.level = Math.max(value.level, inner.level);
    open = close + 1;
  }
  value.built = value.level > 0;
  const link = tokens[next];
  if (next < to && link?.kind === 'op' && isMember(family, link.text))
    return chain(reading, at, next, value, to, environment, flow);
  return [value, next];
}

/** Follows members, indexes and calls from `at`; `start` holds what the chain begins with, where it is no name. */
function chain(
  reading: Reading,
  first: number,
  at: number,
  start: Value,
  to: number,
  environment: Environment,
  flow: Flow,
): [Value, number] {
  const { tokens, family } = reading;
  const value: Value = { ...start };
  let i = at;
  if (i === first) {
    if (!isFresh(reading, i, environment)) join(value, nameValue(tokens[i]!.text, environment));
    i++;
  }
  let lastName = i - 1;
  /** What went into the last call does not come out of it. */
  let cleaned = false;
  for (; i < to; ) {
    let link = i;
    if (tokens[link]?.kind === 'newline' && isMember(family, tokens[link + 1]?.text ?? '')) link++;
    const token = tokens[link]!;
    if (token.kind === 'op' && isMember(family, token.text) && tokens[link + 1]?.kind === 'id') {
      lastName = link + 1;
      i = link + 2;
      const name = chainName(reading, first, lastName);
      const known = environment(name);
      if (known !== undefined) Object.assign(value, known);
      // A field of the object itself is set elsewhere; a constant's name says so.
      else if (ownTables.test(name) && tokens[i]?.text !== '(') Object.assign(value, nothing);
      else if (i === first + 3 && family.name === 'php' && isOwnTable(reading, first, lastName))
        Object.assign(value, environment(tokens[lastName]!.text.slice(1)) ?? nothing);
      else if (i === first + 3 && selves.test(tokens[first]!.text))
        value.level = constants.test(tokens[lastName]!.text) ? 0 : 1;
    } else if (token.text === '(' && token.pair > 0) {
      const name = `${chainName(reading, first, lastName)}()`;
      i = token.pair + 1;
      cleaned =
        numeric.test(name) ||
        (family.name === 'script' && counting.test(name)) ||
        flow.sanitizer?.test(name) === true ||
        formatsNumbers(tokens, name, [link, token.pair]);
      if (cleaned) Object.assign(value, nothing);
      // A table of constants gives one of its own values, or what it is told to give instead.
      else if (
        tables.test(name) ||
        (value.level === 0 && value.list && lookedUp.test(name) && !isFilled(reading, tokens[first]!.text))
      )
        Object.assign(value, otherwise(evaluate, reading, [link, token.pair], environment, flow));
      else if (repeated.test(name))
        Object.assign(value, repeatedValue(evaluate, reading, name, value, [link, token.pair], environment, flow));
      else if (/^(?:Object\.keys|array_keys)\(\)$/.test(name) && hasFixedKeys(reading, nameAlone(tokens, link)))
        Object.assign(value, { ...nothing, list: true });
      // A list of literals, shown or put in order, stays one.
      else if (value.level === 0 && keeps.test(name) && isConstantList(reading, tokens[first]!.text)) value.list = true;
      else if (
        givesConstants(
          evaluate,
          reading,
          first,
          name,
          [link, token.pair],
          environment,
          flow,
          name === 'Object.keys().map()' && value.level === 0,
        )
      ) {
        Object.assign(value, { ...nothing, list: true });
        cleaned = true;
      } else callValue(value, name, argumentsOf(reading, link + 1, token.pair, environment, flow));
    } else if (token.text === '{' && token.pair > 0 && family.name === 'ruby' && link === i && i > first) {
      i = token.pair + 1;
      const made = blockValue(evaluate, reading, [link, token.pair], environment, flow);
      if (
        !/\.(?:map|collect|flat_map|times|each_with_index)$/.test(
          chainName(reading, first, link - 1).replaceAll('()', ''),
        )
      )
        continue;
      if (made.level === 0) Object.assign(value, { ...nothing, list: true });
      else Object.assign(value, { ...made, level: Math.max(value.level, made.level), list: true });
    } else if (token.text === '[' && token.pair > 0) {
      i = token.pair + 1;
      value.list = false;
    } else if (link === i && isTagged(reading, afterTypes(reading, link))) {
      // Its tag gets text and values apart: sql`…`, html`…`, sql<Row[]>`…`.
      i = afterGroups(tokens, afterTypes(reading, link));
      Object.assign(value, nothing);
      cleaned = true;
    } else break;
  }
  // Ruby calls without parentheses: `params.to_i`, `x.shellescape`.
  const name = chainName(reading, first, i - 1);
  if (measures.test(name) || (family.name === 'ruby' && flow.sanitizer?.test(`${name}()`) === true))
    return [nothing, i];
  if (
    !cleaned &&
    (flow.source.test(
      tokens[i - 1]?.text === ']' || tokens[i - 1]?.text === ')' ? textOf(reading, [first, i]) : name,
    ) ||
      flow.source.test(name))
  ) {
    value.level = isChecked(reading, [first, i], environment) ? 0 : 3;
  }
  return [value, i];
}

/** PHP's `self::$sorts`, a table that is written out where the class declares it. */
function isOwnTable(reading: Reading, first: number, name: number): boolean {
  const { tokens } = reading;
  const { text } = tokens[name]!;
  return /^(?:self|static)$/.test(tokens[first]!.text) && text.startsWith('$') && hasFixedKeys(reading, text.slice(1));
}

/** `$_GET['page']`, `req.query.page` where it was looked for in a list before. */
function isChecked(reading: Reading, span: Span, environment: Environment): boolean {
  return environment(elementName(textOf(reading, span)))?.level === 0;
}

function argumentsOf(reading: Reading, from: number, to: number, environment: Environment, flow: Flow): Value {
  const all: Value = { ...nothing };
  for (const { span } of partsOf(reading, from, to))
    join(all, evaluate(reading, afterKey(reading.tokens, span), environment, flow));
  return all;
}

function unquote(text: string): string {
  return text.replace(/^[a-zA-Z@$]{0,2}(?:"""|'''|["'`])/, '').replace(/(?:"""|'''|["'`])$/, '');
}
