import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { RempartError } from '../../platform/base/errors.ts';
import { rollbackSchema } from '../../platform/documents/rollback.ts';
import type { ServiceActuator } from '../actuators.ts';
import { openGit } from './git.ts';
import { createRollback, type RollbackParts } from './rollback.ts';
import { hour, stateRig } from './state-rig.ts';

const states = [
  { name: 'zeroia', path: 'zeroia.toml', format: 'toml', owner: 'zeroia' },
  { name: 'memory', path: 'memory.json', format: 'json' },
];
const services = [
  { name: 'model', role: 'model' as const, order: 1 },
  { name: 'zeroia', role: 'core' as const, order: 2 },
  { name: 'gate', role: 'gateway' as const, order: 3 },
  { name: 'watch', role: 'monitoring' as const, order: 9 },
];

interface Options {
  git?: boolean;
  noEngine?: boolean;
  more?: Partial<RollbackParts>;
}

function rollbackRig(t: { after(work: () => void): void }, { git = false, noEngine = false, more = {} }: Options = {}) {
  const rig = stateRig(states);
  t.after(rig.close);
  const up = new Set(services.map(({ name }) => name));
  const deeds: string[] = [];
  const actuator: ServiceActuator = {
    async isRunning(name) {
      if (noEngine) throw new RempartError('ERR_ENGINE_NONE');
      return up.has(name);
    },
    async stop(names) {
      for (const name of names) deeds.push(`stop ${name}`);
      for (const name of names) up.delete(name);
    },
    async start(names) {
      for (const name of names) deeds.push(`start ${name}`);
      for (const name of names) up.add(name);
    },
  };
  const inGit = (...args: string[]) =>
    execFileSync('git', ['-C', rig.folder, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      encoding: 'utf8',
    });
  writeFileSync(rig.path('zeroia.toml'), 'n = 1\n');
  writeFileSync(rig.path('memory.json'), '{"n":1}');
  writeFileSync(rig.path('compose.yml'), 'one\n');
  if (git) {
    inGit('init', '-q', '-b', 'main');
    inGit('add', 'compose.yml');
    inGit('commit', '-qm', 'one');
    writeFileSync(rig.path('compose.yml'), 'two\n');
    inGit('commit', '-qam', 'two');
  }
  const told: string[] = [];
  const rollback = createRollback({
    ...rig.parts,
    deployment: { services: services.map((service) => ({ ...service, pause: '0s', zones: [] })) },
    services: actuator,
    checks: [],
    tell: async ({ step }) => void told.push(`${step.step} ${step.target} ${step.state}`),
    source: async () => {
      const opened = await openGit(rig.folder, process.env['PATH'] ?? '');
      if (opened === undefined) throw new RempartError('ERR_SOURCE_UNUSABLE', { what: { key: 'restore.git.outside' } });
      const apart = [rig.data, ...rig.backups.states.map(({ path }) => path)];
      return { git: opened, apart, scratch: rig.path('.rempart/scratch') };
    },
    ...more,
  });
  const backUp = async () => {
    for (const state of rig.backups.states) await rig.backups.take(state, 'asked');
    rig.clock.time += hour;
  };
  const order = (kind: 'state' | 'system', target: string) => ({ kind, target, by: 'test', before: null, run: 'rb-1' });
  const { signal } = new AbortController();
  const text = (name: string) => readFileSync(rig.path(name), 'utf8');
  return { rig, rollback, deeds, told, up, backUp, order, signal, text, inGit };
}

test('run() of a state stops its owner alone, puts the backup back, validates it, starts the owner, and can be undone', async (t) => {
  const { rig, rollback, deeds, told, backUp, order, signal, text } = rollbackRig(t);
  await backUp();
  writeFileSync(rig.path('zeroia.toml'), 'n = [');
  const done = rollbackSchema.parse(await rollback.run(order('state', 'zeroia'), signal));
  assert.equal(done.state, 'done');
  assert.deepEqual(deeds, ['stop zeroia', 'start zeroia']);
  assert.deepEqual(told, [
    'stop zeroia done',
    'evidence zeroia done',
    'restore zeroia done',
    'validate zeroia done',
    'start zeroia done',
  ]);
  assert.deepEqual([done.states[0]?.was, done.states[0]?.decision], ['syntax', 'backup']);
  assert.equal(text('zeroia.toml'), 'n = 1\n');
  const undone = rollbackSchema.parse(await rollback.undo('rb-1', 'test', signal));
  assert.equal(undone.state, 'undone');
  assert.equal(text('zeroia.toml'), 'n = [');
  assert.deepEqual(deeds.slice(2), ['stop zeroia', 'start zeroia']);
  await rollback.undo('rb-1', 'test', signal);
  assert.equal(deeds.length, 4);
});

