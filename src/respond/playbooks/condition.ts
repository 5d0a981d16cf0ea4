// Conditions of a playbook: the comparison expressions of STIX 2.1 patterning over variables, read and evaluated without any code being run.
import { BlockList, isIP } from 'node:net';
import { RempartError } from '../../platform/base/errors.ts';
import { boundedLike, boundedRegex } from './match-text.ts';
import type { Scope } from './variables.ts';

type Literal = { kind: 'text' | 'number' | 'bool' | 'time'; text: string };
const operators = ['=', '==', '!=', '<>', '<', '<=', '>', '>='] as const;
type Operator = (typeof operators)[number] | 'IN' | 'LIKE' | 'MATCHES' | 'ISSUBSET' | 'ISSUPERSET';

export type Condition =
  | { kind: 'and' | 'or'; of: readonly [Condition, Condition] }
  | { kind: 'not'; of: Condition }
  | { kind: 'exists'; name: string }
  | { kind: 'compare'; name: string; operator: Operator; negated: boolean; with: readonly Literal[] };

/** Nesting that a reader could still follow, and that no stack minds. */
const deepest = 64;
/** Each AND and OR goes one call deeper when it is evaluated. */
const longest = 20_000;

/** Throws ERR_PLAYBOOK_CONDITION with the place where it cannot be read on. */
export function parseCondition(text: string): Condition {
  if (text.length > longest)
    throw new RempartError('ERR_PLAYBOOK_CONDITION', { condition: shown(text), at: longest + 1 });
  const tokens = tokenise(text);
  let at = 0;
  const peek = () => tokens[at];
  const isWord = (word: string) => peek()?.kind === 'word' && peek()!.text.toUpperCase() === word;
  const isSign = (sign: string) => peek()?.kind === 'sign' && peek()!.text === sign;
  const fail = (): never => {
    throw new RempartError('ERR_PLAYBOOK_CONDITION', { condition: shown(text), at: (peek()?.at ?? text.length) + 1 });
  };
  const eat = (test: boolean) => {
    if (!test) fail();
    return tokens[at++]!;
  };

  function either(depth: number): Condition {
    let left = both(depth);
    while (isWord('OR')) {
      at++;
      left = { kind: 'or', of: [left, both(depth)] };
    }
    return left;
  }
  function both(depth: number): Condition {
    let left = one(depth);
    while (isWord('AND')) {
      at++;
      left = { kind: 'and', of: [left, one(depth)] };
    }
    return left;
  }
  function one(depth: number): Condition {
    if (depth > deepest) fail();
    if (isWord('NOT')) {
      at++;
      return { kind: 'not', of: one(depth + 1) };
    }
    if (isSign('(') || isSign('[')) {
      const close = eat(true).text === '(' ? ')' : ']';
      const inner = either(depth + 1);
      eat(isSign(close));
      return inner;
    }
    if (isWord('EXISTS')) {
      at++;
      return { kind: 'exists', name: eat(peek()?.kind === 'name').text };
    }
    return comparison();
  }
  function comparison(): Condition {
    const name = eat(peek()?.kind === 'name').text;
    const negated = isWord('NOT');
    if (negated) at++;
    if (isWord('IN')) {
      at++;
      eat(isSign('('));
      const list = [literal()];
      while (isSign(',')) {
        at++;
        list.push(literal());
      }
      eat(isSign(')'));
      return { kind: 'compare', name, operator: 'IN', negated, with: list };
    }
    for (const word of ['LIKE', 'MATCHES', 'ISSUBSET', 'ISSUPERSET'] as const)
      if (isWord(word)) {
        at++;
        const given = literal();
        // Refused when it is read: at night, in the middle of a run, nobody mends a pattern.
        if (word === 'MATCHES') boundedRegex(given.text);
        return { kind: 'compare', name, operator: word, negated, with: [given] };
      }
    const sign = eat(peek()?.kind === 'sign' && (operators as readonly string[]).includes(peek()!.text)).text;
    return { kind: 'compare', name, operator: sign as Operator, negated, with: [literal()] };
  }
  function literal(): Literal {
    const token = eat(peek()?.kind === 'literal' || isWord('TRUE') || isWord('FALSE'));
    return token.kind === 'literal' ? token.literal! : { kind: 'bool', text: token.text.toLowerCase() };
  }

  const condition = either(0);
  if (at < tokens.length) fail();
  return condition;
}

