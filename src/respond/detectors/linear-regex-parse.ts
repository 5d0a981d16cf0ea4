// Reads a regular expression into a tree, of the kind that can be matched in linear time; says exactly what is not of that kind.

/** Sorted pairs of code units, both ends included. */
export type Ranges = readonly (readonly [number, number])[];
export type Assertion = 'start' | 'end' | 'word' | 'no-word';

export type Tree =
  | { kind: 'empty' }
  | { kind: 'set'; ranges: Ranges }
  | { kind: 'assert'; which: Assertion }
  | { kind: 'all' | 'any'; of: readonly Tree[] }
  | { kind: 'repeat'; of: Tree; least: number; most: number };

/** `what` names the feature that is not supported, or the mistake. */
export class RegexRefused extends Error {
  override readonly name = 'RegexRefused';
  readonly what: string;
  constructor(what: string) {
    super(`a regular expression with ${what}`);
    this.what = what;
  }
}

const top = 0xffff;
const deepest = 50;
const longest = 2_000;
const mostRepeats = 1_000;

export const digits: Ranges = [[48, 57]];
export const words: Ranges = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const spaces: Ranges = [
  [9, 13],
  [32, 32],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const lineEnds: Ranges = [
  [10, 10],
  [13, 13],
];
const classes: Readonly<Record<string, Ranges>> = { d: digits, w: words, s: spaces };
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0, a: 7, e: 27 };
const assertions: Readonly<Record<string, Assertion>> = { b: 'word', B: 'no-word', A: 'start', z: 'end', Z: 'end' };

