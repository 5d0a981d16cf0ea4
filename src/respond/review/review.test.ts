import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createLog } from '../../platform/base/log.ts';
import type { ActionContext } from '../engine/action.ts';
import { begin, exampleIncident, openRig, type Rig } from '../escalation/escalation.fixture.ts';
import { type Checks, createChecklist, isComplete } from './checklist.ts';
import { createHeightened, type HeightenedParts } from './heightened.ts';
import { postMortemSet, recordComplete } from './own-checks.ts';
import { reviewActions } from './review-actions.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-review-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const hour = 3_600_000;
const never = new AbortController().signal;
const log = createLog('silent');

function parts({ store, clock, journalled }: Rig) {
  return {
    store,
    log,
    now: () => clock.at,
    journal: {
      async append(event: Rig['journalled'][number]) {
        journalled.push(event);
        return { stream: 'respond', seq: 1, hash: '' };
      },
    },
  };
}

function context(rig: Rig, incident: string | null): ActionContext {
  const same = { run: 'run_1', idempotencyKey: 'k'.repeat(32), outArgs: ['__passed__:value'], signal: never };
  return { ...same, incident, now: () => rig.clock.at };
}

function openHeightened(rig: Rig, more: Partial<HeightenedParts> = {}) {
  return createHeightened({ ...parts(rig), ...more });
}

test('heightened monitoring lasts 72 hours over restarts, tightens thresholds and ends by itself', async () => {
  const rig = await openRig(dir);
  await rig.memory.open(exampleIncident());
  const turnedOn: number[] = [];
  const detail: boolean[] = [];
  const heightened = openHeightened(rig, {
    turnOn: async (until) => void turnedOn.push(until),
    detail: (on) => void detail.push(on),
    sample: async () => ({ rempart_errors_total: 3 }),
  });
  const checklist = createChecklist({ ...parts(rig), checks: {} });
  const [heighten] = reviewActions({ incidents: rig.memory.incidents, heightened, checklist });
  const given = heighten!.args.parse({});
  const where = context(rig, exampleIncident().id);
  assert.equal(heightened.tightness(), 1);
  assert.equal((await heighten!.probe(given, where, {})).state, 'not-done');
  await heighten!.act(given, where, {});
  assert.equal((await heighten!.probe(given, where, {})).state, 'done');
  assert.deepEqual([turnedOn, detail, heightened.tightness()], [[begin + 72 * hour], [true], 0.5]);
  await heightened.look();
  assert.ok(JSON.stringify(rig.journalled).includes('rempart_errors_total'));

  rig.clock.at = begin + 71 * hour;
  const again = openHeightened(rig);
  await again.look();
  assert.equal(again.tightness(), 0.5);
  assert.equal(await again.parentOf({ type: 'unauthorised_access' }), exampleIncident().id);
  assert.equal(await again.parentOf({ type: 'container-escape' }), null);
  rig.clock.at = begin + 72 * hour;
  await heightened.look();
  assert.deepEqual([again.tightness(), heightened.tightness(), detail], [1, 1, [true, false]]);
  assert.equal(await again.parentOf({ type: 'unauthorised-access' }), null);
  await rig.end();
});

test('heightened monitoring asked for again is never shortened', async () => {
  const rig = await openRig(dir);
  const heightened = openHeightened(rig);
  await heightened.raise(exampleIncident(), 72);
  assert.equal((await heightened.raise(exampleIncident(), 1)).until, begin + 72 * hour);
  assert.equal((await heightened.raise(exampleIncident(), 100)).until, begin + 100 * hour);
  await rig.end();
});

