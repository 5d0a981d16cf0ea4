// The file that the dashboard counts crossings in: a line for each, and one an hour that says that somebody watched.
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Crossing } from './crossings.ts';

const dayMs = 86_400_000;
/** Kept a little longer than is counted, so that a look back after an incident finds them. */
const keptMs = 30 * dayMs;
const watchedEveryMs = 3_600_000;

export interface CrossingLog {
  add(crossing: Crossing, time: number): void;
  /** To be called at each look. */
  watched(time: number): void;
}

interface Line {
  time: number;
  kind: string;
}

/** Drops what is older than is kept. */
export function openCrossingLog(data: string): CrossingLog {
  const file = crossingFile(data);
  mkdirSync(join(data, 'posture'), { recursive: true, mode: 0o700 });
  let last = 0;
  const append = (line: object) => appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 });
  return {
    add: (crossing, time) => append({ time, ...crossing }),
    watched(time) {
      if (time - last < watchedEveryMs) return;
      if (last === 0) trim(file, time);
      last = time;
      append({ time, kind: 'watched' });
    },
  };
}

function trim(file: string, now: number): void {
  if (!existsSync(file)) return;
  const kept = linesOf(file).filter(({ time }) => time >= now - keptMs);
  writeFileSync(`${file}.new`, kept.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** How many in the last 24 hours; null when nobody watched in that time. */
export function countCrossings(data: string, now: number): number | null {
  const file = crossingFile(data);
  if (!existsSync(file)) return null;
  const recent = linesOf(file).filter(({ time }) => time >= now - dayMs);
  return recent.length === 0 ? null : recent.filter(({ kind }) => kind !== 'watched').length;
}

function linesOf(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((text) => {
      try {
        const line = JSON.parse(text) as Line;
        return typeof line.time === 'number' ? [line] : [];
      } catch {
        // The last line of a process that was killed.
        return [];
      }
    });
}

function crossingFile(data: string): string {
  return join(data, 'posture', 'crossings.jsonl');
}
