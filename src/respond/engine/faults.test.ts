// The engine when something around it fails: an undo that does not work, an action with a fault of its own, a database that goes away.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import { openStore } from '../../platform/store/store.ts';
import { type Action, createActions } from './action.ts';
import { createAllowance, defaultAllowance } from './allowance.ts';
import { createEngine } from './engine.ts';
import { actionStep, examplePlaybook, stepId } from './example.ts';
import type { StepEvent } from './perform.ts';
import { createRunLog } from './run-log.ts';
import { createTasks } from './tasks.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-engine-faults-'));
const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
  rmSync(folder, { recursive: true, force: true });
});

const end = { [stepId('end', 1)]: { type: 'end' } };
const then = { on_completion: stepId('end', 1) };

type Deeds = Partial<Pick<Action, 'plan' | 'act' | 'undo' | 'probe'>>;
let stores = 0;
async function begin(deeds: Deeds, enabled = ['own.*']) {
  const path = join(folder, `store-${stores++}.sqlite`);
  const store = await openStore({ path });
  const own: Action = {
    name: 'own.deed',
    class: 'contain',
    args: z.strictObject({}),
    plan: async () => ({ effects: [{ target: 'core', change: 'stop' }], reversible: true, before: {} }),
    probe: async () => ({ state: 'not-done' }),
    act: async () => ({}),
    ...deeds,
  };
  const events: StepEvent[] = [];
  const errors: unknown[] = [];
  const runs = createRunLog(store);
  const engine = createEngine(
    {
      store,
      runs,
      tasks: createTasks(store),
      actions: createActions([own]),
      allowance: createAllowance({ ...defaultAllowance, enabled }, Date.now),
      log: { ...console, error: (...given: unknown[]) => void errors.push(given) },
      now: Date.now,
      tell: async (event) => void events.push(event),
      tellRun: async () => undefined,
      findPlaybook: async () => assert.fail('none is called'),
    },
    { leaseMs: 600, everyMs: 20, most: 4 },
  );
  closers.push(
    () => store.close(),
    () => engine.close(),
  );
  const start = (extension: JsonObject = {}) =>
    engine.start({
      ...examplePlaybook({ [stepId('action', 1)]: actionStep('own.deed', {}, then, extension), ...end }),
      incident: null,
      requestedBy: 'ada',
    });
  return { path, store, engine, runs, events, errors, start };
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('createEngine() tries an undo that fails again ever more slowly, until it is done', {
  timeout: 600_000,
}, async () => {
  const tried: number[] = [];
  const { engine, start, errors, events } = await begin({
    async undo() {
      tried.push(Date.now());
      if (tried.length < 3) throw new RempartError('ERR_ACTION_FAILED', { action: 'own.deed', code: 'busy' });
    },
  });
  const { id } = await start({ undo_after: 1_000 });
  await engine.ended(id, AbortSignal.timeout(120_000));
  for (const until = Date.now() + 120_000; tried.length < 3; await wait(50)) assert.ok(Date.now() < until);
  assert.ok(tried[1]! - tried[0]! >= 900 && tried[2]! - tried[1]! >= 1_900, tried.join());
  await wait(300);
  assert.equal(tried.length, 3, 'what is done is not done again');
  assert.equal(errors.length, 2, 'one line for each failure');
  assert.deepEqual(
    events.flatMap(({ kind }) => (kind.startsWith('undo') || kind === 'undone' ? [kind] : [])),
    ['undo-failed', 'undo-failed', 'undone'],
  );
});

for (const at of ['plan', 'probe', 'act'] as const)
  test(`createEngine() takes a fault of ours in ${at}() for a step that failed, and ends the run`, async () => {
    const fault = async () => {
      throw new TypeError('undefined is not a function');
    };
    const { engine, start, events } = await begin({ [at]: fault });
    const run = await engine.ended((await start()).id, AbortSignal.timeout(120_000));
    assert.deepEqual([run.state, run.code], ['failed', 'ERR_ACTION_FAILED']);
    assert.equal(events.at(-1)?.kind, 'failed');
  });

test('createEngine() writes down and tells what was refused', async () => {
  const { engine, start, events, runs } = await begin({}, []);
  const { id } = await start();
  assert.equal((await engine.ended(id, AbortSignal.timeout(120_000))).code, 'ERR_ACTION_OFF');
  assert.deepEqual(
    events.map(({ kind, action, code }) => [kind, action, code]),
    [['failed', 'own.deed', 'ERR_ACTION_OFF']],
  );
  const outcome = (await runs.memory(id)).find(({ key }) => key.endsWith('/outcome'));
  const { code, action } = (outcome?.value ?? {}) as JsonObject;
  assert.deepEqual([code, action], ['ERR_ACTION_OFF', 'own.deed']);
});

test('createEngine() goes on with a run when the database is back, and does nothing twice', {
  timeout: 600_000,
}, async () => {
  let acted = 0;
  let lock: DatabaseSync | undefined;
  const { path, store, engine, start } = await begin({
    probe: async () => (acted === 0 ? { state: 'not-done' } : { state: 'done', done: {} }),
    async act() {
      acted++;
      // Somebody else holds the database from here on.
      lock = new DatabaseSync(path);
      lock.exec('BEGIN EXCLUSIVE');
      return {};
    },
  });
  const { id } = await start();
  for (const until = Date.now() + 120_000; store.health().state !== 'away'; await wait(20))
    assert.ok(Date.now() < until, 'the store does not notice');
  await wait(700);
  lock?.exec('ROLLBACK');
  lock?.close();
  for (const until = Date.now() + 120_000; store.health().state !== 'open'; await wait(20))
    assert.ok(Date.now() < until, 'the store is not back');
  assert.equal((await engine.ended(id, AbortSignal.timeout(120_000))).state, 'done');
  assert.equal(acted, 1);
});

test('createEngine() takes a database that an action found away for no failure of the step', async () => {
  let tried = 0;
  const { engine, start, events } = await begin({
    async act() {
      if (tried++ === 0) throw new RempartError('ERR_STORE_AWAY', { seconds: 1 });
      return {};
    },
  });
  assert.equal((await engine.ended((await start()).id, AbortSignal.timeout(120_000))).state, 'done');
  assert.deepEqual([tried, events.filter(({ kind }) => kind === 'failed').length], [2, 0]);
});
