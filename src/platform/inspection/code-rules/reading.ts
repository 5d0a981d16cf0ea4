// What a fragment does, read from its tokens: its functions, its assignments and its calls, in order.
import type { Language } from '../ast/languages.ts';
import { familyOf, type LexicalFamily } from './lexical-family.ts';
import { type Token, tokenize } from './tokens.ts';

/** Half open, in token indexes. */
export type Span = readonly [number, number];

export interface Call {
  /** The callee with its receivers, members joined by dots: `self.db.execute`, `new File`, `echo`. */
  name: string;
  first: number;
  /** Index of the token after which the call has been read whole. */
  last: number;
  args: { name: string | null; span: Span }[];
}

export interface Assignment {
  targets: string[];
  at: number;
  value: Span;
  /** A key of an object, a keyword argument, a default: it names a value but changes no variable. */
  pair: boolean;
  /** `+=`, `.=`, `<<`: what was there stays part of it. */
  adds: boolean;
  /** From `for x in value`. */
  loop: boolean;
}

export interface Scope {
  name: string;
  params: string[];
  span: Span;
  /** A callback written in place: its parameters come from the library that calls it. */
  callback: boolean;
}

export interface Reading {
  language: Language;
  family: LexicalFamily;
  text: string;
  bare: string;
  tokens: Token[];
  calls: Call[];
  assignments: Assignment[];
  /** The whole fragment first, then its functions in order. */
  scopes: Scope[];
}

