// A report as blocks without a form: what it says is decided once, and written as Markdown or as HTML.

/** Every string is data; the renderers escape it. */
export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'list'; items: readonly string[] }
  /** A box that is ticked or empty before each. */
  | { kind: 'ticks'; items: readonly { text: string; done: boolean }[] }
  | { kind: 'table'; columns: readonly string[]; rows: readonly (readonly string[])[] }
  | { kind: 'picture'; title: string; description: string; marks: readonly Mark[] }
  | { kind: 'code'; text: string };

/** Something on the line of time, in milliseconds since the epoch. */
export interface Mark {
  at: number;
  name: string;
  /** Moments of the incident stand out; single lines of its timeline are dots. */
  weight: 'moment' | 'line';
}

export interface Report {
  lang: 'en' | 'fr';
  title: string;
  /** Under the title: id, date, severity. */
  facts: readonly (readonly [label: string, value: string])[];
  blocks: readonly Block[];
}
