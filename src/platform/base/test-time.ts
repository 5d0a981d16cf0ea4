// How the time of a piece of work grows with its text, measured so that a busy machine cannot be taken for slow code.
import assert from 'node:assert/strict';

/** Milliseconds of the processor in this process: what else the machine does is not counted. Those of one thread come in whole ticks. */
export function cpuOf(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

export interface Growth {
  what: string;
  /** Done twice or more with texts of both lengths. */
  work: (length: number) => () => unknown;
  lengths: readonly [short: number, long: number];
  /** With a text n times as long the time may be multiplied by n to the power of this. */
  steepest?: number;
  /** Of the processor, for the long text: far more than it takes, far less than anybody could bear. */
  mostMs?: number;
  /** Below so many milliseconds nothing is measured but the clock. */
  floorMs?: number;
}

const rounds = 15;

/** Slow code is slow each time, a machine only now and then: the least of many rounds is what counts. */
export function assertGrowth(growth: Growth): void {
  const { what, work, lengths, steepest = 1.6, mostMs = Number.POSITIVE_INFINITY, floorMs = 0.5 } = growth;
  const [short, long] = lengths;
  const [less, more] = [work(short), work(long)];
  let [least, most] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const exponent = () => Math.log(Math.max(most, floorMs) / Math.max(least, floorMs)) / Math.log(long / short);
  for (let round = 0; round < rounds; round++) {
    least = Math.min(least, cpuOf(less), cpuOf(less));
    most = Math.min(most, cpuOf(more));
    if (exponent() < steepest && most < mostMs) return;
    // What is so much too slow is not the machine.
    if (round > 1 && most > 20 * mostMs) break;
  }
  assert.fail(`${what}: ${least.toFixed(2)} then ${most.toFixed(2)} ms, exponent ${exponent().toFixed(2)}`);
}

/** The same for work of one length: it takes so much of the processor at most. */
export function assertCpu(what: string, mostMs: number, work: () => unknown): void {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5 && least >= mostMs; round++) least = Math.min(least, cpuOf(work));
  assert.ok(least < mostMs, `${what}: ${least.toFixed(0)} ms of the processor`);
}
