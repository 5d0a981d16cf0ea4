// A thread of the hammer test: takes and gives as fast as it can, and says how much it holds.
import { parentPort, workerData } from 'node:worker_threads';
import { openCounters, type Span } from './counters.ts';

const { memory, keys, rounds, limit, span, seed } = workerData as {
  memory: SharedArrayBuffer;
  keys: number;
  rounds: number;
  limit: number;
  span: Span;
  seed: number;
};
const counters = openCounters(memory);
const held = new Array<number>(keys).fill(0);
let state = seed;
const random = (below: number) => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return (state >>> 8) % below;
};
const gate = new Int32Array(memory, 28, 1);
Atomics.add(gate, 0, 1);
while (Atomics.load(gate, 0) < 4) Atomics.wait(gate, 0, 0, 1);
const now = 1_800_000_000_000;
const taken: { key: number; amount: number; at: number }[] = [];
for (let round = 0; round < rounds; round++) {
  const key = random(keys);
  const last = taken.at(-1);
  if (last !== undefined && random(4) === 0) {
    counters.give(`key ${last.key}`, span, last.amount, last.at);
    held[last.key] = (held[last.key] ?? 0) - last.amount;
    taken.pop();
    continue;
  }
  const amount = 1 + random(3);
  // Each thread's clock is a little off, and moves over the boundaries of parts.
  const got = counters.take(`key ${key}`, span, limit, amount, now + round / 100 + random(40));
  if (!got.ok) continue;
  held[key] = (held[key] ?? 0) + amount;
  taken.push({ key, amount, at: got.at });
}
parentPort?.postMessage(held);
