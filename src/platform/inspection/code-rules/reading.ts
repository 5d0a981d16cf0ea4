// What a fragment does, as its tokens tell it: its functions, its assignments and its calls, in order.
import type { Language } from '../ast/languages.ts';
import type { LexicalFamily } from './lexical-family.ts';
import type { Token } from './tokens.ts';

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
  /** Those of them that a web framework fills from the request. */
  sent: ReadonlySet<string>;
  /** Those of them whose type no text can ride on. */
  plain: ReadonlySet<string>;
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
