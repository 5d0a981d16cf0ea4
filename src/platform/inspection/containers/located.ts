// YAML as values that know where they stand: anchors, merge keys and several documents resolved, each value with its place.
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseAllDocuments,
  type Node as YamlNode,
} from 'yaml';

export interface Place {
  file: string;
  /** From 1; 0 where a value has no text, as in an inspected container. */
  line: number;
  /** Offsets in the file's text. */
  start: number;
  end: number;
  /** Column of the first character, from 0. */
  column: number;
}

export type Located = LocatedMap | LocatedList | LocatedScalar;
export interface LocatedMap {
  kind: 'map';
  at: Place;
  flow: boolean;
  tag: string;
  entries: Map<string, Entry>;
}
export interface LocatedList {
  kind: 'list';
  at: Place;
  flow: boolean;
  tag: string;
  items: Located[];
}
export interface LocatedScalar {
  kind: 'scalar';
  at: Place;
  tag: string;
  /** As YAML reads it, in the words of the file: `yes` stays `yes`. */
  text: string;
  empty: boolean;
}
export interface Entry {
  key: string;
  keyAt: Place;
  value: Located;
}

/** What keeps a text from being YAML, or a compose file: a code and the place, in the shape of the parser's own errors. */
export class YamlProblem extends Error {
  override readonly name = 'YamlProblem';
  readonly code: string;
  readonly linePos: readonly { line: number; col: number }[];
  readonly file: string | undefined;
  constructor(code: string, { line, column, file }: { line: number; column: number; file?: string }) {
    super(`${code} at ${line}:${column + 1}`);
    this.code = code;
    this.file = file;
    this.linePos = [{ line, col: column + 1 }];
  }
}

const maxDepth = 64;
/** Aliases make a small text large: past this many values a file is refused. */
const maxValues = 200_000;

/** Every document of a text. Throws YamlProblem. */
export function readYaml(file: string, text: string): Located[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    merge: false,
    prettyErrors: false,
    logLevel: 'silent',
    schema: 'core',
  }) as readonly Document.Parsed[];
  for (const document of documents) {
    const [error] = document.errors;
    if (error === undefined) continue;
    const { line, col } = lines.linePos(error.pos[0]);
    throw new YamlProblem(error.code, { line, column: col - 1, file });
  }
  const walk = walker(file, lines);
  return documents.flatMap((document) => (document.contents === null ? [] : [walk(document, document.contents, 0)]));
}

function walker(file: string, lines: LineCounter) {
  let values = 0;
  const placeOf = (node: { range?: readonly number[] | null | undefined }): Place => {
    const [start = 0, end = start] = node.range ?? [];
    const { line, col } = lines.linePos(start);
    return { file, line, start, end, column: col - 1 };
  };
  const walk = (document: Document.Parsed, node: YamlNode | null, depth: number): Located => {
    if (node === null) return scalarAt({ file, line: 0, start: 0, end: 0, column: 0 }, '', true);
    values += 1;
    const at = placeOf(node);
    if (depth > maxDepth || values > maxValues) throw new YamlProblem('TOO_LARGE', at);
    if (isAlias(node)) {
      const target = node.resolve(document) as YamlNode | undefined;
      if (target === undefined) throw new YamlProblem('UNKNOWN_ANCHOR', at);
      return walk(document, target, depth + 1);
    }
    const tag = node.tag?.startsWith('!') === true && !node.tag.startsWith('!!') ? node.tag : '';
    if (isMap(node)) {
      const entries = new Map<string, Entry>();
      const merged: Located[] = [];
      for (const pair of node.items as Pair<YamlNode, YamlNode | null>[]) {
        const key = isScalar(pair.key) ? String(pair.key.value ?? '') : String(pair.key);
        const value = walk(document, pair.value, depth + 1);
        if (key === '<<') merged.push(...(value.kind === 'list' ? value.items : [value]));
        else {
          const keyAt = placeOf(pair.key);
          entries.set(key, { key, keyAt, value: value.at.line === 0 ? { ...value, at: keyAt } : value });
        }
      }
      for (const from of merged) {
        if (from.kind !== 'map') throw new YamlProblem('MERGE_KEY', at);
        for (const [key, entry] of from.entries) if (!entries.has(key)) entries.set(key, entry);
      }
      return { kind: 'map', at, flow: node.flow === true, tag, entries };
    }
    if (isSeq(node)) {
      const items = (node.items as YamlNode[]).map((item) => walk(document, item, depth + 1));
      return { kind: 'list', at, flow: node.flow === true, tag, items };
    }
    if (!isScalar(node)) return scalarAt(at, '', true);
    const text = node.value === null ? '' : (wordOf(node) ?? String(node.value));
    return { kind: 'scalar', at, tag, text, empty: node.value === null };
  };
  return walk;
}

/** Numbers keep their spelling: `0755`, `1.50` and a port pair read as base 60 are what the author wrote. */
function wordOf(node: { value: unknown; source?: string | undefined }): string | undefined {
  return typeof node.value === 'string' ? undefined : node.source;
}

function scalarAt(at: Place, text: string, empty: boolean): LocatedScalar {
  return { kind: 'scalar', at, tag: '', text, empty };
}

/** A value that was never text, such as an inspected container, in the same shape. */
export function locate(value: unknown, file: string): Located {
  const at: Place = { file, line: 0, start: 0, end: 0, column: 0 };
  if (Array.isArray(value))
    return { kind: 'list', at, flow: false, tag: '', items: value.map((item) => locate(item, file)) };
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, one]): [string, Entry] => [
      key,
      { key, keyAt: at, value: locate(one, file) },
    ]);
    return { kind: 'map', at, flow: false, tag: '', entries: new Map(entries) };
  }
  return scalarAt(at, value === null || value === undefined ? '' : String(value), value === null);
}

/** The entry at a dotted path; undefined where there is none. */
export function entryAt(from: Located | undefined, path: string): Entry | undefined {
  let current = from;
  let entry: Entry | undefined;
  for (const key of path.split('.')) {
    entry = current?.kind === 'map' ? current.entries.get(key) : undefined;
    if (entry === undefined) return undefined;
    current = entry.value;
  }
  return entry;
}

export function textOf(value: Located | undefined): string | undefined {
  return value?.kind === 'scalar' && !value.empty ? value.text : undefined;
}