const notCalls = new Set(
  'if while for foreach switch catch elif elsif unless until function fn func def and or not in is with match case lambda sizeof synchronized using lock when assert del except typeof array list isset empty'.split(
    ' ',
  ),
);
/** Written without parentheses, they take the rest of the statement. */
const wordCalls: Partial<Record<LexicalFamily['name'], ReadonlySet<string>>> = {
  php: new Set(['echo', 'print', 'include', 'include_once', 'require', 'require_once', 'return', 'exit', 'die']),
  python: new Set(['return', 'exec', 'print', 'yield']),
  script: new Set(['return']),
  java: new Set(['return']),
  csharp: new Set(['return']),
  go: new Set(['return']),
  ruby: new Set(['return']),
};
const rubyWords = new Set(
  'if unless while until and or not then do end else elsif case when return yield def class module begin rescue ensure in next break super self nil true false puts p attr_accessor attr_reader raise'.split(
    ' ',
  ),
);
const assigns = new Set(['=', ':=', '+=', '.=', '||=', '??=', '<<=', '&&=']);
const continues = /^(?:[+\-*/%.,([{=?:<>]|&&|\|\||=>|->|and|or|not|in|\?\.|\?\?|:=|\+=|==|===|!=|!==|<<|::|&\.)$/;
const continued = /^(?:[.+\-*?:|&%]|&&|\|\||\?\.|\?\?|->|&\.|==|===|=>|instanceof)$/;

export function readCode(language: Language, text: string): Reading {
  const { list, bare } = tokenize(language, text);
  const family = familyOf(language);
  const reading: Reading = {
    language,
    family,
    text,
    bare,
    tokens: list,
    calls: [],
    assignments: [],
    scopes: [{ name: '', params: [], span: [0, list.length], callback: false }],
  };
  const definitions = readScopes(reading);
  let parametersEnd = -1;
  for (let i = 0; i < list.length; i++) {
    const token = list[i]!;
    // A parameter's default is no assignment: the caller may give another.
    if (definitions.has(i)) parametersEnd = Math.max(parametersEnd, token.pair);
    if (i <= parametersEnd) continue;
    if (token.kind === 'op') readOperator(reading, i, definitions);
    else if (token.kind === 'id') readWord(reading, i);
    else if (
      token.kind === 'string' &&
      token.text.startsWith('`') &&
      (family.name === 'ruby' || family.name === 'php')
    ) {
      reading.calls.push({
        name: 'backticks',
        first: i,
        last: i + 1,
        args: [{ name: null, span: [i, afterGroups(list, i)] }],
      });
    }
  }
  return reading;
}

/** The first token after a string and the expressions laid open behind it. */
export function afterGroups(tokens: readonly Token[], at: number): number {
  let next = at + 1;
  for (let group = 0; group < (tokens[at]?.groups ?? 0); group++) {
    const pair = tokens[next]?.pair ?? -1;
    if (pair < 0) return next;
    next = pair + 1;
  }
  return next;
}

export function isMember(family: LexicalFamily, op: string): boolean {
  if (family.name === 'php') return op === '->' || op === '::' || op === '?->';
  return op === '.' || op === '?.' || op === '::' || op === '&.' || (op === '->' && family.name === 'c');
}

/** Of members: what a chain longer than this begins with is told no more. */
const longestChain = 60;

/** Where the chain of members that ends at `last` begins: `a.b(c).d` from its `d`. */
export function chainStart(reading: Reading, last: number): number {
  const { tokens, family } = reading;
  let at = last;
  for (let links = 0; links < longestChain; links++) {
    let before = at - 1;
    if (tokens[before]?.kind === 'newline' && isMember(family, tokens[at]?.text ?? '')) before--;
    const link = tokens[before];
    if (link === undefined || link.kind !== 'op' || !isMember(family, link.text)) break;
    let owner = before - 1;
    if (tokens[owner]?.kind === 'newline') owner--;
    if (tokens[owner]?.text === '!') owner--;
    const start = primaryStart(tokens, owner);
    if (start < 0) break;
    at = start;
  }
  return at;
}

function primaryStart(tokens: readonly Token[], end: number): number {
  let at = end;
  while (at >= 0) {
    const token = tokens[at]!;
    if ((token.text === ')' || token.text === ']' || token.text === '⟩') && token.kind === 'op') {
      if (token.pair < 0) return -1;
      const before = tokens[token.pair - 1];
      if (
        before === undefined ||
        !(before.kind === 'id' || /^[)\]]$/.test(before.text) || (token.text === '⟩' && before.kind === 'string'))
      )
        return token.pair;
      at = token.pair - 1;
    } else if (token.kind === 'id' || token.kind === 'string') return at;
    else return -1;
  }
  return -1;
}

/** A chain as text: arguments left out, indexes too, members joined by dots. */
export function chainName(reading: Reading, first: number, last: number): string {
  const { tokens, family } = reading;
  let name = '';
  for (let i = first; i <= last; i++) {
    const token = tokens[i]!;
    if (token.kind === 'newline' || token.text === '!') continue;
    if (token.kind === 'id') name += token.text;
    else if (token.kind === 'string') {
      name += "''";
      i = afterGroups(tokens, i) - 1;
    } else if (isMember(family, token.text)) name += '.';
    else if (token.pair > i) {
      name += token.text === '(' ? '()' : '[]';
      i = token.pair;
    }
  }
  return name.replaceAll('$', '');
}

function readOperator(reading: Reading, i: number, definitions: ReadonlySet<number>): void {
  const { tokens, family } = reading;
  const token = tokens[i]!;
  if (token.text === '(') {
    if (!definitions.has(i)) readCall(reading, i);
  } else if (assigns.has(token.text) || (token.text === '<<' && family.name === 'ruby')) readAssignment(reading, i);
  else if (token.text === ':' || token.text === '=>') readPair(reading, i);
}

function readCall(reading: Reading, open: number): void {
  const { tokens } = reading;
  const close = tokens[open]!.pair < 0 ? Math.min(tokens.length, open + 400) : tokens[open]!.pair;
  let callee = open - 1;
  // Type arguments stand between a name and its parenthesis: `new ArrayList<String>(`, `query<User>(`.
  if (tokens[callee]?.text === '>') {
    let back = callee - 1;
    while (back > callee - 12 && tokens[back] !== undefined && tokens[back]!.text !== '<') back--;
    if (tokens[back]?.text === '<' && tokens[back - 1]?.kind === 'id') callee = back - 1;
  }
  // `delegate.?name` of a macro or a generic call with a bang.
  const before = tokens[callee];
  if (before === undefined) return;
  const named =
    before.kind === 'id' && (!notCalls.has(before.text) || isMember(reading.family, tokens[callee - 1]?.text ?? ''));
  if (!named && !(before.text === ')' || before.text === ']')) return;
  const first = named ? chainStart(reading, callee) : primaryStart(tokens, callee);
  if (first < 0) return;
  const made = tokens[first - 1]?.text === 'new' ? 'new ' : '';
  reading.calls.push({
    name: made + chainName(reading, first, callee),
    first,
    last: close,
    args: splitArgs(reading, open + 1, close),
  });
}

/** Splits at the commas of this level; `name=`, `name:` and `name =>` name an argument. */
export function splitArgs(reading: Reading, from: number, to: number): Call['args'] {
  const { tokens, family } = reading;
  const args: Call['args'] = [];
  let start = from;
  const add = (end: number) => {
    while (start < end && tokens[start]!.kind === 'newline') start++;
    if (start >= end) return;
    const head = tokens[start]!;
    const mark = tokens[start + 1]?.text;
    const named =
      (mark === '=' && head.kind === 'id' && family.name === 'python') ||
      (mark === ':' && head.kind === 'id' && ['ruby', 'csharp', 'php'].includes(family.name)) ||
      (mark === '=>' && family.name === 'ruby');
    args.push(
      named ? { name: head.text.replace(/^:/, ''), span: [start + 2, end] } : { name: null, span: [start, end] },
    );
  };
  for (let i = from; i < to; i++) {
    const token = tokens[i]!;
    if (token.kind !== 'op') continue;
    if (token.pair > i) i = Math.min(token.pair, to);
    else if (token.text === ',') {
      add(i);
      start = i + 1;
    }
  }
  add(to);
  return args;
}

function readWord(reading: Reading, i: number): void {
  const { tokens, family } = reading;
  const word = tokens[i]!;
  const next = tokens[i + 1];
  if (next === undefined || next.kind === 'newline') return;
  if (wordCalls[family.name]?.has(word.text) === true) {
    if (isMember(family, tokens[i - 1]?.text ?? '')) return;
    if (next.text === '(' && next.pair > 0 && word.text !== 'return' && family.name !== 'php') return;
    const end = statementEnd(reading, i + 1);
    reading.calls.push({ name: word.text, first: i, last: end, args: splitArgs(reading, i + 1, end) });
    return;
  }
  if (family.name !== 'ruby' || rubyWords.has(word.text) || next.start === word.end) return;
  if (!['string', 'id', 'symbol', 'number'].includes(next.kind) && next.text !== '[') return;
  if (next.kind === 'id' && rubyWords.has(next.text) && !['self', 'nil', 'true', 'false'].includes(next.text)) return;
  if (tokens[i - 1]?.text === 'def' || tokens[i - 1]?.text === 'class') return;
  const first = chainStart(reading, i);
  const end = statementEnd(reading, i + 1);
  reading.calls.push({ name: chainName(reading, first, i), first, last: end, args: splitArgs(reading, i + 1, end) });
}

/** In tokens, those in brackets left out: what has no end after this is no statement. */
const longestStatement = 600;

/** Where the expression that begins at `from` ends, by the language's own idea of a statement. */
export function statementEnd(reading: Reading, from: number): number {
  const { tokens, family } = reading;
  const end = Math.min(tokens.length, from + longestStatement);
  for (let i = from; i < end; i++) {
    const token = tokens[i]!;
    if (token.kind === 'newline') {
      if (!carriesOn(family, tokens[i - 1], tokens[i + 1])) return i;
    } else if (token.kind === 'op') {
      if (token.text === ';') return i;
      if (/^[)\]}⟩]$/.test(token.text) && token.pair < from) return i;
      if (
        token.text === '{' &&
        (family.name === 'go' || family.name === 'ruby') &&
        tokens[i - 1]?.kind !== 'op' &&
        i > from &&
        endsAtBrace(family, tokens, i)
      )
        return i;
      if (token.pair > i) i = token.pair;
    } else if (
      token.kind === 'id' &&
      family.name === 'ruby' &&
      /^(?:do|if|unless|rescue|while)$/.test(token.text) &&
      i > from
    )
      return i;
  }
  return end;
}

