// Texts made to slow one regular expression down: what leads to each of its repetitions, then that repetition, then a break.

interface Choice {
  kind: 'choice';
  options: Node[][];
  /** A look ahead or behind: matched, but no part of the text. */
  aside: boolean;
}
type Node =
  | { kind: 'chars'; chars: string[] }
  | { kind: 'repeat'; of: Node; least: number; most: number }
  | { kind: 'nothing' }
  | Choice;

export interface Attack {
  lead: string;
  pump: string;
}

/** Stand for what classes hold; a class is represented by the first few that it accepts. */
const candidates = [
  'a',
  ' ',
  '1',
  '(',
  '"',
  "'",
  '.',
  ',',
  '=',
  '-',
  '\n',
  '/',
  '<',
  '{',
  '[',
  ';',
  ':',
  '\\',
  'A',
  '_',
];
const many = 60;
const representatives = 4;

/** One attack for each repetition that may go on, and each character that may be repeated. */
export function attacksOn(pattern: RegExp): Attack[] {
  const { options } = parse(pattern.source);
  const found = new Map<string, Attack>();
  const add = (lead: string, pump: string) => {
    if (pump !== '') found.set(`${lead}\0${pump}`, { lead, pump });
  };
  const walk = (nodes: readonly Node[], before: string): string => {
    let lead = before;
    for (const node of nodes) {
      if (node.kind === 'repeat' && node.most > many) for (const pump of samples(node.of)) add(lead, pump);
      const inner = node.kind === 'repeat' ? node.of : node;
      if (inner.kind === 'choice') for (const option of inner.options) walk(option, lead);
      lead += samples(node)[0] ?? '';
    }
    return lead;
  };
  for (const option of options) {
    const whole = walk(option, '');
    add('', whole.slice(0, 60));
    add('', whole.slice(0, -1));
  }
  return [...found.values()];
}

/** Texts that a node matches, the shortest way. */
function samples(node: Node): string[] {
  if (node.kind === 'chars') return node.chars;
  if (node.kind === 'nothing') return [''];
  if (node.kind === 'repeat') return samples(node.of).map((sample) => sample.repeat(Math.min(node.least, 3)));
  if (node.aside) return [''];
  return node.options.map((nodes) => nodes.map((part) => samples(part)[0] ?? '').join('')).slice(0, representatives);
}

function parse(source: string): Choice {
  let at = 0;
  const group = (): Choice => {
    const options: Node[][] = [[]];
    while (at < source.length && source[at] !== ')') {
      if (source[at] === '|') {
        at++;
        options.push([]);
      } else options.at(-1)!.push(quantified(atom()));
    }
    return { kind: 'choice', options, aside: false };
  };
  const atom = (): Node => {
    const char = source[at++]!;
    if (char === '(') {
      const opening = /^\?(?:<?[=!]|[a-z-]*:|<\w+>)/.exec(source.slice(at))?.[0] ?? '';
      at += opening.length;
      const inner = group();
      at++;
      return { ...inner, aside: /[=!]$/.test(opening) };
    }
    if (char === '^' || char === '$') return { kind: 'nothing' };
    if (char === '.') return { kind: 'chars', chars: ['a', ' ', '('] };
    if (char === '[') {
      const start = at - 1;
      for (; source[at] !== ']'; at++) if (source[at] === '\\') at++;
      at++;
      return accepted(source.slice(start, at));
    }
    if (char !== '\\') return { kind: 'chars', chars: [char] };
    const name = /^(?:u[\da-fA-F]{4}|x[\da-fA-F]{2}|\d+|.)/.exec(source.slice(at))?.[0] ?? '';
    at += name.length;
    return /^(?:[bB]|[1-9])/.test(name) ? { kind: 'nothing' } : accepted(`\\${name}`);
  };
  const quantified = (of: Node): Node => {
    const quantifier = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(source.slice(at));
    if (quantifier === null) return of;
    at += quantifier[0].length;
    const [text, from, comma, to] = quantifier;
    if (from !== undefined)
      return { kind: 'repeat', of, least: Number(from), most: comma === '' ? Number(from) : Number(to || Infinity) };
    return { kind: 'repeat', of, least: text[0] === '+' ? 1 : 0, most: text[0] === '?' ? 1 : Infinity };
  };
  return group();
}

function accepted(atom: string): Node {
  const one = new RegExp(`^${atom}$`);
  const chars = candidates.filter((char) => one.test(char)).slice(0, representatives);
  if (chars.length > 0) return { kind: 'chars', chars };
  for (let code = 32; code < 127; code++) {
    const char = String.fromCharCode(code);
    if (one.test(char)) return { kind: 'chars', chars: [char] };
  }
  return { kind: 'chars', chars: [atom.startsWith('\\t') ? '\t' : 'é'] };
}