/** A variable without a value equals nothing, and is less or more than nothing. */
export function holds(condition: Condition, scope: Scope): boolean {
  switch (condition.kind) {
    case 'and':
      return holds(condition.of[0], scope) && holds(condition.of[1], scope);
    case 'or':
      return holds(condition.of[0], scope) || holds(condition.of[1], scope);
    case 'not':
      return !holds(condition.of, scope);
    case 'exists':
      return (scope.get(condition.name)?.value ?? null) !== null;
    case 'compare': {
      const variable = scope.get(condition.name);
      if (variable === undefined) throw new RempartError('ERR_PLAYBOOK_VARIABLE', { name: condition.name });
      if (variable.value === null) return condition.operator === '!=' || condition.operator === '<>';
      return compare(variable.value, condition.operator, condition.with) !== condition.negated;
    }
  }
}

/** Names that it asks for. */
export function namesIn(condition: Condition): string[] {
  if (condition.kind === 'exists' || condition.kind === 'compare') return [condition.name];
  return condition.kind === 'not' ? namesIn(condition.of) : condition.of.flatMap(namesIn);
}

function compare(value: string, operator: Operator, literals: readonly Literal[]): boolean {
  const [first] = literals as readonly [Literal];
  switch (operator) {
    case 'IN':
      return literals.some((literal) => order(value, literal) === 0);
    case 'LIKE':
      return boundedLike(first.text)(value);
    case 'MATCHES':
      return boundedRegex(first.text)(value);
    case 'ISSUBSET':
      return contains(first.text, value);
    case 'ISSUPERSET':
      return contains(value, first.text);
  }
  const result = order(value, first);
  switch (operator) {
    case '=':
    case '==':
      return result === 0;
    case '!=':
    case '<>':
      return result !== 0;
    case '<':
      return result < 0;
    case '<=':
      return result <= 0;
    case '>':
      return result > 0;
    case '>=':
      return result >= 0;
  }
}

/** Below, at or above; NaN where the two cannot be compared, which no operator but `!=` takes for true. */
function order(value: string, literal: Literal): number {
  if (literal.kind === 'number')
    return value.trim() === '' ? Number.NaN : Math.sign(Number(value) - Number(literal.text));
  if (literal.kind === 'time') return Math.sign(Date.parse(value) - Date.parse(literal.text));
  return value === literal.text ? 0 : value < literal.text ? -1 : 1;
}

/** Whether a network holds an address or a smaller network. */
function contains(network: string, part: string): boolean {
  const outer = cidr(network);
  const inner = cidr(part);
  if (outer === undefined || inner === undefined || outer.family !== inner.family || inner.bits < outer.bits)
    return false;
  const list = new BlockList();
  list.addSubnet(outer.address, outer.bits, outer.family);
  return list.check(inner.address, inner.family);
}

function cidr(text: string) {
  const [address = '', bits] = text.split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const length = bits === undefined ? most : Number(bits);
  if (version === 0 || !Number.isInteger(length) || length < 0 || length > most) return undefined;
  return { address, bits: length, family: version === 4 ? ('ipv4' as const) : ('ipv6' as const) };
}

interface Token {
  kind: 'word' | 'sign' | 'name' | 'literal';
  text: string;
  at: number;
  literal?: Literal;
}

const shapes: readonly [Token['kind'], RegExp, Literal['kind']?][] = [
  ['name', /(__[a-zA-Z_][a-zA-Z0-9_-]{0,199}?__):value/y],
  ['literal', /t'((?:[^'\\]|\\.)*)'/y, 'time'],
  ['literal', /'((?:[^'\\]|\\.)*)'/y, 'text'],
  ['literal', /([+-]?\d+(?:\.\d+)?)(?![\w.])/y, 'number'],
  ['sign', /(==|!=|<>|<=|>=|[=<>()[\],])/y],
  ['word', /([A-Za-z]+)/y],
];

function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at]!)) {
      at++;
      continue;
    }
    const found = shapes.flatMap(([kind, shape, literal]) => {
      shape.lastIndex = at;
      const match = shape.exec(text);
      return match === null ? [] : [{ kind, match, literal }];
    })[0];
    if (found === undefined) throw new RempartError('ERR_PLAYBOOK_CONDITION', { condition: shown(text), at: at + 1 });
    const { kind, match, literal } = found;
    const inner = match[1]!;
    tokens.push({
      kind,
      text: inner,
      at,
      ...(literal === undefined ? {} : { literal: { kind: literal, text: inner.replace(/\\(.)/g, '$1') } }),
    });
    at += match[0].length;
  }
  return tokens;
}

function shown(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
