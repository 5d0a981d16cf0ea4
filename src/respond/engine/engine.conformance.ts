// What the engine promises, whatever the database: run by engine.test.ts on each of them.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { JsonObject } from '../../platform/base/json.ts';
import { openStore, type Store, type StoreLocation } from '../../platform/store/store.ts';
import { createActions } from './action.ts';
import { type AllowanceSettings, createAllowance, defaultAllowance } from './allowance.ts';
import { createEngine, type Engine, type StartRun } from './engine.ts';
import { actionStep, exampleActions, examplePlaybook, stepId } from './example.ts';
import type { StepEvent } from './perform.ts';
import { createRunLog } from './run-log.ts';
import { createTasks } from './tasks.ts';

const end = (n: number) => ({ [stepId('end', n)]: { type: 'end' } });
const then = (type: string, n: number) => ({ on_completion: stepId(type, n) });
const note = (line: string, next: JsonObject, extension: JsonObject = {}) =>
  actionStep('example.note', { line }, next, extension);

/** Every kind of step but the calling of another playbook. */
export const everyKind: JsonObject = {
  [stepId('action', 1)]: note('one', then('parallel', 2)),
  [stepId('parallel', 2)]: {
    type: 'parallel',
    next_steps: [stepId('action', 3), stepId('action', 4)],
    ...then('action', 5),
  },
  [stepId('action', 3)]: note('left', then('end', 3)),
  [stepId('action', 4)]: note('right', then('end', 4)),
  [stepId('action', 5)]: actionStep(
    'example.give',
    { value: 'yes' },
    { out_args: ['__found__'], ...then('if-condition', 6) },
  ),
  [stepId('if-condition', 6)]: {
    type: 'if-condition',
    condition: "__found__:value = 'yes'",
    on_true: stepId('action', 7),
    ...then('while-condition', 8),
  },
  [stepId('action', 7)]: note('true', then('end', 7)),
  [stepId('while-condition', 8)]: {
    type: 'while-condition',
    condition: "__round__:value != 'over'",
    on_true: stepId('action', 9),
    ...then('switch-condition', 11),
  },
  [stepId('action', 9)]: note('round', then('action', 10)),
  [stepId('action', 10)]: actionStep(
    'example.give',
    { value: 'over' },
    { out_args: ['__round__'], ...then('end', 10) },
  ),
  [stepId('switch-condition', 11)]: {
    type: 'switch-condition',
    switch: '__found__:value',
    cases: { no: stepId('action', 13), yes: stepId('action', 12) },
    ...then('end', 12),
  },
  [stepId('action', 12)]: note('case', then('end', 11)),
  [stepId('action', 13)]: note('other case', then('end', 13)),
  ...Object.assign({}, ...[3, 4, 7, 10, 11, 12, 13].map(end)),
};
const variables = {
  playbook_variables: {
    __found__: { type: 'string', value: 'no' },
    __round__: { type: 'string', value: 'first' },
  },
};
const linesOfEveryKind = ['case', 'left', 'one', 'right', 'round', 'true'];

