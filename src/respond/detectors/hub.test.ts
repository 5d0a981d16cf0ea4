import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { createLog } from '../../platform/base/log.ts';
import type { Detection, Detector, DetectorContext } from './detector.ts';
import { type HubEvent, type HubParts, watchDetectors } from './hub.ts';
import { simulatedTimers } from './simulated-timers.ts';
import { lookEvery } from './timers.ts';

const start = Date.UTC(2026, 10, 22, 8);

function listening(name: string, types = ['denial-of-service', 'log-injection'], deadAfterMs?: number) {
  let context: DetectorContext | undefined;
  let starts = 0;
  const detector: Detector = {
    name,
    types,
    ...(deadAfterMs === undefined ? {} : { deadAfterMs }),
    start(given) {
      context = given;
      starts++;
      return { close() {} };
    },
  };
  const report = (type: string, subject: string, more: Partial<Detection> = {}) =>
    context!.report({ type, subject, occurredAt: start, severity: 'medium', facts: {}, ...more });
  return { detector, report, context: () => context!, starts: () => starts };
}

function hubOf(detectors: readonly Detector[], more: Partial<HubParts> = {}, settings = {}) {
  const timers = simulatedTimers(start);
  const taken: Detection[] = [];
  const events: HubEvent[] = [];
  const hub = watchDetectors(
    {
      detectors,
      detected: (detection) => taken.push(detection),
      tell: (event) => events.push(event),
      now: timers.now,
      steady: timers.now,
      timers,
      log: createLog('silent'),
      ...more,
    },
    settings,
  );
  return { hub, timers, taken, events };
}

test('watchDetectors() hands the first detection on at once and counts its repeats', async () => {
  const source = listening('one');
  const { hub, timers, taken, events } = hubOf([source.detector]);
  for (let count = 0; count < 40; count++) source.report('log-injection', 'app.log');
  await timers.pass(0);
  assert.equal(taken.length, 1);
  assert.deepEqual(hub.suppressed(), { repeats: 39, throttled: 0, byType: { 'log-injection': 39 } });
  await timers.pass(62_000);
  assert.equal(taken.length, 2);
  assert.equal(taken[1]!.facts['repeats'], 39);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['suppressed'],
  );
  await hub.close();
});

test('watchDetectors() hands a repeat on at once when it is worse than what was told', async () => {
  const source = listening('one');
  const { hub, timers, taken } = hubOf([source.detector]);
  source.report('log-injection', 'app.log', { severity: 'low' });
  source.report('log-injection', 'app.log', { severity: 'critical' });
  source.report('log-injection', 'app.log', { severity: 'high' });
  await timers.pass(0);
  assert.deepEqual(
    taken.map(({ severity }) => severity),
    ['low', 'critical'],
  );
  await hub.close();
});

test('watchDetectors() tells of a flood of one type together, and of another type as before', async () => {
  const source = listening('one');
  const { hub, timers, taken, events } = hubOf([source.detector], {}, { subjectsPerMinute: 5 });
  for (let count = 0; count < 3_000; count++) source.report('denial-of-service', `source-${count}`);
  source.report('log-injection', 'app.log');
  await timers.pass(0);
  assert.equal(taken.length, 7);
  assert.deepEqual(taken[5]!.facts, { suppressed: 1, subjects: 1 });
  assert.equal(taken[6]!.type, 'log-injection');
  await timers.pass(62_000);
  assert.deepEqual(taken[7]!.facts, { suppressed: 2_995, subjects: 1_000 });
  assert.equal(hub.suppressed().throttled, 2_995);
  assert.equal(
    events.filter((event) => event.kind === 'suppressed').reduce((sum, { count }) => sum + count, 0),
    2_995,
  );
  await hub.close();
});

test('watchDetectors() tells what is still counted when it is closed', async () => {
  const source = listening('one');
  const { hub, taken } = hubOf([source.detector]);
  source.report('log-injection', 'app.log');
  source.report('log-injection', 'app.log');
  await hub.close();
  assert.equal(taken.at(-1)!.facts['repeats'], 1);
});

