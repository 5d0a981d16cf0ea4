// The measure that other tests hold code against: it must tell linear from quadratic, and not be fooled by a machine that stutters.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertCpu, assertGrowth } from './test-time.ts';

let sink = 0;
function turn(times: number): void {
  for (let n = 0; n < times; n++) sink = (sink * 31 + n) % 1_000_003;
}
const linear = (length: number) => () => turn(length * 100);
const quadratic = (length: number) => () => turn((length * length) / 20);
const lengths = [2_000, 10_000] as const;

test('assertGrowth() tells linear from quadratic', () => {
  assertGrowth({ what: 'linear', work: linear, lengths });
  assert.throws(() => assertGrowth({ what: 'quadratic', work: quadratic, lengths }), /quadratic: .* exponent/);
});

test('assertGrowth() does not mind that now and then something else takes long', () => {
  let nth = 0;
  const work = (length: number) => () => {
    linear(length)();
    if (++nth < 9) turn(length * 300);
  };
  assertGrowth({ what: 'linear that stutters', work, lengths, mostMs: 100 });
});

test('assertGrowth() and assertCpu() find what takes too much of the processor', () => {
  assert.throws(() => assertGrowth({ what: 'slow', work: linear, lengths, mostMs: 0.001 }), /slow/);
  assert.throws(() => assertCpu('slow', 0.001, linear(4_000)), /slow/);
  assertCpu('quick', 5_000, linear(4_000));
});