/** `stride` 1 kills at every boundary, which takes a minute; 9 at every ninth. */
export function testEngine(name: string, locate: () => StoreLocation, stride: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-engine-'));
  let store: Store;
  const engines: Engine[] = [];
  before(async () => {
    store = await openStore(locate());
  });
  after(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  let files = 0;
  /** One engine at a time: any of them takes any run of the store. */
  async function begin(allowance: Partial<AllowanceSettings> = {}) {
    await Promise.all(engines.map((engine) => engine.close()));
    const file = join(folder, `effects-${files++}`);
    const events: StepEvent[] = [];
    const tasks = createTasks(store);
    const engine = createEngine(
      {
        store,
        runs: createRunLog(store),
        tasks,
        actions: createActions(exampleActions(file)),
        allowance: createAllowance({ ...defaultAllowance, enabled: ['example.*'], ...allowance }, Date.now),
        log: console,
        now: Date.now,
        tell: async (event) => void events.push(event),
        tellRun: async () => undefined,
        findPlaybook: async () =>
          examplePlaybook({ [stepId('action', 1)]: note('called', then('end', 1)), ...end(1) }).read.playbook,
      },
      { leaseMs: 1_000, everyMs: 20, most: 4 },
    );
    engines.push(engine);
    const lines = () => linesOf(file);
    const run = async (workflow: JsonObject, more: JsonObject = {}, given: Partial<StartRun> = {}) => {
      const record = await engine.start({
        ...examplePlaybook(workflow, more),
        incident: null,
        requestedBy: 'ada',
        ...given,
      });
      return record.id;
    };
    const ended = (id: string) => engine.ended(id, AbortSignal.timeout(120_000));
    return { engine, events, tasks, lines, run, ended };
  }

  test(`createEngine() on ${name} carries every kind of step out`, async () => {
    const { run, ended, lines, engine } = await begin();
    const id = await run(everyKind, variables);
    assert.equal((await ended(id)).state, 'done');
    assert.deepEqual(lines().sort(), linesOfEveryKind);
    assert.equal(await engine.undo(id), linesOfEveryKind.length);
    assert.deepEqual(lines(), []);
    assert.equal(await engine.undo(id), 0, 'what is undone is not undone again');
  });

  test(`createEngine() on ${name} answers a failure by on_failure, then by workflow_exception`, async () => {
    const { run, ended, lines } = await begin();
    const failing = (next: JsonObject) => actionStep('example.fail', {}, next);
    const caught = await run({
      [stepId('action', 1)]: failing({ on_success: stepId('end', 1), on_failure: stepId('action', 2) }),
      [stepId('action', 2)]: note('instead', then('end', 1)),
      ...end(1),
    });
    assert.equal((await ended(caught)).state, 'done');
    assert.deepEqual(lines(), ['instead']);
    const uncaught = await run(
      {
        [stepId('action', 1)]: note('undone', then('action', 2), { compensate: true }),
        [stepId('action', 2)]: failing(then('end', 1)),
        [stepId('action', 3)]: note('exception', then('end', 1)),
        ...end(1),
      },
      { workflow_exception: stepId('action', 3) },
    );
    const { state, code } = await ended(uncaught);
    assert.deepEqual({ state, code }, { state: 'failed', code: 'ERR_ACTION_FAILED' });
    assert.deepEqual(lines(), ['instead', 'exception'], 'what was marked is undone');
  });

  test(`createEngine() on ${name} ends a step at its timeout and waits its delay`, async () => {
    const { run, ended, lines } = await begin();
    const began = Date.now();
    const id = await run({
      [stepId('action', 1)]: actionStep(
        'example.slow',
        { ms: 30_000 },
        { timeout: 100, on_success: stepId('end', 1), on_failure: stepId('action', 2) },
      ),
      [stepId('action', 2)]: note('late', { delay: 300, ...then('end', 1) }),
      ...end(1),
    });
    assert.equal((await ended(id)).state, 'done');
    assert.deepEqual(lines(), ['late']);
    assert.ok(Date.now() - began >= 390, `it took ${Date.now() - began} ms`);
  });

  test(`createEngine() on ${name} asks people: nobody approves what they asked for, and a denial does nothing`, async () => {
    const { run, ended, tasks, lines } = await begin();
    const asking = () =>
      run({
        [stepId('action', 1)]: note('approved', then('end', 1), { approval: { quorum: 2, ttl: 60_000 } }),
        ...end(1),
      });
    const [first, second] = [await asking(), await asking()];
    const task = await opened(tasks, first);
    await assert.rejects(tasks.decide(task.id, { by: 'ada', grant: true }), { code: 'ERR_TASK_OWN' });
    await assert.rejects(tasks.decide(task.id, { by: 'bob', grant: true, planHash: 'another' }), {
      code: 'ERR_TASK_PLAN',
    });
    assert.equal((await tasks.decide(task.id, { by: 'bob', grant: true, planHash: task.planHash })).state, 'open');
    assert.equal((await tasks.decide(task.id, { by: 'bob', grant: true })).state, 'open', 'one voice each');
    assert.equal((await tasks.decide(task.id, { by: 'eve', grant: true })).state, 'granted');
    assert.equal((await ended(first)).state, 'done');
    await tasks.decide((await opened(tasks, second)).id, { by: 'bob', grant: false });
    const denied = await ended(second);
    assert.deepEqual([denied.state, denied.code], ['failed', 'ERR_ACTION_DENIED']);
    assert.deepEqual(lines(), ['approved']);
  });

  test(`createEngine() on ${name} refuses what is off, protected or too much, and asks when a class acts too often`, async () => {
    const { run, ended, tasks, lines } = await begin({ protected: ['crown'], perWindow: { contain: 1 } });
    const alone = (line: string) => ({ [stepId('action', 1)]: note(line, then('end', 1)), ...end(1) });
    assert.equal((await ended(await run(alone('crown')))).code, 'ERR_ACTION_PROTECTED');
    assert.equal((await ended(await run(alone('one')))).state, 'done');
    const second = await run(alone('two'));
    await tasks.decide((await opened(tasks, second)).id, { by: 'bob', grant: true });
    assert.equal((await ended(second)).state, 'done');
    assert.deepEqual(lines(), ['one', 'two']);
    const off = await begin({ enabled: [] });
    assert.equal((await off.ended(await off.run(alone('three')))).code, 'ERR_ACTION_OFF');
  });

  test(`createEngine() on ${name} undoes by itself what was to last for a time only`, async () => {
    const { run, ended, lines } = await begin();
    const id = await run({ [stepId('action', 1)]: note('a while', then('end', 1), { undo_after: 1_000 }), ...end(1) });
    await ended(id);
    assert.deepEqual(lines(), ['a while']);
    for (const until = Date.now() + 120_000; lines().length > 0; await new Promise((done) => setTimeout(done, 50)))
      assert.ok(Date.now() < until, 'it is still there');
  });

  test(`createEngine() on ${name} carries out a playbook that another one calls`, async () => {
    const { run, ended, lines } = await begin();
    const id = await run({
      [stepId('action', 1)]: note('caller', then('playbook-action', 2)),
      [stepId('playbook-action', 2)]: {
        type: 'playbook-action',
        playbook_id: stepId('playbook', 1),
        ...then('end', 1),
      },
      ...end(1),
    });
    assert.equal((await ended(id)).state, 'done');
    assert.deepEqual(lines(), ['caller', 'called']);
  });

  test(`createEngine() on ${name} ends what leads back before itself for ever`, async () => {
    const { run, ended } = await begin();
    const id = await run(
      {
        [stepId('action', 1)]: actionStep('example.give', { value: 'x' }, then('if-condition', 2)),
        [stepId('if-condition', 2)]: {
          type: 'if-condition',
          condition: "__found__:value = 'no'",
          on_true: stepId('action', 1),
          ...then('end', 1),
        },
        ...end(1),
      },
      variables,
    );
    assert.equal((await ended(id)).code, 'ERR_PLAYBOOK_ENDLESS');
  });

  test(`createEngine() on ${name} ends by a step what an earlier step did, and fails where that did nothing`, async () => {
    const { run, ended, lines, engine } = await begin();
    const undo = (step: string, next: JsonObject) => actionStep('step.undo', { step }, next);
    const steps = (named: string) => ({
      [stepId('action', 1)]: note('for a time', then('action', 2)),
      [stepId('action', 2)]: undo(named, { on_success: stepId('end', 1), on_failure: stepId('action', 3) }),
      [stepId('action', 3)]: note('by hand', { name: 'later', ...then('end', 1) }),
      ...end(1),
    });
    const once = await run(steps('example.note'));
    assert.equal((await ended(once)).state, 'done');
    assert.deepEqual(lines(), []);
    assert.equal(await engine.undo(once), 0, 'what a step ended is not undone again');
    assert.equal((await ended(await run(steps('later')))).state, 'done');
    assert.deepEqual(lines(), ['for a time', 'by hand']);
  });

  test(`createEngine() on ${name} foretells the way that a refused action leads to`, async () => {
    const { engine, lines } = await begin({ enabled: [] });
    const workflow = {
      [stepId('action', 1)]: note('refused', { on_success: stepId('end', 1), on_failure: stepId('action', 2) }),
      [stepId('action', 2)]: actionStep('example.give', { value: 'x' }, then('end', 1)),
      ...end(1),
    };
    const { steps } = await engine.foretell({ ...examplePlaybook(workflow), incident: null, requestedBy: 'ada' });
    assert.deepEqual(
      steps.map(({ action, refusal }) => [action, refusal]),
      [
        ['example.note', 'ERR_ACTION_OFF'],
        ['example.give', undefined],
      ],
    );
    assert.deepEqual(lines(), []);
  });

  test(`createEngine() on ${name} foretells what it would do and does none of it`, async () => {
    const { engine, lines } = await begin();
    const example = examplePlaybook(everyKind, variables);
    const { steps, end: foretold } = await engine.foretell({ ...example, incident: null, requestedBy: 'ada' });
    assert.equal(foretold.state, 'done');
    const planned = steps.flatMap(({ effects }) => effects.map(({ target }) => target));
    assert.deepEqual(planned.sort(), ['case', 'left', 'one', 'other case', 'right', 'round', 'true'], 'both ways');
    assert.deepEqual(lines(), []);
  });

  test(`createEngine() on ${name} goes on after kill -9 at ${stride === 1 ? 'every boundary' : `every ${stride}th boundary`}: no step lost, no effect twice`, {
    timeout: 900_000,
  }, async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    const log = createRunLog(store);
    let boundaries = 1;
    const { read, text } = examplePlaybook(everyKind, variables);
    for (let killAt = 0; killAt <= boundaries; killAt += stride) {
      const file = join(folder, `crash-${killAt}`);
      const run = `run_crash_${killAt}`;
      const { id: playbook, name: playbookName } = read.playbook;
      await log.create({
        id: run,
        playbook,
        playbookName,
        playbookHash: read.hash,
        playbookText: text,
        incident: run,
        given: {},
        requestedBy: 'ada',
      });
      const first = await crash({ location: locate(), run, file, killAt });
      if (killAt === 0) {
        assert.equal(first.state, 'done');
        boundaries = first.passed;
        assert.ok(boundaries > 40, `${boundaries} boundaries`);
      } else {
        // How many there are depends on how often a slow machine looks: a run may be over before the last ones.
        assert.ok(first.killed || (killAt > 40 && first.state === 'done'), `killed at ${killAt}`);
        // The last boundary comes after the end was written down.
        const { state } = await crash({ location: locate(), run, file, killAt: 0 });
        assert.equal(state, 'done');
      }
      assert.deepEqual(linesOf(file).sort(), linesOfEveryKind, `killed at boundary ${killAt} of ${boundaries}`);
    }
  });
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.slice(0, line.lastIndexOf(' ')));
  } catch {
    return [];
  }
}

async function opened(tasks: ReturnType<typeof createTasks>, run: string) {
  for (const until = Date.now() + 120_000; ; await new Promise((done) => setTimeout(done, 20))) {
    const [task] = await tasks.list({ run, state: 'open' });
    if (task !== undefined) return task;
    assert.ok(Date.now() < until, 'nobody was asked');
  }
}

function crash(given: JsonObject): Promise<{ state?: string; passed: number; killed: boolean }> {
  return new Promise((resolve, reject) => {
    const child = join(import.meta.dirname, 'crash-child.ts');
    execFile(process.execPath, [child, JSON.stringify(given)], { timeout: 30_000 }, (error, stdout, stderr) => {
      if (error !== null && error.signal !== 'SIGKILL') return reject(new Error(stderr || error.message));
      const [last = '{}'] = stdout.trim().split('\n').slice(-1);
      resolve({ passed: 0, killed: error?.signal === 'SIGKILL', ...(JSON.parse(last || '{}') as object) });
    });
  });
}
