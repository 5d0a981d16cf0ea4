import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../platform/base/json.ts';
import { createLog } from '../../platform/base/log.ts';
import { createSignals, type Signal } from '../../platform/signals.ts';
import { createFailedAuth } from './failed-auth.ts';
import { noMetrics } from './metrics.ts';
import { createRecorder } from './record.ts';
import { sourceNetwork } from './source-network.ts';

function makeRig() {
  let time = 1_000_000;
  const now = () => time;
  const records: JsonObject[] = [];
  const told: Signal[] = [];
  const signals = createSignals();
  signals.subscribe((signal) => told.push(signal));
  const journal = {
    append: async (event: JsonObject) => {
      records.push(event);
      return { stream: 's', seq: records.length, hash: '' };
    },
    checkpoint: async () => {},
    close: async () => {},
  };
  const recorder = createRecorder({ now, journal, log: createLog('silent'), promptKey: Buffer.alloc(32) });
  const auths = createFailedAuth({ now, signals, recorder, metrics: noMetrics });
  return {
    records,
    told,
    auths,
    fail: (sourceIp: string, reason: 'unknown' | 'login' = 'unknown') =>
      auths.failed({ requestId: 'r', sourceIp, reason }),
    pass(ms: number) {
      time += ms;
    },
  };
}

const counts = (records: JsonObject[]) => records.flatMap(({ count }) => (count === undefined ? [] : [count]));

test('createFailedAuth() journals twenty a minute of one source, and the number of the others when the minute is over', () => {
  const { records, told, fail, pass } = makeRig();
  for (let i = 0; i < 5_000; i++) fail('192.0.2.1');
  fail('192.0.2.2');
  assert.equal(records.length, 21);
  fail('192.0.2.2', 'login');
  assert.equal(records.length, 22, 'another reason is not hidden');
  assert.deepEqual(
    told.map(({ facts }) => facts['count']),
    [1, 5, 25, 125, 625, 3125, 1],
  );
  pass(60_001);
  fail('192.0.2.1');
  assert.deepEqual(counts(records), [4_980]);
  assert.equal(records.length, 24);
});

test('createFailedAuth() journals no more than three hundred a minute of all sources, and tells the rest at its close', () => {
  const { records, auths, fail } = makeRig();
  for (let i = 0; i < 2_000; i++) fail(`10.0.${i >> 8}.${i & 255}`);
  assert.equal(records.length, 300);
  auths.close();
  assert.deepEqual(counts(records), [1_700]);
});

for (const [address, expected] of [
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::1', '0:0:0:0::/64'],
  ['2001:db8:0:1::7', '2001:db8:0:1::/64'],
  ['2001:0DB8:0000:0001:1:2:3:4', '2001:db8:0:1::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['', ''],
] as const)
  test(`sourceNetwork() counts ${address || 'an unknown address'} as ${expected || 'itself'}`, () => {
    assert.equal(sourceNetwork(address), expected);
  });
