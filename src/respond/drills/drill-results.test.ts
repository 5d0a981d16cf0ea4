// What is kept of drills, in a real store and a journal that the test reads.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { JsonObject } from '../../platform/base/json.ts';
import type { DrillDocument, DrilledScenario } from '../../platform/documents/drill.ts';
import { openStore, type Store } from '../../platform/store/store.ts';
import { drillOf } from '../review/drill-record.ts';
import { createDrillResults } from './drill-results.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-results-'));
const events: JsonObject[] = [];
let store: Store;
before(async () => {
  store = await openStore({ path: join(dir, 'store.sqlite') });
});
after(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const receipt = { stream: 'respond', seq: 1, hash: '' };
const keep = async (event: JsonObject) => {
  events.push(event);
  return receipt;
};

const scenario = (more: Partial<DrilledScenario>): DrilledScenario => ({
  scenario: 'container_escape',
  type: 'container-escape',
  level: 1,
  title: 'Container escape',
  result: 'passed',
  why: null,
  detector: 'containers',
  detectors: ['containers'],
  playbook: 'container-escape',
  engine: 'podman',
  startedAt: '2026-02-03T04:05:06.000Z',
  tookMs: 1_000,
  detectedMs: 12.5,
  containedMs: 300,
  checks: [{ phase: 'contained', name: 'gone', ok: true, text: 'it is gone', facts: {} }],
  plan: null,
  ...more,
});
const document = (scenarios: DrilledScenario[], dryRun = false): DrillDocument => ({
  schema: 'rempart/drill@1',
  dryRun,
  startedAt: '2026-02-03T04:05:06.000Z',
  finishedAt: '2026-02-03T04:06:06.000Z',
  scenarios,
  passed: 0,
  failed: 0,
  notRun: 0,
});

test('createDrillResults() keeps each scenario once, however often it is told of it', async () => {
  const results = createDrillResults({ store, journal: { append: keep } });
  const told = document([
    scenario({}),
    scenario({ scenario: 'log_injection', type: 'log-injection', result: 'failed' }),
  ]);
  assert.equal(await results.record(told), 2);
  assert.equal(await results.record(told), 0);
  assert.equal(events.length, 2);
  assert.deepEqual(
    events.map((event) => [drillOf(event)?.type, drillOf(event)?.result]),
    [
      ['container-escape', 'passed'],
      ['log-injection', 'failed'],
    ],
  );
  const later = document([scenario({ startedAt: '2026-03-03T04:05:06.000Z', result: 'failed', containedMs: null })]);
  assert.equal(await results.record(later), 1);
  const last = await results.last();
  assert.deepEqual(
    last.map(({ scenario: name, result }) => [name, result]),
    [
      ['container_escape', 'failed'],
      ['log_injection', 'failed'],
    ],
  );
  assert.equal((await results.since(Date.parse('2026-03-01T00:00:00Z'))).length, 1);
});

test('createDrillResults() takes no dry run and nothing that is no document', async () => {
  const results = createDrillResults({ store, journal: { append: async () => receipt } });
  for (const wrong of [document([scenario({})], true), { schema: 'rempart/drill@1' }, null, 'x'])
    await assert.rejects(results.record(wrong), { code: 'ERR_BODY_INVALID' });
});
