// The responder over a real store and engine: one run for one incident, also after a crash and while the database is away.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { z } from 'zod';
import type { JsonObject } from '../platform/base/json.ts';
import { openStore } from '../platform/store/store.ts';
import type { Detection } from './detectors/detector.ts';
import { type Action, createActions } from './engine/action.ts';
import { createAllowance, defaultAllowance } from './engine/allowance.ts';
import { createEngine } from './engine/engine.ts';
import { actionStep, exampleActions, examplePlaybook, stepId } from './engine/example.ts';
import { createRunLog } from './engine/run-log.ts';
import { createTasks } from './engine/tasks.ts';
import { createIncidents } from './incidents/create-incidents.ts';
import { followRuns } from './incidents/follow-runs.ts';
import { incidentActions } from './incidents/incident-actions.ts';
import { loadPlaybooks } from './playbooks/library.ts';
import { createResponder } from './responder.ts';
import { loadTaxonomy } from './taxonomy/load-taxonomy.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-responder-'));
const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
  rmSync(folder, { recursive: true, force: true });
});

const external = (type: string) => ({ type, external: true });
/** Notes what it was given, claims that it contained the incident, whatever became of the note. */
const answer = examplePlaybook(
  {
    [stepId('action', 1)]: actionStep(
      'example.note',
      { line: '__subject__:value of __incident__:value' },
      { on_success: stepId('action', 2), on_failure: stepId('action', 2) },
    ),
    [stepId('action', 2)]: actionStep('incident.mark', { moment: 'containedAt' }, { on_completion: stepId('end', 1) }),
    [stepId('end', 1)]: { type: 'end' },
  },
  { playbook_variables: { __incident__: external('string'), __subject__: external('string') } },
);

/** Stands for what people say they have done. */
const byHand: Action = {
  name: 'command.manual',
  class: 'notify',
  args: z.looseObject({}),
  plan: async () => ({ effects: [], reversible: false, before: {} }),
  probe: async () => ({ state: 'not-done' }),
  act: async () => ({}),
};
const answerByHand = examplePlaybook(
  {
    [stepId('action', 1)]: actionStep(
      'example.note',
      { line: 'x' },
      { on_success: stepId('action', 3), on_failure: stepId('action', 2) },
    ),
    [stepId('action', 2)]: actionStep('command.manual', {}, { on_completion: stepId('action', 3) }),
    [stepId('action', 3)]: actionStep('incident.mark', { moment: 'containedAt' }, { on_completion: stepId('end', 1) }),
    [stepId('end', 1)]: { type: 'end' },
  },
  { id: stepId('playbook', 7) },
);

const seen = (subject: string, more: Partial<Detection> = {}): Detection => ({
  detector: 'traffic',
  type: 'denial-of-service',
  subject,
  occurredAt: Date.now(),
  detectedAt: Date.now(),
  severity: 'high',
  facts: {},
  ...more,
});

let instances = 0;
async function instance({ dir = join(folder, `i${instances++}`), enabled = ['example.*'], isThere = true } = {}) {
  const own = join(dir, 'playbooks');
  mkdirSync(own, { recursive: true });
  // A file where the database's folder has to be.
  if (!isThere) writeFileSync(join(dir, 'store'), '');
  writeFileSync(join(own, 'denial-of-service.json'), answer.text);
  writeFileSync(join(own, 'host-overload.json'), answerByHand.text);
  const store = await openStore({ path: join(dir, 'store', 'store.sqlite') });
  const events: JsonObject[] = [];
  const journal = {
    append: async (event: JsonObject) => ({ stream: 'respond', seq: events.push(event), hash: '' }),
  };
  const parts = { store, log: console, now: Date.now, taxonomy: loadTaxonomy(), journal };
  const runs = createRunLog(store);
  const incidents = createIncidents(parts);
  const actions = createActions([
    ...exampleActions(join(dir, 'effects')),
    byHand,
    ...incidentActions({ incidents, runs, actions: () => actions }),
  ]);
  const engine = createEngine(
    {
      ...parts,
      runs,
      tasks: createTasks(store),
      actions,
      allowance: createAllowance({ ...defaultAllowance, enabled }, Date.now),
      findPlaybook: async () => answer.read.playbook,
      ...followRuns({ ...parts, incidents, actions }),
    },
    { leaseMs: 1_000, everyMs: 20, most: 4 },
  );
  const playbooks = await loadPlaybooks(own);
  const responder = createResponder({
    ...parts,
    incidents,
    engine,
    runs,
    playbooks,
    waitingFile: join(dir, 'detections.json'),
  });
  closers.push(
    () => store.close(),
    () => engine.close(),
    () => responder.close(),
  );
  return { dir, store, incidents, runs, engine, responder, events };
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 120_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < end, 'it did not come');
  }
}

test('createResponder() answers a detection by one run of the playbook of its type, with what it is about', async () => {
  const { responder, incidents, runs, engine, events } = await instance();
  const first = await responder.detected(seen('api'));
  const again = await responder.detected(seen('api'));
  assert.equal(again?.id, first?.id);
  const [run, ...more] = await runs.list({ incident: first!.id });
  assert.equal(more.length, 0);
  assert.equal((await engine.ended(run!.id, AbortSignal.timeout(120_000))).state, 'done');
  const incident = await until(async () => {
    const found = await incidents.find(first!.id);
    return found?.playbookRuns[0]?.state === 'done' ? found : undefined;
  });
  assert.equal(incident.status, 'contained');
  assert.notEqual(incident.firstActionAt, null);
  assert.deepEqual(incident.playbookRuns, [{ run: run!.id, playbook: 'denial-of-service', state: 'done' }]);
  const done = incident.timeline.find(({ kind, by }) => kind === 'step-done' && by === 'example.note');
  assert.equal(done?.facts['targets'], `api of ${incident.id}`);
  const classes = events.map(({ class_uid }) => class_uid);
  for (const uid of [2004, 2005, 6002, 7001]) assert.ok(classes.includes(uid), String(uid));
});