function endsAtBrace(family: LexicalFamily, tokens: readonly Token[], brace: number): boolean {
  // A Go composite literal `T{…}` belongs to the value; a block's brace stands at its line's end.
  return family.name === 'ruby' || tokens[brace + 1]?.kind === 'newline';
}

function carriesOn(family: LexicalFamily, before: Token | undefined, after: Token | undefined): boolean {
  if (family.name === 'python') return false;
  if (before !== undefined && (before.kind === 'op' || before.kind === 'id') && continues.test(before.text))
    return true;
  if (family.name === 'go' || after === undefined) return false;
  return after.kind === 'op' && continued.test(after.text);
}

function readAssignment(reading: Reading, at: number): void {
  const { tokens, family } = reading;
  const op = tokens[at]!.text;
  const keyword = family.name === 'python' && op === '=' && tokens[at - 1]?.kind === 'id' && enclosedByCall(tokens, at);
  const targets = targetsBefore(reading, at);
  if (targets.length === 0) return;
  const end = keyword
    ? argumentEnd(tokens, at + 1)
    : Math.min(
        statementEnd(reading, at + 1),
        family.name === 'script' ||
          family.name === 'java' ||
          family.name === 'c' ||
          family.name === 'csharp' ||
          family.name === 'php'
          ? argumentEnd(tokens, at + 1)
          : tokens.length,
      );
  const from = tokens[at + 1]?.text === 'range' ? at + 2 : at + 1;
  reading.assignments.push({
    targets,
    at,
    value: [from, end],
    pair: keyword,
    adds: !['=', ':=', '||=', '??='].includes(op),
    loop: false,
  });
}

