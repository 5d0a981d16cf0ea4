// Numbers the facts as they come, writes them to evidence.jsonl and lets the runner look at them.
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { Evidence, Fact } from './evidence.ts';

export interface Recorder {
  record(fact: Fact): void;
  /** All facts so far; the same array grows. */
  facts: readonly Evidence[];
  close(): void;
}

export function createRecorder(file: string): Recorder {
  const fd = openSync(file, 'w', 0o600);
  const facts: Evidence[] = [];
  return {
    facts,
    record: (fact) => {
      const line = { id: `e${String(facts.length + 1).padStart(5, '0')}`, ...fact } as Evidence;
      line.t = Math.round(line.t * 1000) / 1000;
      if ('endT' in line) line.endT = Math.round(line.endT * 1000) / 1000;
      facts.push(line);
      writeSync(fd, `${JSON.stringify(line)}\n`);
    },
    close: () => {
      fsyncSync(fd);
      closeSync(fd);
    },
  };
}