test('createResponder() starts after a crash the playbook of an incident that has none, once whichever nodes look', async () => {
  const one = await instance();
  const { incident } = await one.incidents.detected(seen('core'));
  const other = await instance({ dir: one.dir });
  await Promise.all([one.responder.catchUp(), other.responder.catchUp()]);
  assert.equal((await one.runs.list({ incident: incident.id })).length, 1);
  await one.engine.ended(`run_${incident.id}`, AbortSignal.timeout(120_000));
  await other.responder.catchUp();
  assert.equal((await one.runs.list({ incident: incident.id })).length, 1);
});

test('createResponder() leaves an incident alone that was opened without a playbook', async () => {
  const { responder, incidents, runs } = await instance();
  const { incident } = await incidents.open(seen('by hand'), { answer: 'none' });
  await responder.catchUp();
  assert.deepEqual(await runs.list({ incident: incident.id }), []);
});

test('createResponder() keeps detections while the database is away, over a restart, and opens them once it is there', async () => {
  const away = await instance({ isThere: false });
  assert.equal(away.store.health().state, 'away');
  assert.equal(await away.responder.detected(seen('model')), null);
  assert.equal(await away.responder.detected(seen('model')), null);
  assert.equal(await away.responder.detected(seen('gateway')), null);
  assert.equal(away.responder.waiting(), 2);
  await away.responder.close();
  await away.engine.close();
  await away.store.close();

  const back = await instance({ dir: away.dir, isThere: false });
  assert.equal(back.responder.waiting(), 2);
  rmSync(join(back.dir, 'store'));
  const all = await until(async () => {
    if (back.store.health().state !== 'open') return undefined;
    const list = await back.incidents.list();
    return list.length === 2 ? list : undefined;
  });
  const model = all.find(({ subject }) => subject === 'model');
  assert.equal(model?.signals[0]?.facts['repeats'], 1);
  await until(async () => (back.responder.waiting() === 0 ? true : undefined));
  await back.engine.ended(`run_${model!.id}`, AbortSignal.timeout(120_000));
});

test('createResponder() says once that a playbook cannot be started, and opens the incident all the same', async () => {
  const { responder, incidents, dir } = await instance();
  const own = mkdtempSync(join(folder, 'own-'));
  mkdirSync(join(own, 'types'));
  writeFileSync(
    join(own, 'types', 'own.yaml'),
    `- {id: odd-smell, level: 3, escalation: info, respondWithinMinutes: 5, atlas: [], owasp: [], detectors: [],
  playbook: not-there, drill: odd_smell, title: {en: a, fr: a}, example: {en: a, fr: a}, impact: {en: a, fr: a}}`,
  );
  const taxonomy = loadTaxonomy([join(own, 'types')]);
  const store = await openStore({ path: join(dir, 'store', 'store.sqlite') });
  closers.push(() => store.close());
  const journal = { append: async () => ({ stream: 'respond', seq: 1, hash: '' }) };
  const kept = createIncidents({ store, journal, taxonomy, now: Date.now, log: console });
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const second = createResponder({
    incidents: kept,
    engine: {
      start: () => assert.fail('there is nothing to start'),
    },
    runs: createRunLog(store),
    taxonomy,
    playbooks: await loadPlaybooks(),
    store,
    log: silent,
    now: Date.now,
    waitingFile: join(own, 'detections.json'),
  });
  closers.push(() => second.close());
  const incident = await second.detected(seen('air', { type: 'odd-smell' }));
  await second.catchUp();
  const { timeline } = (await incidents.find(incident!.id))!;
  assert.deepEqual(
    timeline.filter(({ kind }) => kind === 'run-refused').map(({ facts }) => facts),
    [{ playbook: 'not-there', code: 'ERR_PLAYBOOK_UNKNOWN' }],
  );
  await responder.close();
});

test('incidentActions() marks nothing as contained when all that a run tried was refused', async () => {
  const { responder, incidents, engine } = await instance({ enabled: [] });
  const { id } = (await responder.detected(seen('api')))!;
  const run = await engine.ended(`run_${id}`, AbortSignal.timeout(120_000));
  assert.deepEqual([run.state, run.code], ['failed', 'ERR_INCIDENT_NOTHING_DONE']);
  const incident = (await incidents.find(id))!;
  assert.deepEqual([incident.status, incident.containedAt, incident.firstActionAt], ['detected', null, null]);
  const refused = incident.timeline.find(({ kind, by }) => kind === 'step-failed' && by === 'example.note');
  assert.equal(refused?.facts['code'], 'ERR_ACTION_OFF');
});

test('incidentActions() marks as contained what was refused and then done by hand', async () => {
  const { responder, incidents, engine } = await instance({ enabled: [] });
  const { id } = (await responder.detected(seen('host', { type: 'host-overload' })))!;
  assert.equal((await engine.ended(`run_${id}`, AbortSignal.timeout(120_000))).state, 'done');
  assert.equal((await incidents.find(id))?.status, 'contained');
});
