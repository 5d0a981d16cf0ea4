// Edits of a text as a unified diff that `patch -p1` and `git apply` take; lines that must not be shown never are.
import { applyEdits, type TextEdit } from './fixes.ts';

interface Change {
  /** Old lines from–to (to exclusive), from 0. */
  from: number;
  to: number;
  lines: string[];
}

/** null where a changed line must not be shown. `hidden` holds line numbers from 1. */
export function unifiedDiff(
  file: string,
  text: string,
  edits: readonly TextEdit[],
  hidden: ReadonlySet<number>,
): string | null {
  const old = splitLines(text);
  const changes = changedLines(text, edits, old);
  if (changes.some(({ from, to }) => rangeHas(hidden, from, to))) return null;
  let shift = 0;
  const hunks = changes.map((change) => {
    const context = shownContext(change, old.length, hidden);
    const hunk = hunkOf(change, old, context, shift);
    shift += change.lines.length - (change.to - change.from);
    return hunk;
  });
  return `--- a/${file}\n+++ b/${file}\n${hunks.join('')}`;
}

/** As many lines on both sides as may be shown, three at most: tools want as many before as after. */
function shownContext({ from, to }: Change, count: number, hidden: ReadonlySet<number>): number {
  for (let context = 3; context > 0; context -= 1) {
    const first = Math.max(0, from - context);
    const last = Math.min(count, to + context);
    if (!rangeHas(hidden, first, last)) return context;
  }
  return 0;
}

function rangeHas(hidden: ReadonlySet<number>, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (hidden.has(at + 1)) return true;
  return false;
}

/** Edits gathered into changes of whole lines; those that touch the same or near lines become one. */
function changedLines(text: string, edits: readonly TextEdit[], old: readonly string[]): Change[] {
  const starts = [0];
  for (const line of old) starts.push((starts.at(-1) ?? 0) + line.length);
  const lineAt = (offset: number) => {
    let low = 0;
    while (low + 1 < starts.length && (starts[low + 1] ?? 0) <= offset) low += 1;
    return Math.min(low, old.length);
  };
  const groups: { from: number; to: number; edits: TextEdit[] }[] = [];
  for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
    const whole = edit.start === starts[lineAt(edit.start)] && edit.end === starts[lineAt(edit.end)];
    const from = lineAt(edit.start);
    const to = whole && (edit.text === '' || edit.text.endsWith('\n')) ? lineAt(edit.end) : lineAt(edit.end) + 1;
    const last = groups.at(-1);
    if (last !== undefined && from <= last.to + 6) {
      last.to = Math.max(last.to, Math.min(to, old.length));
      last.edits.push(edit);
    } else groups.push({ from, to: Math.min(to, old.length), edits: [edit] });
  }
  return groups.map(({ from, to, edits: own }) => {
    const start = starts[from] ?? text.length;
    const end = starts[to] ?? text.length;
    const moved = own.map((edit) => ({ ...edit, start: edit.start - start, end: edit.end - start }));
    return { from, to, lines: splitLines(applyEdits(text.slice(start, end), moved)) };
  });
}

function hunkOf({ from, to, lines }: Change, old: readonly string[], context: number, shift: number): string {
  const first = Math.max(0, from - context);
  const last = Math.min(old.length, to + context);
  const before = old.slice(first, from);
  const after = old.slice(to, last);
  const oldCount = last - first;
  const newCount = oldCount - (to - from) + lines.length;
  const head = `@@ -${position(first, oldCount)} +${position(first + shift, newCount)} @@\n`;
  const marked = (mark: string, some: readonly string[]) => some.map((line) => `${mark}${ended(line)}`).join('');
  return head + marked(' ', before) + marked('-', old.slice(from, to)) + marked('+', lines) + marked(' ', after);
}

function position(first: number, count: number): string {
  return count === 0 ? `${first},0` : `${first + 1},${count}`;
}

function ended(line: string): string {
  return line.endsWith('\n') ? line : `${line}\n\\ No newline at end of file\n`;
}

function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