/** The next comma or closing bracket of this level. */
function argumentEnd(tokens: readonly Token[], from: number): number {
  const end = Math.min(tokens.length, from + longestStatement);
  for (let i = from; i < end; i++) {
    const token = tokens[i]!;
    if (token.kind !== 'op') continue;
    if (token.text === ',' || token.text === ';' || (/^[)\]}⟩]$/.test(token.text) && token.pair < from)) return i;
    if (token.pair > i) i = token.pair;
  }
  return end;
}

function enclosedByCall(tokens: readonly Token[], at: number): boolean {
  for (let i = at - 1, steps = 0; i >= 0 && steps < 200; i--, steps++) {
    const token = tokens[i]!;
    if (token.kind !== 'op') continue;
    if (token.pair >= 0 && token.pair < i) i = token.pair;
    else if (token.text === '(') return tokens[i - 1]?.kind === 'id' || tokens[i - 1]?.text === ')';
    else if (token.text === '{' || token.text === '[' || token.text === ':') return false;
  }
  return false;
}

function targetsBefore(reading: Reading, at: number): string[] {
  const { tokens, family } = reading;
  let last = at - 1;
  const previous = tokens[last];
  if (previous === undefined) return [];
  if (
    (previous.text === '}' || previous.text === ']') &&
    previous.pair >= 0 &&
    (tokens[previous.pair - 1]?.kind !== 'id' || /^(?:const|let|var)$/.test(tokens[previous.pair - 1]!.text))
  ) {
    return tokens
      .slice(previous.pair, last)
      .filter((token) => token.kind === 'id')
      .map((token) => token.text.replaceAll('$', ''));
  }
  // `name: Type = value`, as TypeScript and Python write it.
  if (family.name === 'script' || family.name === 'python') {
    for (let i = last; i > last - 10 && i > 0; i--) {
      const token = tokens[i]!;
      if (token.text === ':' && tokens[i - 1]?.kind === 'id') last = i - 1;
      if (token.kind !== 'id' && !/^[:<>[\]|,.]$/.test(token.text)) break;
    }
  }
  const targets: string[] = [];
  for (;;) {
    const end = last;
    let name = end;
    while (tokens[name]?.text === ']' && tokens[name]!.pair > 0) name = tokens[name]!.pair - 1;
    if (tokens[name]?.kind !== 'id') break;
    const first = chainStart(reading, name);
    targets.push(chainName(reading, first, name));
    if (tokens[first - 1]?.text !== ',' || (family.name !== 'python' && family.name !== 'go' && family.name !== 'ruby'))
      break;
    last = first - 2;
  }
  return targets;
}

