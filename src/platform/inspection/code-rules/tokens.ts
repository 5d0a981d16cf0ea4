// Cuts code of any of the languages into tokens: comments dropped, brackets paired, the expressions inside strings laid open.
// Not a grammar: fragments, truncated answers and unknown dialects still give tokens, at 20 MB/s where tree-sitter does 3.
import { charCodeAt } from '../../base/char-code-at.ts';
import type { Language } from '../ast/languages.ts';
import { familyOf, type LexicalFamily } from './lexical-family.ts';

export interface Token {
  kind: 'id' | 'number' | 'string' | 'symbol' | 'regex' | 'op' | 'newline';
  /** Offsets in the text. */
  start: number;
  end: number;
  text: string;
  /** Of a bracket: index of its partner, or -1. */
  pair: number;
  /** Of a string: how many `⟨ … ⟩` groups of embedded expressions follow it. */
  groups: number;
}

export interface Tokens {
  list: Token[];
  /** The text with comments blanked, every offset kept. */
  bare: string;
}

const operator =
  />>>=|===|!==|<=>|\*\*=|<<=|>>=|\|\|=|&&=|\?\?=|\?->|\.\.\.|=>|->|::|:=|==|!=|<=|>=|\+=|-=|\.=|\*=|\/=|%=|\|=|&=|\^=|&&|\|\||\?\?|\?\.|&\.|<<|>>|\+\+|--|\*\*|=~|!~|[\s\S]/y;
const number = /0[xXbBoO][\da-fA-F_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?[a-zA-Z]{0,3}/y;
const closerOf: Record<string, string> = { '(': ')', '[': ']', '{': '}', '⟨': '⟩' };
const openerOf: Record<string, string> = { ')': '(', ']': '[', '}': '{', '⟩': '⟨' };
/** Expressions in strings in expressions: deeper ones stay closed. */
const deepest = 12;
/** Before these a slash divides; after anything else it opens a regular expression. */
const valueEnd = /^(?:[)\]}⟩]|\+\+|--)$/;
const notAValue = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'and',
  'or',
  'not',
  'if',
  'unless',
  'when',
  'delete',
  'void',
  'throw',
  'new',
  'do',
  'else',
  'yield',
  'await',
]);

const slash = 0x2f;
const percent = 0x25;
/** Signs that one of the languages begins a comment with: `#`, `-`, `/`, `=`. */
const beginsComment = (code: number) => code === 0x23 || code === 0x2d || code === slash || code === 0x3d;

/** Where the match of a sticky pattern at `at` ends; -1 when there is none. Nothing is made for it. */
function endOfMatch(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : -1;
}

export function tokenize(language: Language, text: string): Tokens {
  const lexer = new Lexer(familyOf(language), text);
  lexer.run(0, text.length);
  return { list: lexer.tokens, bare: lexer.bare() };
}

/** Holds the position-independent state of one reading: tokens so far, open brackets, comments seen. */
class Lexer {
  readonly tokens: Token[] = [];
  private readonly open: number[] = [];
  private readonly comments: [number, number][] = [];
  private readonly heredocs: { tag: string; token: Token; raw: boolean }[] = [];
  private readonly family: LexicalFamily;
  private readonly text: string;
  /** How many strings are open around this place. */
  private depth = 0;

  constructor(family: LexicalFamily, text: string) {
    this.family = family;
    this.text = text;
  }

  run(from: number, to: number): void {
    const { text, family } = this;
    let at = from;
    if (family.embedded && from === 0 && /<\?(?:php|=)/.test(text)) at = this.skipPage(0);
    while (at < to) {
      const code = charCodeAt(text, at);
      if (code === 32 || code === 9 || code === 13) at++;
      else if (code === 10) at = this.newline(at);
      else if (code === 92 && /[\r\n]/.test(text[at + 1] ?? '')) at += text[at + 1] === '\r' ? 3 : 2;
      else at = this.token(at, to);
    }
  }

  bare(): string {
    let bare = '';
    let at = 0;
    for (const [start, end] of this.comments) {
      bare += this.text.slice(at, start) + this.text.slice(start, end).replace(/[^\n]/g, ' ');
      at = end;
    }
    return bare + this.text.slice(at);
  }

  private token(at: number, to: number): number {
    const { family, text } = this;
    const code = charCodeAt(text, at);
    const comment = beginsComment(code) ? this.commentEnd(at) : at;
    if (comment > at) {
      this.comments.push([at, Math.min(comment, to)]);
      return Math.min(comment, to);
    }
    const literal = family.string(text, at, (code === slash || code === percent) && this.slashOpens());
    if (literal !== null) return this.string(at, Math.min(literal.end, to), literal);
    const char = text[at] ?? '';
    const word = endOfMatch(family.word, text, at);
    if (word > at) return this.push('id', at, word);
    if (char >= '0' && char <= '9') return this.push('number', at, Math.max(at + 1, endOfMatch(number, text, at)));
    if (family.embedded && text.startsWith('?>', at)) {
      this.push('op', at, at + 2, ';');
      return this.skipPage(at + 2);
    }
    const end = endOfMatch(operator, text, at);
    const op = end > at ? text.slice(at, end) : char;
    this.push('op', at, at + op.length, op);
    this.bracket(op);
    return at + op.length;
  }

