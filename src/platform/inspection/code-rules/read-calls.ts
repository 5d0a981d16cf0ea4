// Finds the calls of a fragment, those that a language writes without parentheses included.
import { chainName, chainStart, isMember, primaryStart } from './chains.ts';
import type { LexicalFamily } from './lexical-family.ts';
import type { Reading } from './reading.ts';
import { splitArgs, statementEnd } from './statements.ts';

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

export function readCall(reading: Reading, open: number): void {
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

/** A word that takes the rest of its statement as arguments: `echo x`, `return x`, Ruby's `puts x`. */
export function readWord(reading: Reading, i: number): void {
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
