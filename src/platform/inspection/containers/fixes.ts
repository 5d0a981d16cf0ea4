// A rule's fix as edits of the file's text, so that every comment and all spacing stay.
import type { Hit } from './hit.ts';
import { type Entry, entryAt, type Located, type LocatedList, type LocatedMap, textOf } from './located.ts';
import type { RuleFix } from './rules.ts';

export interface TextEdit {
  start: number;
  end: number;
  text: string;
}

/** Edits of one file, or null where the file's form allows no safe one. */
export function editsFor(fixes: readonly RuleFix[], hit: Hit, text: string): TextEdit[] | null {
  const edits: TextEdit[] = [];
  for (const fix of fixes) {
    const made = editsOf(fix, hit, text);
    if (made === null) return null;
    edits.push(...made);
  }
  return edits.length === 0 ? null : mergeAtSamePlace(edits);
}

/** Two insertions at one place become one, in their order. */
function mergeAtSamePlace(edits: TextEdit[]): TextEdit[] {
  const merged: TextEdit[] = [];
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && last.start === edit.start && last.end === edit.end && edit.start === edit.end)
      last.text += edit.text;
    else merged.push({ ...edit });
  }
  return merged;
}

function editsOf(fix: RuleFix, hit: Hit, text: string): TextEdit[] | null {
  const { body, entry, list, item } = hit;
  switch (fix.kind) {
    case 'set':
      return body === undefined ? null : setKey(body, fix.setting, fix.to, hit.at.file, text);
    case 'add':
      return body === undefined ? null : addItem(body, fix, hit, text);
    case 'remove':
      if (list !== undefined && item !== undefined && entry !== undefined) return removeItem(list, item, entry, text);
      return entry === undefined ? null : removeEntry(entry, text);
    case 'bind-port':
      return item === undefined ? null : bindPort(item, text);
    case 'append':
      return [{ start: text.length, end: text.length, text: `${text.endsWith('\n') ? '' : '\n'}${fix.text}\n` }];
  }
}

function setKey(body: LocatedMap, setting: string, to: string, file: string, text: string): TextEdit[] | null {
  const present = entryAt(body, setting);
  if (present !== undefined) {
    const { value } = present;
    if (value.kind !== 'scalar' || value.at.file !== file) return null;
    if (value.at.start === present.keyAt.start) {
      const colon = text.indexOf(':', present.keyAt.end);
      return colon === -1 ? null : [{ start: colon + 1, end: colon + 1, text: ` ${to}` }];
    }
    return [{ start: value.at.start, end: value.at.end, text: value.empty ? ` ${to}` : to }];
  }
  return insertKey(body, `${setting}: ${to}`, file, text);
}

/** A new line after the first of the service's own. */
function insertKey(body: LocatedMap, line: string, file: string, text: string): TextEdit[] | null {
  if (body.at.file !== file) return null;
  if (body.flow) {
    const at = text.indexOf('{', body.at.start) + 1;
    return at === 0 ? null : [{ start: at, end: at, text: ` ${line.replace(/:\n\s*- (.*)$/, ': [$1]')},` }];
  }
  const own = [...body.entries.values()]
    .filter(({ keyAt }) => keyAt.file === file && keyAt.start >= body.at.start && keyAt.start <= body.at.end)
    .toSorted((a, b) => a.keyAt.start - b.keyAt.start);
  const [first] = own;
  if (first === undefined) return null;
  const start = lineStart(text, first.keyAt.start);
  // After `- ` or another key of the same line there is no place for a line of its own.
  if (text.slice(start, first.keyAt.start).trim() !== '') return null;
  const indent = ' '.repeat(first.keyAt.column);
  const block = line.split('\n').map((one) => `${indent}${one}\n`);
  return [{ start, end: start, text: block.join('') }];
}

