// Finds what a fragment gives a name to: assignments, keys of objects, the variables of loops.
import { chainName, chainStart } from './chains.ts';
import type { Reading, Span } from './reading.ts';
import { argumentEnd, statementEnd } from './statements.ts';
import type { Token } from './tokens.ts';

export function readAssignment(reading: Reading, at: number): void {
  const { tokens, family } = reading;
  const op = tokens[at]!.text;
  const keyword = family.name === 'python' && op === '=' && tokens[at - 1]?.kind === 'id' && enclosedByCall(tokens, at);
  // Before a keyword argument stands another argument, not another target.
  const targets = keyword ? [tokens[at - 1]!.text] : targetsBefore(reading, at);
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
export function readPair(reading: Reading, at: number): void {
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

export function readLoop(reading: Reading, at: number): void {
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

const visits =
  /^(?:each|each_with_index|each_with_object|each_slice|map|flat_map|filter_map|select|reject|find|detect|any\?|all\?)$/;

/** Ruby's `list.each do |one|` and `list.each { |one| … }`: `at` is the first bar. */
export function readBlock(reading: Reading, at: number): void {
  const { tokens } = reading;
  const opener = tokens[at - 1]?.text;
  if (opener !== 'do' && opener !== '{') return;
  const call = tokens[at - 2]?.text === ')' ? tokens[at - 2]!.pair - 1 : at - 2;
  if (call < 2 || !visits.test(tokens[call]!.text) || !/^(?:\.|&\.)$/.test(tokens[call - 1]!.text)) return;
  const targets: string[] = [];
  for (let i = at + 1; i < Math.min(tokens.length, at + 12) && tokens[i]!.text !== '|'; i++)
    if (tokens[i]!.kind === 'id') targets.push(tokens[i]!.text);
  const value: Span = [chainStart(reading, call), call - 1];
  if (targets.length > 0) reading.assignments.push({ targets, at, value, pair: false, adds: false, loop: true });
}