  private string(at: number, end: number, literal: NonNullable<ReturnType<LexicalFamily['string']>>): number {
    this.push(literal.kind, at, end);
    const token = this.tokens.at(-1)!;
    if (literal.heredoc !== undefined) {
      this.heredocs.push({ tag: literal.heredoc, token, raw: literal.embeds === undefined });
      return end;
    }
    this.embedded(token, literal.embeds ?? []);
    return end;
  }

  private embedded(token: Token, ranges: readonly (readonly [number, number])[]): void {
    if (this.depth >= deepest) return;
    this.depth++;
    for (const [from, to] of ranges) {
      token.groups++;
      this.push('op', from, from, '⟨');
      this.bracket('⟨');
      this.run(from, to);
      this.push('op', to, to, '⟩');
      this.bracket('⟩');
    }
    this.depth--;
  }

  private push(kind: Token['kind'], start: number, end: number, text = this.text.slice(start, end)): number {
    this.tokens.push({ kind, start, end, text, pair: -1, groups: 0 });
    return end;
  }

  private bracket(op: string): void {
    const index = this.tokens.length - 1;
    if (closerOf[op] !== undefined) {
      this.open.push(index);
      return;
    }
    const opener = openerOf[op];
    if (opener === undefined) return;
    // Of an unbalanced fragment, close the nearest bracket of the right kind and forget those inside it.
    for (let depth = this.open.length - 1; depth >= 0 && depth >= this.open.length - 40; depth--) {
      const partner = this.open[depth]!;
      if (this.tokens[partner]!.text !== opener) {
        if (this.tokens[partner]!.text === '⟨') return;
        continue;
      }
      this.open.length = depth;
      this.tokens[partner]!.pair = index;
      this.tokens[index]!.pair = partner;
      return;
    }
  }

  private newline(at: number): number {
    const pending = this.heredocs.shift();
    if (pending === undefined) {
      if (this.family.newlines && this.tokens.at(-1)?.kind !== 'newline') this.push('newline', at, at + 1);
      return at + 1;
    }
    const rest = new RegExp(`^[ \\t]*${pending.tag}\\b`, 'm');
    const found = rest.exec(this.text.slice(at + 1));
    const end = found === null ? this.text.length : at + 1 + found.index;
    const body = this.text.slice(at + 1, end);
    pending.token.text += body;
    if (!pending.raw) {
      const ranges = this.family.embeds(this.text, at + 1, end);
      // The groups must follow their string, so a heredoc's are put where the string would be used.
      if (ranges.length > 0) this.insertAfter(pending.token, ranges);
    }
    return found === null ? end : end + found[0].length;
  }

  /** Lays the expressions of a heredoc open behind its opening token, though its body comes later in the text. */
  private insertAfter(token: Token, ranges: readonly (readonly [number, number])[]): void {
    const position = this.tokens.indexOf(token) + 1;
    const tail = this.tokens.splice(position);
    const before = this.tokens.length;
    this.embedded(token, ranges);
    const shift = this.tokens.length - before;
    for (const moved of tail) if (moved.pair >= position) moved.pair += shift;
    for (const [depth, index] of this.open.entries()) if (index >= position) this.open[depth] = index + shift;
    for (let index = 0; index < position; index++) {
      const early = this.tokens[index]!;
      if (early.pair >= position) early.pair += shift;
    }
    this.tokens.push(...tail);
  }

  private commentEnd(at: number): number {
    const { text, family } = this;
    for (const mark of family.lineComments) {
      if (!text.startsWith(mark, at)) continue;
      const end = text.indexOf('\n', at);
      const close = family.embedded ? text.indexOf('?>', at) : -1;
      const line = end < 0 ? text.length : end;
      return close >= 0 && close < line ? close : line;
    }
    if (family.blockComments && text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2);
      return end < 0 ? text.length : end + 2;
    }
    if (family.name === 'ruby' && text.startsWith('=begin', at) && (at === 0 || text[at - 1] === '\n')) {
      const end = text.indexOf('\n=end', at);
      return end < 0 ? text.length : end + 5;
    }
    return at;
  }

  private slashOpens(): boolean {
    const last = this.tokens.at(-1);
    if (last === undefined || last.kind === 'newline') return true;
    if (last.kind === 'op') return !valueEnd.test(last.text);
    return last.kind === 'id' && notAValue.has(last.text);
  }

  /** From outside `<?php … ?>` to the next opening; what `<?=` prints becomes an `echo`. */
  private skipPage(at: number): number {
    const next = this.text.indexOf('<?', at);
    if (next < 0) return this.text.length;
    if (this.text.startsWith('<?=', next)) {
      this.push('id', next, next + 3, 'echo');
      return next + 3;
    }
    return next + (this.text.startsWith('<?php', next) ? 5 : 2);
  }
}