/** `key: value` and `key => value`, and `for x of xs`. */
function readPair(reading: Reading, at: number): void {
  const { tokens, family } = reading;
  const op = tokens[at]!.text;
  const key = tokens[at - 1];
  if (key === undefined || (key.kind !== 'id' && key.kind !== 'string' && key.kind !== 'symbol')) return;
  if (op === '=>' && family.name !== 'php' && family.name !== 'ruby') return;
  if (op === ':' && ['c', 'csharp', 'php'].includes(family.name)) return;
  const value: Span = [at + 1, Math.min(argumentEnd(tokens, at + 1), statementEnd(reading, at + 1))];
  if (value[1] <= value[0]) return;
  const name = key.text.replace(/^[:'"]+|['"]+$/g, '').replaceAll('$', '');
  reading.assignments.push({ targets: [name], at, value, pair: true, adds: false, loop: false });
}

/** Finds the functions; answers the parentheses that hold parameters, which are no calls. */
function readScopes(reading: Reading): Set<number> {
  const { tokens, family } = reading;
  const definitions = new Set<number>();
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.kind === 'id' && (token.text === 'for' || token.text === 'foreach')) readLoop(reading, i);
    if (token.text === '(' && token.kind === 'op') {
      const scope =
        family.name === 'python' || family.name === 'ruby' ? indentedScope(reading, i) : bracedScope(reading, i);
      if (scope === null) continue;
      definitions.add(i);
      reading.scopes.push(scope);
    } else if (token.text === 'def' && family.name === 'ruby' && tokens[i + 2]?.kind === 'newline') {
      reading.scopes.push({
        name: tokens[i + 1]?.text ?? '',
        params: [],
        span: [i, indentEnd(reading, i)],
        callback: false,
      });
    } else if (token.text === '=>' && family.name === 'script' && tokens[i - 1]?.kind === 'id') {
      reading.scopes.push({
        name: '',
        params: [tokens[i - 1]!.text],
        span: [i - 1, bodyEnd(reading, i + 1)],
        callback: true,
      });
    }
  }
  return definitions;
}

function readLoop(reading: Reading, at: number): void {
  const { tokens } = reading;
  const end = Math.min(tokens.length, at + 24);
  for (let i = at + 1; i < end; i++) {
    const text = tokens[i]!.text;
    if (text === 'in' || text === 'of' || text === ':' || text === 'as') {
      const [names, value]: [Span, Span] =
        text === 'as'
          ? [
              [i + 1, i + 6],
              [at + 2, i],
            ]
          : [
              [at + 1, i],
              [i + 1, Math.min(statementEnd(reading, i + 1), i + 40)],
            ];
      const targets = tokens
        .slice(...names)
        .filter((token, n, all) => token.kind === 'id' && !all.slice(0, n).some((early) => early.text === ')'))
        .map((token) => token.text.replaceAll('$', ''));
      reading.assignments.push({ targets, at: i, value, pair: false, adds: false, loop: true });
      return;
    }
    if (text === ';' || text === '=' || text === '{') return;
  }
}

function indentedScope(reading: Reading, open: number): Scope | null {
  const { tokens } = reading;
  const name = tokens[open - 1];
  const def = tokens[open - 2]?.text === '.' ? tokens[open - 4] : tokens[open - 2];
  if (name?.kind !== 'id' || def?.text !== 'def') return null;
  const close = tokens[open]!.pair < 0 ? tokens.length : tokens[open]!.pair;
  return {
    name: name.text,
    params: paramNames(reading, open + 1, close),
    span: [open, indentEnd(reading, tokens.indexOf(def))],
    callback: false,
  };
}

