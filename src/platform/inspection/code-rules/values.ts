// What an expression may hold: how far outsiders can choose it, and whether it is a string put together from parts.
import { afterGroups, chainName, isMember } from './chains.ts';
import type { Reading, Span } from './reading.ts';
import { splitArgs } from './statements.ts';
import type { Token } from './tokens.ts';

/** `constant`: written in the code; `dynamic`: computed; `parameter`: of the function around; `user`: read from a request, the command line, a form. */
export const origins = ['constant', 'dynamic', 'parameter', 'user'] as const;
export type Origin = (typeof origins)[number];

export interface Value {
  /** Index in `origins`. */
  level: number;
  /** A string built from literal text and something that is no constant. */
  built: boolean;
  /** The literal parts, in order; of a variable those it was assigned. */
  literal: string;
  /** An array, a list, a tuple, a dictionary: its elements are not glued together. */
  list: boolean;
  /** The expression it was last assigned, for conditions on its text. */
  source: string;
}

export type Environment = (name: string) => Value | undefined;

/** What cleans a value for one purpose, and where outside values come from. */
export interface Flow {
  source: RegExp;
  sanitizer: RegExp | null;
}

const nothing: Value = { level: 0, built: false, literal: '', list: false, source: '' };
const constants =
  /^(?:[A-Z][A-Z0-9_]{2,}|[A-Z]|true|false|null|nil|None|True|False|undefined|NULL|nullptr|this|self|cls|iota|__file__|__dirname|__name__|__FILE__|__DIR__|__LINE__|int|string|var|const|let)$/;
const selves = /^(?:self|this|cls|@)$/;
/** What comes out of these is a number, a truth, a date or a fresh id: nothing that a string can ride on. */
const numeric =
  /(?:^|\.)(?:int|float|bool|len|Number|parseInt|parseFloat|Integer\.parseInt|Long\.parseLong|Integer\.valueOf|Long\.valueOf|intval|floatval|count|sizeof|strlen|atoi|strtol|Atoi|ParseInt|ParseUint|ParseFloat|ParseBool|to_i|to_f|size|length|Int32\.Parse|int\.Parse|Guid\.Parse|long\.Parse|Convert\.ToInt32|isinstance|hasattr|hash|id|ord|round|abs|sum|min|max|Math\.\w+|time\.time|datetime\.\w+|Date\.now|Date|date|uuid\d?|uuid\.uuid4|UUID\.randomUUID|randomUUID|UUID|includes|startsWith|startswith|endswith|endsWith|indexOf|hasOwnProperty|contains|equals|exists|isset|empty|in_array|is_\w+|BigDecimal|Decimal|Boolean|isEmpty|matches|test)\(\)$/;
