// Two texts as a unified diff that `patch -p1` and `git apply` take; lines that must not be shown never are.

interface Change {
  /** Old lines from–to (to exclusive), from 0. */
  from: number;
  to: number;
  lines: readonly string[];
}

/** null where a changed line must not be shown, or nothing changed. `hidden` holds old line numbers from 1. */
export function unifiedDiff(
  file: string,
  before: string,
  after: string,
  hidden: ReadonlySet<number> = new Set(),
): string | null {
  const old = splitLines(before);
  const changes = changesOf(old, splitLines(after));
  if (changes.length === 0 || changes.some(({ from, to }) => rangeHas(hidden, from, to))) return null;
  let shift = 0;
  const hunks = joined(changes, old, hidden).map(({ change, context }) => {
    const hunk = hunkOf(change, old, context, shift);
    shift += change.lines.length - (change.to - change.from);
    return hunk;
  });
  return `--- a/${file}\n+++ b/${file}\n${hunks.join('')}`;
}

/** Changes whose contexts would overlap become one, where what lies between may be shown; else their contexts shrink. */
function joined(
  changes: readonly Change[],
  old: readonly string[],
  hidden: ReadonlySet<number>,
): { change: Change; context: number }[] {
  const groups: Change[] = [];
  for (const change of changes) {
    const last = groups.at(-1);
    if (last === undefined || change.from - last.to > 6 || rangeHas(hidden, last.to, change.from)) groups.push(change);
    else {
      const lines = [...last.lines, ...old.slice(last.to, change.from), ...change.lines];
      groups[groups.length - 1] = { from: last.from, to: change.to, lines };
    }
  }
  return groups.map((change, at) => {
    const room = Math.min(gap(groups[at - 1], change), gap(change, groups[at + 1]));
    return { change, context: Math.min(room, shownContext(change, old.length, hidden)) };
  });
}

function gap(first: Change | undefined, second: Change | undefined): number {
  return first === undefined || second === undefined ? 3 : Math.floor((second.from - first.to) / 2);
}

/** As many lines on both sides as may be shown, three at most: tools want as many before as after. */
function shownContext({ from, to }: Change, count: number, hidden: ReadonlySet<number>): number {
  for (let context = 3; context > 0; context -= 1)
    if (!rangeHas(hidden, Math.max(0, from - context), Math.min(count, to + context))) return context;
  return 0;
}

function rangeHas(hidden: ReadonlySet<number>, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (hidden.has(at + 1)) return true;
  return false;
}

/** The longest common subsequence of lines, between what both texts begin and end with. */
function changesOf(old: readonly string[], fresh: readonly string[]): Change[] {
  let head = 0;
  while (head < old.length && head < fresh.length && old[head] === fresh[head]) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < fresh.length - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail += 1;
  const a = old.slice(head, old.length - tail);
  const b = fresh.slice(head, fresh.length - tail);
  if (a.length === 0 && b.length === 0) return [];
  if (a.length * b.length > maxCells || a.length === 0 || b.length === 0)
    return [{ from: head, to: head + a.length, lines: b }];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      longest[i * width + j] =
        a[i] === b[j]
          ? (longest[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(longest[(i + 1) * width + j] ?? 0, longest[i * width + j + 1] ?? 0);
  return walk(a, b, longest, head);
}

const maxCells = 16_000_000;

function walk(a: readonly string[], b: readonly string[], longest: Uint32Array, head: number): Change[] {
  const width = b.length + 1;
  const changes: Change[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i += 1;
      j += 1;
      continue;
    }
    const [fromA, fromB] = [i, j];
    while ((i < a.length || j < b.length) && !(i < a.length && j < b.length && a[i] === b[j])) {
      const skipOld =
        i < a.length && (j >= b.length || (longest[(i + 1) * width + j] ?? 0) >= (longest[i * width + j + 1] ?? 0));
      if (skipOld) i += 1;
      else j += 1;
    }
    changes.push({ from: head + fromA, to: head + i, lines: b.slice(fromB, j) });
  }
  return changes;
}

function hunkOf({ from, to, lines }: Change, old: readonly string[], context: number, shift: number): string {
  const first = Math.max(0, from - context);
  const last = Math.min(old.length, to + context);
  const oldCount = last - first;
  const newCount = oldCount - (to - from) + lines.length;
  const head = `@@ -${position(first, oldCount)} +${position(first + shift, newCount)} @@\n`;
  const marked = (mark: string, some: readonly string[]) => some.map((line) => `${mark}${ended(line)}`).join('');
  const inside = changesOf(old.slice(from, to), lines);
  let at = from;
  let body = marked(' ', old.slice(first, from));
  for (const change of inside) {
    body += marked(' ', old.slice(at, from + change.from));
    body += marked('-', old.slice(from + change.from, from + change.to)) + marked('+', change.lines);
    at = from + change.to;
  }
  return head + body + marked(' ', old.slice(at, last));
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