/** The body of a definition lasts until a line that is indented no deeper. */
function indentEnd(reading: Reading, def: number): number {
  const { tokens, text } = reading;
  const column = columnOf(text, tokens[def]!.start);
  let depthEnd = tokens[def]!.pair;
  for (let i = def + 1; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token.pair > i) {
      depthEnd = token.pair;
      i = depthEnd;
    }
    const next = tokens[i + 1];
    if (
      tokens[i]!.kind === 'newline' &&
      next !== undefined &&
      next.kind !== 'newline' &&
      columnOf(text, next.start) <= column &&
      !/^[)\]}]$/.test(next.text)
    )
      return i;
  }
  return tokens.length;
}

function columnOf(text: string, offset: number): number {
  let start = text.lastIndexOf('\n', offset - 1) + 1;
  const line = start;
  while (start < offset && (text[start] === ' ' || text[start] === '\t' || text[start] === '@')) start++;
  return start - line;
}

const headWords = new Set([
  'if',
  'while',
  'for',
  'foreach',
  'switch',
  'catch',
  'elif',
  'elseif',
  'with',
  'using',
  'lock',
  'synchronized',
  'match',
]);
function bracedScope(reading: Reading, open: number): Scope | null {
  const { tokens, family } = reading;
  const close = tokens[open]!.pair;
  if (close < 0) return null;
  const before = tokens[open - 1];
  if (before?.kind === 'id' && headWords.has(before.text)) return null;
  let after = close + 1;
  if (family.name === 'script' && tokens[after]?.text === ':') {
    while (after < close + 14 && tokens[after] !== undefined && !/^(?:\{|=>|;|,|\))$/.test(tokens[after]!.text))
      after++;
  }
  const arrow = tokens[after]?.text === '=>';
  if (arrow) after++;
  else if (family.name === 'go' || family.name === 'php' || family.name === 'java' || family.name === 'c') {
    if (
      family.name === 'go' &&
      tokens[open - 1]?.text !== 'func' &&
      tokens[open - 2]?.text !== 'func' &&
      tokens[open - 2]?.text !== ')'
    )
      return null;
    while (
      after < close + 16 &&
      tokens[after] !== undefined &&
      !/^[{;=]$/.test(tokens[after]!.text) &&
      tokens[after]!.kind !== 'newline'
    )
      after++;
  }
  if (tokens[after]?.text !== '{' && !arrow) return null;
  if (!arrow && before?.kind !== 'id' && before?.text !== '>') return null;
  const named =
    before?.kind === 'id' &&
    before.text !== 'function' &&
    before.text !== 'func' &&
    before.text !== 'async' &&
    before.text !== 'fn';
  const name = named
    ? before.text
    : tokens[open - 2]?.text === '=' || tokens[open - 2]?.text === ':'
      ? (tokens[open - 3]?.text ?? '')
      : '';
  const assigned =
    /^[=:]$/.test(before?.text ?? '') ||
    /^[=:]$/.test(tokens[open - 2]?.text ?? '') ||
    /^[=:]$/.test(tokens[open - 3]?.text ?? '');
  return {
    name,
    params: paramNames(reading, open + 1, close),
    span: [open, bodyEnd(reading, after)],
    callback: !named && !assigned,
  };
}

function bodyEnd(reading: Reading, at: number): number {
  const { tokens } = reading;
  const token = tokens[at];
  if (token?.text === '{') return token.pair < 0 ? tokens.length : token.pair + 1;
  return Math.min(argumentEnd(tokens, at), statementEnd(reading, at));
}

/** In C-like declarations the name stands last, elsewhere first. */
function paramNames(reading: Reading, from: number, to: number): string[] {
  const { tokens, family } = reading;
  const last = family.name === 'java' || family.name === 'c' || family.name === 'csharp';
  return splitArgs(reading, from, to).flatMap(({ name, span }) => {
    if (name !== null) return [tokens[span[0] - 2]!.text];
    const part = tokens.slice(...span);
    const end = part.findIndex((token) => token.text === '=' || (token.text === ':' && !last));
    const ids = (end < 0 ? part : part.slice(0, end)).filter((token) => token.kind === 'id');
    if (ids.length === 0) return [];
    if (part[0]?.text === '{' || part[0]?.text === '[') return ids.map((token) => token.text);
    const id = last || family.name === 'php' ? ids.at(-1)! : ids[0]!;
    return [id.text.replaceAll('$', '')];
  });
}
