// Whether a text holds a match of a regular expression, in time that grows with the text's length and no faster, whatever the pattern.
//
// The states are sets of places in the pattern, made as texts need them (a lazy DFA); what they cost is bounded by
// starting the collection anew when it has grown too large.
import { parseRegex, RegexRefused, type Tree, words } from './linear-regex-parse.ts';

export { RegexRefused } from './linear-regex-parse.ts';

type Node =
  | { kind: 'set'; holds: (code: number) => boolean; next: number }
  | { kind: 'split'; next: number; other: number }
  | { kind: 'assert'; which: 'start' | 'end' | 'word' | 'no-word'; next: number }
  | { kind: 'match' };

const mostNodes = 4_000;
const mostStates = 500;

/** What stands before a place: the text's begin, a letter of a word, or something else. */
type Before = 'begin' | 'word' | 'other';

interface State {
  places: readonly number[];
  before: Before;
  /** By class of the next code unit; true: a match is found. */
  next: (State | true | undefined)[];
  atEnd: boolean | undefined;
}

/** Throws RegexRefused for what cannot be matched so. */
export function linearRegex(source: string, options: { ignoreCase?: boolean } = {}): (text: string) => boolean {
  const tree = parseRegex(source, options.ignoreCase);
  const nodes: Node[] = [];
  const begin = build(tree, nodes);
  const edges = edgesOf(tree);
  const classOf = classifier(edges);
  let states = new Map<string, State>();
  const first = () => stateOf([begin], 'begin');

  function stateOf(places: readonly number[], before: Before): State {
    const key = `${before}:${places.join(',')}`;
    const known = states.get(key);
    if (known !== undefined) return known;
    if (states.size >= mostStates) states = new Map();
    const state: State = { places, before, next: [], atEnd: undefined };
    states.set(key, state);
    return state;
  }

  /** All places that are reached without reading on, `code` being what comes next (-1: nothing). */
  function reach(state: State, code: number): { sets: number[]; matched: boolean } {
    const seen = new Set<number>();
    const sets: number[] = [];
    const open = [...state.places];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (seen.has(place)) continue;
      seen.add(place);
      const node = nodes[place]!;
      if (node.kind === 'match') return { sets, matched: true };
      if (node.kind === 'set') sets.push(place);
      else if (node.kind === 'split') open.push(node.next, node.other);
      else if (holdsHere(node.which, state.before, code)) open.push(node.next);
    }
    return { sets, matched: false };
  }

  function step(state: State, kind: number): State | true {
    const code = edges[kind]!;
    const { sets, matched } = reach(state, code);
    if (matched) return true;
    const places = new Set([begin]);
    for (const place of sets) {
      const node = nodes[place]!;
      if (node.kind === 'set' && node.holds(code)) places.add(node.next);
    }
    return stateOf(
      [...places].sort((a, b) => a - b),
      isWord(code) ? 'word' : 'other',
    );
  }

  return (text) => {
    let state = first();
    for (let at = 0; at < text.length; at++) {
      const kind = classOf(text.charCodeAt(at));
      let next = state.next[kind];
      if (next === undefined) {
        next = step(state, kind);
        state.next[kind] = next;
      }
      if (next === true) return true;
      state = next;
    }
    state.atEnd ??= reach(state, -1).matched;
    return state.atEnd;
  };
}

function holdsHere(which: 'start' | 'end' | 'word' | 'no-word', before: Before, code: number): boolean {
  switch (which) {
    case 'start':
      return before === 'begin';
    case 'end':
      return code === -1;
    case 'word':
      return (before === 'word') !== isWord(code);
    case 'no-word':
      return (before === 'word') === isWord(code);
  }
}

function isWord(code: number): boolean {
  return words.some(([from, to]) => code >= from && code <= to);
}

/** Built from its end: each place knows what comes after it. */
function build(tree: Tree, nodes: Node[]): number {
  const add = (node: Node): number => {
    if (nodes.length >= mostNodes) throw new RegexRefused('too many repetitions of repetitions');
    return nodes.push(node) - 1;
  };
  function emit(part: Tree, next: number): number {
    switch (part.kind) {
      case 'empty':
        return next;
      case 'set': {
        const { ranges } = part;
        return add({ kind: 'set', holds: (code) => ranges.some(([from, to]) => code >= from && code <= to), next });
      }
      case 'assert':
        return add({ kind: 'assert', which: part.which, next });
      case 'all':
        return part.of.reduceRight((after, one) => emit(one, after), next);
      case 'any':
        return part.of.map((one) => emit(one, next)).reduce((other, one) => add({ kind: 'split', next: one, other }));
      case 'repeat':
        return repeat(part, next);
    }
  }
  function repeat({ of, least, most }: Extract<Tree, { kind: 'repeat' }>, next: number): number {
    let after = next;
    if (most === Infinity) {
      const loop = { kind: 'split' as const, next: -1, other: next };
      after = add(loop);
      loop.next = emit(of, after);
    } else
      for (let count = least; count < most; count++) after = add({ kind: 'split', next: emit(of, after), other: next });
    for (let count = 0; count < least; count++) after = emit(of, after);
    return after;
  }
  return emit(tree, add({ kind: 'match' }));
}

/** Where the sets of a pattern begin and end: between two edges all code units are alike to it. */
function edgesOf(tree: Tree): number[] {
  const edges = new Set([0]);
  const note = (ranges: readonly (readonly [number, number])[]) => {
    for (const [from, to] of ranges) {
      edges.add(from);
      if (to < 0xffff) edges.add(to + 1);
    }
  };
  note(words);
  const visit = (part: Tree): void => {
    if (part.kind === 'set') note(part.ranges);
    else if (part.kind === 'repeat') visit(part.of);
    else if (part.kind === 'all' || part.kind === 'any') part.of.forEach(visit);
  };
  visit(tree);
  return [...edges].sort((a, b) => a - b);
}

function classifier(edges: readonly number[]): (code: number) => number {
  const search = (code: number): number => {
    let low = 0;
    let high = edges.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (edges[middle]! <= code) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const table = Uint16Array.from({ length: 512 }, (_, code) => search(code));
  return (code) => (code < 512 ? table[code]! : search(code));
}