/** `.map(() => '?')` gives marks for bound values, whatever the list holds. */
const onlyMarks = /=>\s{0,4}(?:['"]\?['"]|`\$\$\{)/;
/** Members that need no parentheses and give a number. */
const measures = /\.(?:to_i|to_f|length|size|count|Length|Count|offsetWidth|offsetHeight)$/;
/** A name that says the value was cleaned is believed. */
const saysClean =
  /^(?:safe|escaped|sanitized|sanitised|quoted|encoded|clean|cleaned)(?:_|[A-Z])|(?:_|[a-z])(?:[eE]scaped|[sS]anitized|[qQ]uoted|[eE]ncoded)$/;
const formatting =
  /(?:^|\.)(?:format|sprintf|vsprintf|Sprintf|Sprint|Sprintln|String\.format|string\.Format|formatted|printf|concat|util\.format|string\.Concat|strcat|Concat|join|Join|implode|append|Append|AppendFormat|interpolate)(?:\(\))?$/;
const words = new Set([
  'await',
  'new',
  'not',
  'and',
  'or',
  'in',
  'is',
  'typeof',
  'return',
  'instanceof',
  'void',
  'async',
  'else',
  'if',
  'for',
  'do',
  'end',
  'as',
  'out',
  'ref',
  'echo',
  'clone',
  'yield',
  'from',
  'u8',
  'case',
  'of',
  'lambda',
  'function',
  'func',
  'fn',
]);
const comparisons = /^(?:==|===|!=|!==|<|<=|>=|=~|!~|<=>)$/;
const gluing: Partial<Record<Reading['family']['name'], RegExp>> = {
  php: /^\.$/,
  python: /^[+%]$/,
  ruby: /^(?:\+|%|<<)$/,
  sql: /^\|\|$/,
};

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
  for (let i = from; i < to; ) {
    const token = tokens[i]!;
    if (token.kind === 'op' && glue.test(token.text)) {
      glued = true;
      i++;
    } else if (token.kind === 'op' && comparisons.test(token.text)) {
      compared = true;
      i++;
    } else if (i > from && isTypeWord(reading, i)) i = afterType(tokens, i + 1, to);
    else if (isFunction(reading, i, to)) return { ...total, level: 0, built: false };
    else {
      const [value, next] = operand(reading, i, to, environment, flow);
      if (token.kind === 'string' || value.literal !== '') hasLiteral = true;
      join(total, value);
      i = Math.max(next, i + 1);
    }
  }
  if (glued && hasLiteral) {
    total.list = false;
    if (total.level > 0) total.built = true;
  }
  if (compared && !total.built) return { ...total, level: 0 };
  return total;
}

/** TypeScript's `x as string`, C#'s `x as Order`. */
function isTypeWord({ tokens, family }: Reading, at: number): boolean {
  if (family.name !== 'script' && family.name !== 'csharp') return false;
  return tokens[at]!.kind === 'id' && /^(?:as|satisfies)$/.test(tokens[at]!.text) && tokens[at + 1]?.kind === 'id';
}

function afterType(tokens: readonly Token[], at: number, to: number): number {
  let next = at;
  while (next < to && (tokens[next]!.kind === 'id' || /^[.<>|&[\],]$/.test(tokens[next]!.text))) next++;
  return next;
}

const castable = new Set(['java', 'csharp', 'c', 'php']);
const numbers =
  /^(?:int|integer|Integer|float|double|Double|bool|boolean|Boolean|long|Long|short|byte|decimal|uint|ulong|size_t|unsigned|char)$/;

/** The type of a cast `(int) x`, or undefined. */
function castType({ tokens, family }: Reading, at: number, to: number): string | undefined {
  const close = tokens[at]!.pair;
  if (!castable.has(family.name) || tokens[at]!.text !== '(' || close <= at + 1 || close + 1 >= to) return undefined;
  const operand = tokens[close + 1]!;
  if (operand.kind !== 'id' && operand.kind !== 'string' && operand.text !== '(') return undefined;
  for (let i = at + 1; i < close; i++)
    if (tokens[i]!.kind !== 'id' && !/^[.<>*[\]]$/.test(tokens[i]!.text)) return undefined;
  return tokens[close - 1]!.text;
}

function join(total: Value, value: Value): void {
  total.level = Math.max(total.level, value.level);
  total.built ||= value.built;
  total.list ||= value.list;
  if (value.literal !== '') total.literal += value.literal;
}

/** `a if c else b` and `c ? a : b` are worth a and b. */
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

/** Words that a language takes for itself name values in others: what stands alone or before an operator is a name. */
const functionWords: Partial<Record<Reading['family']['name'], RegExp>> = {
  python: /^lambda$/,
  ruby: /^(?:lambda|proc)$/,
  script: /^function$/,
  go: /^func$/,
  php: /^(?:function|fn)$/,
};
const nameable = /^(?:out|ref|from|end|func|fn|lambda|function|of|do|as|case|is|not|and|or|clone|u8|echo|void|async)$/;

function isOperand({ tokens }: Reading, at: number, to: number): boolean {
  if (!nameable.test(tokens[at]!.text)) return false;
  const next = tokens[at + 1];
  return at + 1 >= to || next === undefined || (next.kind === 'op' && !/^[({[!~&*-]$/.test(next.text));
}

function isFunction(reading: Reading, at: number, to: number): boolean {
  const { tokens } = reading;
  const token = tokens[at]!;
  if (
    token.kind === 'id' &&
    functionWords[reading.family.name]?.test(token.text) === true &&
    !isOperand(reading, at, to)
  )
    return true;
  if (token.kind === 'id' && tokens[at + 1]?.text === '=>') return true;
  return token.text === '(' && token.pair > 0 && token.pair + 1 < to && tokens[token.pair + 1]?.text === '=>';
}

function operand(reading: Reading, at: number, to: number, environment: Environment, flow: Flow): [Value, number] {
  const { tokens, family } = reading;
  const token = tokens[at]!;
  if (token.kind === 'string') return literal(reading, at, to, environment, flow);
  if (token.kind === 'id' && (!words.has(token.text) || tokens[at + 1]?.text === '.' || isOperand(reading, at, to)))
    return chain(reading, at, at, { ...nothing }, to, environment, flow);
  if (token.kind !== 'op' || token.pair < at) return [nothing, at + 1];
  const type = castType(reading, at, to);
  if (type !== undefined) {
    const [value, next] = operand(reading, token.pair + 1, to, environment, flow);
    return [numbers.test(type) ? nothing : value, next];
  }
  const inner: Value = { ...nothing };
  const named = splitArgs(reading, at + 1, Math.min(token.pair, to));
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
    join(value, nameValue(tokens[i]!.text, environment));
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
      else if (i === first + 3 && selves.test(tokens[first]!.text))
        value.level = constants.test(tokens[lastName]!.text) ? 0 : 1;
    } else if (token.text === '(' && token.pair > 0) {
      const name = `${chainName(reading, first, lastName)}()`;
      i = token.pair + 1;
      cleaned =
        numeric.test(name) ||
        flow.sanitizer?.test(name) === true ||
        (name.endsWith('.map()') && onlyMarks.test(textOf(reading, [link, token.pair]).slice(0, 60)));
      if (cleaned) Object.assign(value, nothing);
      else callValue(value, name, argumentsOf(reading, link, token.pair, environment, flow));
    } else if (token.text === '[' && token.pair > 0) {
      i = token.pair + 1;
      value.list = false;
    } else if (link === i && isTagged(reading, link)) {
      // Its tag gets text and values apart: sql`…`, html`…`.
      i = afterGroups(tokens, i);
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
    value.level = 3;
  }
  return [value, i];
}

function argumentsOf(reading: Reading, open: number, close: number, environment: Environment, flow: Flow): Value {
  const all: Value = { ...nothing };
  for (const { span } of splitArgs(reading, open + 1, close)) join(all, evaluate(reading, span, environment, flow));
  return all;
}

function callValue(value: Value, name: string, args: Value): void {
  const level = Math.max(value.level, args.level);
  if (formatting.test(name)) {
    const text = value.literal + args.literal;
    // `','.join('?')` and the like give text that nobody outside can choose.
    const placeholders = /^[\s,?%s():$\d]*$/.test(text) && /[?%$:]/.test(args.literal);
    value.level = placeholders ? 0 : level;
    value.built = value.built || args.built || (!placeholders && level > 0 && /\w/.test(text));
    value.literal = text;
    value.list = false;
    return;
  }
  const glue = value.literal;
  value.level = Math.max(level, 1);
  value.built = value.built || args.built;
  value.literal = glue + (args.built ? args.literal : '');
  if (!/(?:^|\.)(?:split|splitlines|to_a|concat|push)\(\)$/.test(name)) value.list = false;
  else value.list = true;
}

function nameValue(name: string, environment: Environment): Value {
  const known = environment(name.replaceAll('$', ''));
  if (known !== undefined) return known;
  if (constants.test(name) || saysClean.test(name)) return nothing;
  return { ...nothing, level: selves.test(name) ? 0 : 1 };
}

/** A template right behind a name: the name's function puts it together. */
export function isTagged({ tokens, family }: Reading, at: number): boolean {
  const before = tokens[at - 1];
  if (family.name !== 'script' || before?.kind !== 'id' || tokens[at]?.text.startsWith('`') !== true) return false;
  return !words.has(before.text) && !/^(?:throw|default|delete|raw)$/.test(before.text);
}

export function unquote(text: string): string {
  return text.replace(/^[a-zA-Z@$]{0,2}(?:"""|'''|["'`])/, '').replace(/(?:"""|'''|["'`])$/, '');
}

export function textOf(reading: Reading, [from, to]: Span): string {
  const first = reading.tokens[from];
  const last = reading.tokens[to - 1];
  return first === undefined || last === undefined ? '' : reading.text.slice(first.start, last.end);
}