/** Throws RegexRefused. A leading `(?i)`, `(?s)` or both are heeded. */
export function parseRegex(source: string, ignoreCase = false): Tree {
  if (source.length > longest) throw new RegexRefused(`more than ${longest} characters`);
  const flags = /^\(\?([a-z]+)\)/.exec(source);
  const unknown = flags?.[1]?.replace(/[is]/g, '') ?? '';
  if (unknown !== '') throw new RegexRefused(`the flag ${unknown[0]}`);
  const fold = ignoreCase || flags?.[1]?.includes('i') === true;
  const dot = flags?.[1]?.includes('s') === true ? ([[0, top]] as Ranges) : complement(lineEnds);
  let at = flags?.[0].length ?? 0;
  const peek = () => source[at];
  const eat = (text: string) => {
    if (!source.startsWith(text, at)) return false;
    at += text.length;
    return true;
  };
  const set = (ranges: Ranges): Tree => ({ kind: 'set', ranges: fold ? bothCases(ranges) : ranges });

  function any(depth: number): Tree {
    if (depth > deepest) throw new RegexRefused(`groups nested deeper than ${deepest}`);
    const of = [all(depth)];
    while (eat('|')) of.push(all(depth));
    return of.length === 1 ? of[0]! : { kind: 'any', of };
  }

  function all(depth: number): Tree {
    const of: Tree[] = [];
    while (at < source.length && peek() !== '|' && peek() !== ')') of.push(repeated(one(depth)));
    return of.length === 1 ? of[0]! : { kind: 'all', of };
  }

  function repeated(tree: Tree): Tree {
    const counts = /^(?:[*+?]|\{(\d{1,9})(,?)(\d{0,9})\})/.exec(source.slice(at, at + 24));
    if (counts === null) return tree;
    at += counts[0].length;
    if (peek() === '+') throw new RegexRefused('a possessive repetition');
    eat('?');
    if (/^[*+{]/.test(source.slice(at))) throw new RegexRefused('a repetition of a repetition without a group');
    const [sign, least = '', comma, most = ''] = counts;
    if (sign === '*') return { kind: 'repeat', of: tree, least: 0, most: Infinity };
    if (sign === '+') return { kind: 'repeat', of: tree, least: 1, most: Infinity };
    if (sign === '?') return { kind: 'repeat', of: tree, least: 0, most: 1 };
    const to = comma === '' ? Number(least) : most === '' ? Infinity : Number(most);
    if (Number(least) > mostRepeats || (to !== Infinity && to > mostRepeats))
      throw new RegexRefused(`more than ${mostRepeats} repetitions`);
    if (to < Number(least)) throw new RegexRefused('a repetition whose limits are the wrong way round');
    return { kind: 'repeat', of: tree, least: Number(least), most: to };
  }

  function one(depth: number): Tree {
    if (eat('(')) return group(depth);
    if (eat('[')) return set(bracket());
    if (eat('^')) return { kind: 'assert', which: 'start' };
    if (eat('$')) return { kind: 'assert', which: 'end' };
    if (eat('.')) return { kind: 'set', ranges: dot };
    if (eat('\\')) return escaped();
    if (/[*+?]/.test(peek()!)) throw new RegexRefused('a repetition of nothing');
    return set(single(source.charCodeAt(at++)));
  }

  function group(depth: number): Tree {
    if (eat('?')) {
      const name = /^(?::|P?<[A-Za-z_]\w{0,60}>)/.exec(source.slice(at, at + 70));
      if (name === null)
        throw new RegexRefused(
          /^<?[=!]/.test(source.slice(at)) ? 'a look ahead or behind' : 'a group of a special kind',
        );
      at += name[0].length;
    }
    const tree = any(depth + 1);
    if (!eat(')')) throw new RegexRefused('a group that is not closed');
    return tree;
  }

  function escaped(): Tree {
    const sign = source[at];
    if (sign !== undefined && assertions[sign] !== undefined) {
      at++;
      return { kind: 'assert', which: assertions[sign] };
    }
    return set(afterBackslash());
  }

  /** What follows a backslash, in or outside of brackets. */
  function afterBackslash(): Ranges {
    const sign = source[at++];
    if (sign === undefined) throw new RegexRefused('a backslash at its end');
    const small = classes[sign.toLowerCase()];
    if (small !== undefined) return sign === sign.toLowerCase() ? small : complement(small);
    if (controls[sign] !== undefined) return single(controls[sign]);
    if (/[1-9]|k/.test(sign)) throw new RegexRefused('a reference back');
    const code = sign === 'x' ? /^[\da-fA-F]{2}/ : sign === 'u' ? /^[\da-fA-F]{4}/ : undefined;
    if (code !== undefined) {
      const hex = code.exec(source.slice(at))?.[0];
      if (hex === undefined) throw new RegexRefused(`an escape \\${sign} without its digits`);
      at += hex.length;
      return single(Number.parseInt(hex, 16));
    }
    if (/[A-Za-z]/.test(sign)) throw new RegexRefused(`the escape \\${sign}`);
    return single(sign.charCodeAt(0));
  }

  function bracket(): Ranges {
    const isNegated = eat('^');
    const found: [number, number][] = [];
    let first = true;
    while (peek() !== ']' || first) {
      if (at >= source.length) throw new RegexRefused('brackets that are not closed');
      first = false;
      const low = member();
      const isRange = peek() === '-' && source[at + 1] !== ']' && source[at + 1] !== undefined;
      if (!isRange || low.length !== 1 || low[0]![0] !== low[0]![1]) {
        found.push(...low.map(([from, to]) => [from, to] as [number, number]));
        continue;
      }
      at++;
      const high = member();
      const [end] = high[0]!;
      if (high.length !== 1 || high[0]![0] !== high[0]![1] || end < low[0]![0])
        throw new RegexRefused('a range that is none');
      found.push([low[0]![0], end]);
    }
    at++;
    const whole = fold ? bothCases(joined(found)) : joined(found);
    return isNegated ? complement(whole) : whole;
  }

  function member(): Ranges {
    if (eat('\\')) {
      if (eat('b')) return single(8);
      return afterBackslash();
    }
    if (source.startsWith('[:', at)) throw new RegexRefused('a named class');
    return single(source.charCodeAt(at++));
  }

  const tree = any(0);
  if (at < source.length) throw new RegexRefused('a parenthesis too many');
  return tree;
}

function single(code: number): Ranges {
  return [[code, code]];
}

function joined(ranges: readonly (readonly [number, number])[]): Ranges {
  const out: [number, number][] = [];
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}

function complement(ranges: Ranges): Ranges {
  const out: [number, number][] = [];
  let from = 0;
  for (const [low, high] of ranges) {
    if (low > from) out.push([from, low - 1]);
    from = high + 1;
  }
  if (from <= top) out.push([from, top]);
  return out;
}

/** Of wide ranges only the letters that European scripts have. */
function bothCases(ranges: Ranges): Ranges {
  const found = [...ranges];
  for (const [from, to] of ranges)
    for (let code = from; code <= Math.min(to, 0x52f); code++) {
      const letter = String.fromCharCode(code);
      for (const other of [letter.toLowerCase(), letter.toUpperCase()])
        if (other.length === 1) found.push([other.charCodeAt(0), other.charCodeAt(0)]);
    }
  return joined(found);
}