function addItem(
  body: LocatedMap,
  { setting, item }: { setting: string; item: string },
  hit: Hit,
  text: string,
): TextEdit[] | null {
  const present = entryAt(body, setting);
  if (present === undefined) return insertKey(body, `${setting}:\n  - ${item}`, hit.at.file, text);
  const { value } = present;
  if (value.at.file !== hit.at.file) return null;
  if (setting === 'tmpfs' && value.kind === 'scalar') return [];
  if (value.kind !== 'list') return null;
  if (value.items.some((one) => textOf(one)?.split(':')[0] === item)) return [];
  // What says the contrary gives way to what is wanted.
  if (hit.item !== undefined) return [{ start: hit.item.at.start, end: hit.item.at.end, text: item }];
  const last = value.items.at(-1);
  if (value.flow) {
    const close = text.lastIndexOf(']', value.at.end - 1);
    const at = last === undefined ? close : last.at.end;
    return close < value.at.start ? null : [{ start: at, end: at, text: last === undefined ? item : `, ${item}` }];
  }
  if (last === undefined || last.kind !== 'scalar') return null;
  const dash = text.lastIndexOf('-', last.at.start);
  const indent = text.slice(lineStart(text, dash), dash);
  const at = lineEnd(text, last.at.end);
  return [{ start: at, end: at, text: `${text[at - 1] === '\n' ? '' : '\n'}${indent}- ${item}\n` }];
}

function removeEntry(entry: Entry, text: string): TextEdit[] | null {
  const start = lineStart(text, entry.keyAt.start);
  if (text.slice(start, entry.keyAt.start).trim() !== '') return null;
  const end = lineEnd(text, lastOffset(entry.value, entry.keyAt.end));
  return [{ start, end, text: '' }];
}

function removeItem(list: LocatedList | undefined, item: Located, entry: Entry, text: string): TextEdit[] | null {
  if (list === undefined || list.items.length <= 1) return removeEntry(entry, text);
  if (entry.value.kind === 'map') return removeLines(item, text);
  if (!list.flow) {
    const start = lineStart(text, item.at.start);
    if (!/^\s*-\s+$/.test(text.slice(start, item.at.start))) return null;
    return [{ start, end: lineEnd(text, lastOffset(item, item.at.end)), text: '' }];
  }
  const at = list.items.indexOf(item);
  const next = list.items[at + 1];
  const before = list.items[at - 1];
  if (next !== undefined) return [{ start: item.at.start, end: next.at.start, text: '' }];
  return before === undefined ? null : [{ start: before.at.end, end: item.at.end, text: '' }];
}

function removeLines(item: Located, text: string): TextEdit[] | null {
  const start = lineStart(text, item.at.start);
  if (text.slice(start, item.at.start).trim() !== '') return null;
  return [{ start, end: lineEnd(text, item.at.end), text: '' }];
}

function bindPort(item: Located, text: string): TextEdit[] | null {
  if (item.kind === 'map') {
    const host = entryAt(item, 'host_ip');
    if (host !== undefined) return [{ start: host.value.at.start, end: host.value.at.end, text: '127.0.0.1' }];
    const [first] = item.entries.values();
    if (first === undefined) return null;
    const at = first.keyAt.start;
    const glue = item.flow ? ', ' : `\n${' '.repeat(first.keyAt.column)}`;
    return [{ start: at, end: at, text: `host_ip: 127.0.0.1${glue}` }];
  }
  if (item.kind !== 'scalar') return null;
  const raw = text.slice(item.at.start, item.at.end);
  const quote = /^["']/.exec(raw)?.[0] ?? '"';
  const inner = raw.replace(/^(["'])([\s\S]*)\1$/, '$2');
  const bare = inner
    .replace(/^\$\{[A-Za-z_]\w*:?-(0\.0\.0\.0|\[?::\]?|\*)?\}:(?=.*:)/, '')
    .replace(/^(0\.0\.0\.0|\[[0:]+\]|\*|::):(?=.)/, '');
  const ports = bare.includes(':') ? bare : `:${bare}`;
  return [{ start: item.at.start, end: item.at.end, text: `${quote}127.0.0.1:${ports}${quote}` }];
}

/** Where a value's last word ends; a collection's own range may run on into what follows it. */
function lastOffset(value: Located, least: number): number {
  if (value.kind === 'scalar') return Math.max(least, value.at.end);
  if (value.flow) return Math.max(least, value.at.end);
  const inner = value.kind === 'list' ? value.items : [...value.entries.values()].map((entry) => entry.value);
  return inner.reduce((most, one) => lastOffset(one, most), least);
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** The place after the line's break; a block scalar's end is already there. */
function lineEnd(text: string, at: number): number {
  if (at > 0 && text[at - 1] === '\n') return at;
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}

export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  return edits
    .toSorted((a, b) => b.start - a.start || b.end - a.end)
    .reduce((now, { start, end, text: put }) => now.slice(0, start) + put + now.slice(end), text);
}