test('watchDetectors() tells of a detector that is silent, once, and says when it is back', async () => {
  const quiet = listening('quiet', [], 10_000);
  const registry = new Registry();
  const { hub, timers, taken, events } = hubOf([quiet.detector], { registry });
  quiet.context().alive();
  await timers.pass(9_000);
  assert.equal(taken.length, 0);
  await timers.pass(120_000);
  assert.deepEqual(
    taken.map(({ type, subject, detector }) => ({ type, subject, detector })),
    [{ type: 'suspicious-patterns', subject: 'quiet', detector: 'hub' }],
  );
  assert.match(await registry.metrics(), /rempart_detector_alive\{detector="quiet"\} 0/);
  assert.equal(hub.states()[0]!.state, 'silent');
  assert.ok(quiet.starts() > 1, 'it was begun anew');
  quiet.context().alive();
  assert.equal(hub.states()[0]!.state, 'watching');
  assert.equal(events.at(-1)!.kind, 'back');
  assert.match(await registry.metrics(), /rempart_detector_alive\{detector="quiet"\} 1/);
  await hub.close();
});

test('watchDetectors() takes no suspended machine for silence', async () => {
  const quiet = listening('quiet', [], 10_000);
  let at = 0;
  let tick = () => {};
  const { hub, taken } = hubOf([quiet.detector], {
    steady: () => at,
    timers: {
      every(_ms, act) {
        tick = act;
        return () => {};
      },
      after: () => () => {},
    },
  });
  at = 3_600_000;
  tick();
  assert.equal(hub.states()[0]!.state, 'watching');
  assert.equal(taken.length, 0);
  await hub.close();
});

test('watchDetectors() begins a detector that throws anew, later each time, and tells of it from the third failure on', async () => {
  const at: number[] = [];
  const broken: Detector = {
    name: 'broken',
    types: [],
    start() {
      at.push(timers.now());
      throw new Error('cannot');
    },
  };
  const timers = simulatedTimers(start);
  const { hub, taken } = hubOf([broken], { now: timers.now, steady: timers.now, timers });
  await timers.pass(300_000);
  const gaps = at.slice(1).map((time, index) => (time - at[index]!) / 1_000);
  assert.deepEqual(gaps.slice(0, 8), [1, 2, 4, 8, 16, 32, 60, 60]);
  assert.equal(taken.length, 1);
  assert.deepEqual(taken[0]!.facts, { state: 'failed', failures: 3 });
  await hub.close();
  const { length } = at;
  await timers.pass(300_000);
  assert.equal(at.length, length);
});

test('watchDetectors() tries again what could not be taken', async () => {
  const source = listening('one');
  let isAway = true;
  const taken: Detection[] = [];
  const { hub, timers } = hubOf([source.detector], {
    detected: async (detection) => {
      if (isAway) throw new Error('the store is away');
      taken.push(detection);
    },
  });
  source.report('log-injection', 'app.log');
  await timers.pass(5_000);
  assert.equal(hub.waiting(), 1);
  isAway = false;
  await timers.pass(30_000);
  assert.equal(taken.length, 1);
  assert.equal(hub.waiting(), 0);
  await hub.close();
});

test('watchDetectors() cleans what a detector forgot to clean', async () => {
  const source = listening('one');
  const { hub, timers, taken } = hubOf([source.detector]);
  source.report('log-injection', '\u001b[2Japp\r\n.log', {
    occurredAt: Number.NaN,
    facts: { line: `\u202e${'x'.repeat(10_000)}`, count: 3 },
  });
  await timers.pass(0);
  const [first] = taken;
  assert.equal(first!.subject, '␛[2Japp␍␊.log');
  assert.equal(first!.occurredAt, start);
  assert.equal([...String(first!.facts['line'])].length, 80);
  assert.match(String(first!.facts['line']), /^‹U\+202E›x+…$/);
  assert.equal(first!.facts['count'], 3);
  await hub.close();
});

test('lookEvery() gives a look up after three failures in a row, and then it is begun anew', async () => {
  let looks = 0;
  let isBroken = true;
  const timers = simulatedTimers(start);
  const looking: Detector = {
    name: 'looking',
    types: [],
    deadAfterMs: 60_000,
    start: (context) =>
      lookEvery({ timers, ms: 1_000 }, context, async () => {
        looks++;
        if (isBroken) throw new Error('cannot');
      }),
  };
  const { hub } = hubOf([looking], { timers, now: timers.now, steady: timers.now });
  await timers.pass(2_500);
  assert.equal(looks, 3);
  assert.equal(hub.states()[0]!.state, 'failed');
  isBroken = false;
  await timers.pass(5_000);
  assert.equal(hub.states()[0]!.state, 'watching');
  assert.equal(hub.states()[0]!.restarts, 1);
  await hub.close();
});