test('run() of the system stops all in reverse, takes source and states back, starts monitoring first and the model last, and heightens monitoring', async (t) => {
  const heightened: string[] = [];
  const rigged = rollbackRig(t, { git: true, more: { heighten: async (by) => void heightened.push(by) } });
  const { rig, rollback, deeds, backUp, order, signal, text, inGit } = rigged;
  await backUp();
  writeFileSync(rig.path('zeroia.toml'), 'n = [');
  writeFileSync(rig.path('memory.json'), '{"n":2}');
  writeFileSync(rig.path('compose.yml'), 'not committed\n');
  writeFileSync(rig.path('planted.yml'), 'x\n');
  const done = rollbackSchema.parse(await rollback.run(order('system', 'system'), signal));
  assert.equal(done.state, 'done', JSON.stringify(done.steps));
  assert.deepEqual(deeds, [
    ...['stop model', 'stop gate', 'stop zeroia', 'stop watch'],
    ...['start watch', 'start zeroia', 'start gate', 'start model'],
  ]);
  assert.deepEqual([text('zeroia.toml'), text('memory.json'), text('compose.yml')], ['n = 1\n', '{"n":1}', 'one\n']);
  assert.equal(existsSync(rig.path('planted.yml')), false);
  assert.deepEqual(heightened, ['test']);
  await rollback.undo('rb-1', 'test', signal);
  assert.deepEqual(
    [text('zeroia.toml'), text('memory.json'), text('compose.yml'), text('planted.yml')],
    ['n = [', '{"n":2}', 'not committed\n', 'x\n'],
  );
  assert.equal(inGit('symbolic-ref', 'HEAD').trim(), 'refs/heads/main');
});

test('run() starts nothing upon a state that cannot be put back, and says so', async (t) => {
  const { rig, rollback, deeds, order, signal, backUp, text } = rollbackRig(t);
  await backUp();
  writeFileSync(rig.path('schema.json'), '{"required":["never there"]}');
  const state = rig.state('zeroia');
  state.schema = rig.path('schema.json');
  const done = await rollback.run(order('state', 'zeroia'), signal);
  assert.equal(done.state, 'failed');
  assert.deepEqual(deeds, ['stop zeroia']);
  const byStep = Object.fromEntries(done.steps.map((step) => [step.step, [step.state, step.code, step.why]]));
  assert.deepEqual(byStep['restore'], ['failed', 'ERR_STATE_INVALID', 'schema']);
  assert.deepEqual(byStep['start'], ['skipped', null, 'invalid']);
  assert.equal(text('zeroia.toml'), 'n = 1\n');
  assert.deepEqual(
    done.states[0]?.skipped.map(({ why }) => why),
    ['schema'],
  );
});

test('run() starts nothing when a check fails', async (t) => {
  const checks = [{ name: 'models', run: async () => false }];
  const { rollback, deeds, order, signal, backUp } = rollbackRig(t, { more: { checks } });
  await backUp();
  assert.equal((await rollback.run(order('system', 'system'), signal)).state, 'failed');
  assert.deepEqual(
    deeds.filter((deed) => deed.startsWith('start')),
    [],
  );
});

test('run() without an engine puts the states back all the same, and is incomplete', async (t) => {
  const { rig, rollback, order, signal, text, backUp } = rollbackRig(t, { noEngine: true });
  await backUp();
  writeFileSync(rig.path('zeroia.toml'), '');
  const done = await rollback.run(order('state', 'zeroia'), signal);
  assert.equal(done.state, 'incomplete');
  assert.equal(text('zeroia.toml'), 'n = 1\n');
  assert.deepEqual(
    done.steps.filter(({ state }) => state === 'unavailable').map(({ step }) => step),
    ['stop', 'start'],
  );
});

test('run() lets one rollback at a time do its work', async (t) => {
  const { rollback, order, signal, backUp } = rollbackRig(t);
  await backUp();
  const first = rollback.run(order('state', 'zeroia'), signal);
  await assert.rejects(rollback.run({ ...order('state', 'memory'), run: 'rb-2' }, signal), {
    code: 'ERR_ROLLBACK_BUSY',
  });
  assert.equal((await first).state, 'done');
});

test('foretell() says what would change and how it would be undone, and changes nothing', async (t) => {
  const { rig, rollback, deeds, order, text, backUp } = rollbackRig(t, { git: true });
  await backUp();
  writeFileSync(rig.path('zeroia.toml'), 'm = 2\nn = 3\n');
  rmSync(rig.path('memory.json'));
  mkdirSync(rig.path('memory.json'));
  const plan = rollbackSchema.parse(await rollback.foretell(order('system', 'system')));
  assert.deepEqual(
    plan.states.map(({ state, was, decision, changes }) => [state, was, decision, changes]),
    [
      [
        'zeroia',
        null,
        'backup',
        [
          { change: 'remove', path: 'm' },
          { change: 'modify', path: 'n' },
        ],
      ],
      ['memory', 'not-a-file', 'backup', [{ change: 'add', path: 'n' }]],
    ],
  );
  assert.deepEqual(plan.source?.changes, [{ change: 'modify', path: 'compose.yml' }]);
  assert.deepEqual(
    plan.undo.map(({ step, target }) => `${step} ${target}`),
    [
      ...['restore memory', 'restore zeroia', 'source source'],
      ...['start watch', 'start zeroia', 'start gate', 'start model'],
    ],
  );
  assert.equal(text('zeroia.toml'), 'm = 2\nn = 3\n');
  assert.deepEqual(deeds, []);
  assert.deepEqual(rollback.runs(), []);
});

test('undo() of a rollback that was cut short puts back what had been done', async (t) => {
  let cut = false;
  const tell = async ({ step }: { step: { step: string } }) => {
    if (cut && step.step === 'restore') throw new Error('killed');
  };
  const { rig, rollback, order, signal, text, backUp } = rollbackRig(t, { more: { tell } });
  await backUp();
  writeFileSync(rig.path('zeroia.toml'), 'n = [');
  cut = true;
  await assert.rejects(rollback.run(order('state', 'zeroia'), signal), /killed/);
  cut = false;
  assert.equal(text('zeroia.toml'), 'n = 1\n');
  assert.equal(rollback.runs()[0]?.state, 'running');
  await rollback.undo('rb-1', 'test', signal);
  assert.equal(text('zeroia.toml'), 'n = [');
});
