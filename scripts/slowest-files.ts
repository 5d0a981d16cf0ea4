// A reporter of node:test: at the end, the files of tests that took longest.
import { EventEmitter } from 'node:events';
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

const shown = 12;
// Three reporters listen to one stream, each several times.
EventEmitter.defaultMaxListeners = 30;

export default async function* slowestFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const took = new Map<string, number>();
  for await (const { type, data } of events) {
    if ((type !== 'test:pass' && type !== 'test:fail') || data.nesting > 0 || data.file === undefined) continue;
    took.set(data.file, (took.get(data.file) ?? 0) + data.details.duration_ms);
  }
  const slowest = [...took].sort(([, one], [, other]) => other - one).slice(0, shown);
  for (const [file, ms] of slowest) yield `${(ms / 1000).toFixed(1).padStart(7)} s  ${relative(process.cwd(), file)}\n`;
}
