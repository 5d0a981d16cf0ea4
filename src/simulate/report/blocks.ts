// The report as neutral blocks: its content is written once, and rendered to Markdown and to HTML.
import type { Timeline } from './timeline.ts';

/** A piece of text; every string in it is data and is escaped by the renderers, never trusted. */
export type Inline = string | { code: string } | { strong: string } | { text: string; to: string };
export type Rich = Inline | readonly Inline[];

/** How good a result is. The colour follows from it; the words beside it say the same. */
export type Tone = 'best' | 'good' | 'fair' | 'bad' | 'none';

export interface Cell {
  text: Rich;
  tone?: Tone;
  /** Name of the place, for links to it. */
  id?: string;
}

export interface Column {
  label: string;
  numeric?: boolean;
}

export type Block =
  | { kind: 'heading'; level: 1 | 2 | 3 | 4; text: string; id: string }
  | { kind: 'paragraph'; text: Rich }
  | { kind: 'notice'; tone: Tone; text: Rich }
  | { kind: 'list'; ordered: boolean; items: readonly Rich[] }
  | { kind: 'facts'; rows: readonly (readonly [label: string, value: Rich])[] }
  /** `quiet`: the heading above says what the caption says; only those who do not see the page need it. */
  | { kind: 'table'; caption: string; quiet?: true; columns: readonly Column[]; rows: readonly (readonly Cell[])[] }
  | { kind: 'command'; text: string }
  | { kind: 'timeline'; timeline: Timeline }
  | { kind: 'folded'; summary: string; open: boolean; blocks: readonly Block[] };

export interface Report {
  title: string;
  lang: 'en' | 'fr';
  blocks: readonly Block[];
}

export function inlines(text: Rich): readonly Inline[] {
  return Array.isArray(text) ? (text as readonly Inline[]) : [text as Inline];
}

/** The same pieces with something between each two. */
export function joined(pieces: readonly Inline[], between: string): Inline[] {
  return pieces.flatMap((piece, index) => (index === 0 ? [piece] : [between, piece]));
}

/** Where the section of a method begins. */
export function methodAnchor(scenario: string, method: string): string {
  return `method-${scenario}-${method}`;
}

/** An anchor from any text: what is not plain ASCII is written as its code, so that two texts never share one. */
export function anchor(prefix: string, name: string): string {
  return `${prefix}-${name.replace(/[^A-Za-z0-9-]/g, (char) => `_${char.charCodeAt(0).toString(16)}_`)}`;
}