test('more detail is kept over a restart, is undone to what it was, and ends after three days', async () => {
  const rig = await openRig(dir);
  const heightened = openHeightened(rig);
  const checklist = createChecklist({ ...parts(rig), checks: {} });
  const detail = reviewActions({ incidents: rig.memory.incidents, heightened, checklist })[1]!;
  const where = context(rig, null);
  const { before } = await detail.plan({ on: true }, where);
  await detail.act({ on: true }, where, before);
  const again = openHeightened(rig);
  await again.look();
  assert.equal(again.detailOn(), true);
  await detail.undo?.({ on: true }, where, before);
  await again.look();
  assert.equal(again.detailOn(), false);
  await detail.act({ on: true }, where, before);
  rig.clock.at = begin + 73 * hour;
  await again.look();
  assert.equal(again.detailOn(), false);
  await rig.end();
});

const well: Checks = {
  services: async () => ({ state: 'ok', evidence: { healthy: 3 } }),
  metrics: async () => ({ state: 'ok', evidence: {} }),
  logs: async () => ({ state: 'not-ok', evidence: { anomalies: 2 } }),
  functional: async () => Promise.reject(new Error('no answer')),
  posture: async () => ({ state: 'ok', evidence: {} }),
  states: async () => ({ state: 'ok', evidence: {} }),
};

test('the checklist has eight points; what cannot be checked asks for a person, and ticks outlast a new check', async () => {
  const rig = await openRig(dir);
  const incident = exampleIncident({ status: 'resolved' });
  await rig.memory.open(incident);
  const node = rig.node();
  const checks = { ...well, record: recordComplete, 'post-mortem': postMortemSet(node, () => rig.clock.at) };
  const checklist = createChecklist({ ...parts(rig), checks });
  await assert.rejects(checklist.tick(incident.id, 'logs', 'ada'), { code: 'ERR_CHECKLIST_NONE' });
  const entries = await checklist.run(incident, never);
  assert.deepEqual(
    entries.map(({ point, state }) => `${point} ${state}`),
    [
      'services ok',
      'metrics ok',
      'logs not-ok',
      'functional person',
      'posture ok',
      'states ok',
      'record not-ok',
      'post-mortem ok',
    ],
  );
  await assert.rejects(checklist.tick(incident.id, 'nothing', 'ada'), { code: 'ERR_CHECKLIST_POINT' });
  await assert.rejects(checklist.tick(incident.id, 'logs', 'ada'), { code: 'ERR_CHECKLIST_NOTE' });
  await checklist.tick(incident.id, 'functional', 'ada');
  await checklist.tick(incident.id, 'logs', 'ada', 'known noise');
  assert.equal(isComplete(await checklist.run(incident, never)), false);
  const done = await checklist.tick(incident.id, 'record', 'ada', 'filled in on paper');
  assert.equal(isComplete(done), true);
  assert.equal(done.find(({ point }) => point === 'logs')?.tick?.note, 'known noise');
  assert.equal(rig.journalled.filter((event) => JSON.stringify(event).includes('checklist tick')).length, 3);
  await node.close();
  await rig.end();
});

test('a check that does not end asks for a person instead of holding up the others', async () => {
  const rig = await openRig(dir);
  const checks: Checks = { ...well, services: () => new Promise(() => undefined) };
  const checklist = createChecklist({ ...parts(rig), checks, withinMs: 50 });
  const [services] = await checklist.run(exampleIncident(), never);
  assert.deepEqual([services?.state, services?.evidence], ['person', { why: 'ERR_ACTION_TIMEOUT' }]);
  await rig.end();
});

test('recordComplete() names what a report would lack', async () => {
  const bare = await recordComplete(exampleIncident(), never);
  assert.equal(bare.state, 'not-ok');
  const at = new Date(begin).toISOString();
  const moments = { firstActionAt: at, investigationAt: at, causeIdentifiedAt: at, containedAt: at, restoredAt: at };
  const full = exampleIncident({
    ...moments,
    causes: ['a weak password'],
    actions: { corrective: [{ text: 'changed it', done: true }], preventive: [{ text: 'keys', done: false }] },
    impact: { downtimeMinutes: 0, services: [], dataCompromised: false, usersAffected: 0 },
  });
  assert.deepEqual(await recordComplete(full, never), { state: 'ok', evidence: { missing: [] } });
});
