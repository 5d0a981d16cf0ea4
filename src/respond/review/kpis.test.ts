import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Incident } from '../../platform/documents/incident.ts';
import { kpisSchema } from '../../platform/documents/kpi.ts';
import { begin, exampleIncident } from '../escalation/escalation.fixture.ts';
import { incidentEvent } from '../incidents/journal-incident.ts';
import { intervalOfMean, intervalOfShare } from './intervals.ts';
import { kpiTargetsSchema } from './kpi-config.ts';
import { computeKpis, type KpiRecord } from './kpis.ts';

const day = 86_400_000;
const now = begin + 30 * day;
const targets = kpiTargetsSchema.parse({});
const types = [
  { id: 'unauthorised-access', atlas: ['AML.T0012'] },
  { id: 'container-escape', atlas: ['AML.T0105', 'AML.T0072'] },
];
const options = { from: begin, now, targets, types };
const at = (ms: number) => new Date(begin + ms).toISOString();

let number = 0;
function record(change: Partial<Incident>, time = begin + day): KpiRecord {
  const id = `INC-20260301-${String(120_000 + number++)}`;
  return { time, event: incidentEvent(exampleIncident({ id, ...change }), 'x', time) };
}

const drill = (type: string, result: 'passed' | 'failed', time: number, more: object = {}): KpiRecord => ({
  time,
  event: {
    unmapped: {
      phase: 'drill',
      type,
      result,
      startedAt: new Date(time).toISOString(),
      detector: 'd',
      containedMs: 900,
      ...more,
    },
  },
});

const kpi = (records: KpiRecord[], id: string) => computeKpis(records, options).kpis.find((one) => one.id === id)!;

test('computeKpis() without records says that there is no data, not that all is well', () => {
  const document = computeKpis([], options);
  kpisSchema.parse(document);
  assert.deepEqual(
    document.kpis.map(({ id, value, n, state }) => [id, value, n, state]),
    ['mttd', 'mttr', 'false-positives', 'coverage'].map((id) => [id, null, 0, 'no-data']),
  );
});

test('computeKpis() takes the mean times of real incidents, and of the newest record of each', () => {
  const one = record({ occurredAt: at(0), detectedAt: at(60_000), containedAt: null });
  const id = (one.event['unmapped'] as { incident: { id: string } }).incident.id;
  const records = [
    one,
    record({ id, occurredAt: at(0), detectedAt: at(60_000), containedAt: at(180_000) }),
    record({ occurredAt: at(0), detectedAt: at(180_000), containedAt: at(480_000), verdict: 'true-positive' }),
    record({ occurredAt: at(0), detectedAt: at(10_000), containedAt: null }),
    record({ occurredAt: at(0), detectedAt: at(9_000_000), verdict: 'false-positive' }),
    record({ occurredAt: at(0), detectedAt: at(9_000_000), verdict: 'test' }),
  ];
  const [mttd, mttr] = [kpi(records, 'mttd'), kpi(records, 'mttr')];
  assert.deepEqual([mttd.n, mttd.value, mttd.state], [3, (60 + 180 + 10) / 3, 'met']);
  assert.deepEqual([mttr.n, mttr.value, mttr.state, mttr.pending], [2, 210, 'met', 1]);
  assert.deepEqual(computeKpis(records, options).incidents, {
    all: 5,
    real: 1,
    falsePositives: 1,
    tests: 1,
    duplicates: 0,
    undecided: 2,
  });
});

test('computeKpis() misses a target that is reached exactly: it asks for less', () => {
  const exact = kpi([record({ occurredAt: at(0), detectedAt: at(300_000) })], 'mttd');
  assert.deepEqual([exact.value, exact.state, exact.interval], [300, 'missed', null]);
});

test('computeKpis() counts false positives among verdicts only, with an honest interval', () => {
  const closed = (verdict: Incident['verdict'], count: number) =>
    Array.from({ length: count }, () => record({ verdict, status: 'closed' }));
  const rate = kpi(
    [...closed('true-positive', 9), ...closed('false-positive', 1), ...closed('test', 5), ...closed(null, 2)],
    'false-positives',
  );
  assert.deepEqual([rate.n, rate.value, rate.state, rate.pending], [10, 0.1, 'missed', 2]);
  assert.ok(rate.interval!.low > 0.01 && rate.interval!.low < 0.03 && rate.interval!.high > 0.35);
});

test('computeKpis() leaves out incidents of another time', () => {
  const before = record({ occurredAt: at(-day), detectedAt: at(-day) });
  assert.equal(kpi([before], 'mttd').n, 0);
});

test('computeKpis() covers a type only by its newest drill: recent, passed, detected and contained', () => {
  const covered = (records: KpiRecord[]) => computeKpis(records, options).coverage.types.map((one) => one.covered);
  const recent = now - day;
  assert.deepEqual(covered([drill('unauthorised_access', 'passed', recent)]), [true, false]);
  assert.deepEqual(covered([drill('container-escape', 'passed', now - 31 * day)]), [false, false]);
  assert.deepEqual(covered([drill('container-escape', 'passed', recent), drill('container-escape', 'failed', now)]), [
    false,
    false,
  ]);
  assert.deepEqual(covered([drill('container-escape', 'passed', recent, { detector: null })]), [false, false]);
  assert.deepEqual(covered([drill('container-escape', 'passed', recent, { containedMs: null })]), [false, false]);
  const both = ['unauthorised-access', 'container-escape'].map((type) => drill(type, 'passed', recent));
  const full = kpi(both, 'coverage');
  assert.deepEqual([full.value, full.n, full.state], [1, 2, 'met']);
  assert.deepEqual(computeKpis(both, options).coverage.techniques, { covered: 3, of: 3 });
  const half = computeKpis(both.slice(1), options);
  assert.deepEqual([half.kpis[3]?.state, half.coverage.techniques], ['missed', { covered: 2, of: 3 }]);
});

test('computeKpis() is not led astray by what is no record of its own', () => {
  const odd = { class_uid: 2005, unmapped: { incident: { id: 'x', detectedAt: 'soon' }, drill: 'yes' } };
  assert.equal(computeKpis([{ time: begin, event: odd }], options).incidents.all, 0);
});

test('intervalOfMean() and intervalOfShare() agree with known values', () => {
  const { low, high } = intervalOfMean([1, 2, 3])!;
  assert.ok(Math.abs(low - 0) < 1e-9 && Math.abs(high - 4.4842) < 1e-3);
  // Newcombe 1998, table I: 81 of 263.
  const share = intervalOfShare(81, 263)!;
  assert.ok(Math.abs(share.low - 0.2553) < 1e-4 && Math.abs(share.high - 0.3662) < 1e-4);
  assert.deepEqual(intervalOfShare(0, 0), null);
});
