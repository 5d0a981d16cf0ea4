// Chunks that go on when their time has come, in order: what latency, bandwidth and slicer have in common.
import { createTimer, type Ending, type Onward } from './toxic.ts';

export interface TimedQueue {
  /** Infinity keeps it until `flush`. */
  add(chunk: Buffer, dueMs: number): void;
  /** The end goes on after the last chunk. */
  end(how: Ending): void;
  flush(): void;
  stop(): void;
  held(): number;
  /** When the last chunk goes on; -Infinity when none waits. */
  lastDueMs(): number;
}

export function createTimedQueue(onward: Onward, now: () => number): TimedQueue {
  let queue: { chunk: Buffer; dueMs: number }[] = [];
  let held = 0;
  let ending: Ending | null = null;
  const timer = createTimer(() => pump(now()));

  function pump(untilMs: number): void {
    let sent = 0;
    while (sent < queue.length && queue[sent]!.dueMs <= untilMs) {
      const { chunk } = queue[sent++]!;
      held -= chunk.length;
      onward.write(chunk);
    }
    if (sent > 0) queue = queue.slice(sent);
    const next = queue[0];
    if (next !== undefined) {
      if (next.dueMs !== Number.POSITIVE_INFINITY) timer.set(next.dueMs - now());
      return;
    }
    if (ending === null) return;
    const how = ending;
    ending = null;
    onward.end(how);
  }

  return {
    add(chunk, dueMs) {
      queue.push({ chunk, dueMs });
      held += chunk.length;
      if (queue.length === 1) pump(now());
    },
    end(how) {
      ending = how;
      if (queue.length === 0) pump(now());
    },
    flush() {
      timer.clear();
      // In one piece: thousands of slices one by one would hold up whoever takes the toxic away.
      if (queue.length > 1) queue = [{ chunk: Buffer.concat(queue.map(({ chunk }) => chunk)), dueMs: 0 }];
      pump(Number.POSITIVE_INFINITY);
    },
    stop() {
      timer.clear();
      queue = [];
      held = 0;
    },
    held: () => held,
    lastDueMs: () => queue.at(-1)?.dueMs ?? Number.NEGATIVE_INFINITY,
  };
}
