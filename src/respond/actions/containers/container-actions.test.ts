import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { RempartError } from '../../../platform/base/errors.ts';
import {
  contextFor,
  type FakeContainer,
  idOf,
  profile,
  type Rig,
  secretOfProcess,
  startRig,
} from './engine.fixture.ts';
import type { ContainerParts } from './parts.ts';

const services = [
  { name: 'watch', role: 'monitoring', order: 1 },
  { name: 'core', role: 'core', order: 2, container: 'shop-core-1' },
  { name: 'model', role: 'model', order: 3 },
  { name: 'llm-host', role: 'model', order: 4, unit: 'ollama.service' },
];
const three = (): FakeContainer[] => [
  { name: 'watch', state: 'running' },
  { name: 'shop-core-1', state: 'running', networks: ['front', 'back'] },
  { name: 'model', state: 'running' },
  { name: 'guest', state: 'running' },
];

async function withRig<T>(
  use: (rig: Rig) => Promise<T>,
  more: Partial<ContainerParts> = {},
  given = three(),
): Promise<T> {
  const rig = await startRig(profile(services), given, more);
  try {
    return await use(rig);
  } finally {
    await rig.close();
  }
}

/** Planned and done as the engine does it. */
async function carryOut(rig: Rig, name: string, given: object, context = contextFor()) {
  const action = rig.action(name);
  const args = action.args.parse(given);
  const plan = await action.plan(args, context);
  const before = JSON.parse(JSON.stringify(plan.before));
  const done = await action.act(args, context, before);
  return {
    plan,
    done,
    probe: () => action.probe(args, context, before),
    undo: () => action.undo!(args, context, before),
  };
}

const code = (wanted: string) => (error: unknown) => error instanceof RempartError && error.code === wanted;
const stateOf = (rig: Rig, name: string) => rig.containers.get(name)?.state;

for (const [verb, to] of [
  ['stop', 'exited'],
  ['kill', 'exited'],
  ['pause', 'paused'],
] as const)
  test(`containers.${verb} takes what is meant out of use and nothing else, and undo puts it back, twice as well`, () =>
    withRig(async (rig) => {
      const { plan, probe, undo } = await carryOut(rig, `containers.${verb}`, { select: { roles: ['core'] } });
      assert.deepEqual(plan.effects, [{ target: 'core', change: verb, from: 'running', to }]);
      assert.equal(stateOf(rig, 'shop-core-1'), to);
      assert.deepEqual(rig.calls, [`${verb} shop-core-1`]);
      assert.equal((await probe()).state, 'done');
      await undo();
      await undo();
      assert.equal(stateOf(rig, 'shop-core-1'), 'running');
      assert.equal(rig.calls.length, 2);
      assert.equal((await probe()).state, 'not-done');
    }));

test('containers.kill leaves a container that was stopped as it is, also when it is undone', () =>
  withRig(async (rig) => {
    rig.containers.get('shop-core-1')!.state = 'exited';
    const { plan, undo } = await carryOut(rig, 'containers.kill', { select: { services: ['core'] } });
    await undo();
    assert.deepEqual([plan.effects, rig.calls], [[], []]);
  }));

test('containers.kill kills again what a restart policy brings back, and says so when it does not end', () =>
  withRig(async (rig) => {
    rig.containers.get('guest')!.revives = 2;
    await carryOut(rig, 'containers.kill', { select: { container: 'guest' } });
    assert.equal(stateOf(rig, 'guest'), 'exited');
    Object.assign(rig.containers.get('guest')!, { revives: 1_000, state: 'running' });
    await assert.rejects(
      carryOut(rig, 'containers.kill', { select: { container: 'guest' } }),
      code('ERR_CONTAINER_STILL'),
    );
  }));

test('containers.kill kills the others when one of them resists', () =>
  withRig(async (rig) => {
    rig.fail = { path: new RegExp(`${idOf('watch')}/kill`), status: 500 };
    const given = { select: { services: ['watch', 'core'] } };
    await assert.rejects(carryOut(rig, 'containers.kill', given), code('ERR_CONTAINER_STILL'));
    assert.deepEqual([stateOf(rig, 'watch'), stateOf(rig, 'shop-core-1')], ['running', 'exited']);
  }));

const unknown: [object, string][] = [
  [{ services: ['guest'] }, 'ERR_SELECT_UNKNOWN'],
  [{ container: 'gues' }, 'ERR_SELECT_UNKNOWN'],
  [{ container: '../guest' }, 'ERR_SELECT_UNKNOWN'],
  [{ services: ['llm-host'] }, 'ERR_SELECT_UNIT'],
];
for (const [select, wanted] of unknown)
  test(`containers.stop refuses ${JSON.stringify(select)} with ${wanted}`, () =>
    withRig(async (rig) => {
      await assert.rejects(carryOut(rig, 'containers.stop', { select }), code(wanted));
      assert.deepEqual(rig.calls, []);
    }));

test('containers.stop refuses a protected container by whichever of its names it is called', () =>
  withRig(
    async (rig) => {
      for (const select of [{ container: 'shop-core-1' }, { services: ['core'] }, { container: idOf('shop-core-1') }])
        await assert.rejects(carryOut(rig, 'containers.stop', { select }), code('ERR_ACTION_PROTECTED'));
    },
    { protected: ['core'] },
  ));

test('containers.stop never stops the container that Rempart itself runs in', () =>
  withRig(
    async (rig) => {
      const select = { container: 'guest' };
      await assert.rejects(carryOut(rig, 'containers.stop', { select }), code('ERR_ACTION_PROTECTED'));
      const { done } = await carryOut(rig, 'containers.stop', { select: { roles: ['core'] } });
      assert.deepEqual(done.evidence?.['containers'], ['core']);
    },
    { hostname: idOf('guest').slice(0, 12) },
  ));

test('containers.stop finds a service by the label of its compose project, not of another project', () =>
  withRig(
    async (rig) => {
      await carryOut(rig, 'containers.stop', { select: { services: ['watch'] } });
      assert.deepEqual(rig.calls, ['stop shop-watch-1']);
    },
    {},
    ['shop', 'other'].map((project) => ({
      name: `${project}-watch-1`,
      state: 'running',
      labels: { 'com.docker.compose.service': 'watch', 'com.docker.compose.project': project },
    })),
  ));

for (const action of ['containers.stop', 'containers.kill', 'containers.pause', 'containers.disconnect'])
  test(`${action} refuses the last model that is well, and asks people when it is told that it is meant`, () =>
    withRig(async (rig) => {
      rig.containers.get('model')!.networks = ['back'];
      const select = { services: ['model'] };
      await assert.rejects(carryOut(rig, action, { select }), code('ERR_ACTION_LAST_MODEL'));
      const { plan } = await carryOut(rig, action, { select, evenLast: true });
      assert.equal(plan.askFirst, true);
    }));

test('containers.stop stops a model that is not well, and one beside which another is', async () => {
  const server = createServer((_request, response) => response.end('ok'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
  try {
    await withRig(async (rig) => {
      rig.containers.get('model')!.health = 'unhealthy';
      await carryOut(rig, 'containers.stop', { select: { services: ['model'] } });
    });
    const other = { name: 'other', role: 'model', order: 5, unit: 'ollama.service', health: { url } };
    await withRig(
      async (rig) => {
        const { plan } = await carryOut(rig, 'containers.stop', { select: { services: ['model'] } });
        assert.equal(plan.askFirst, undefined);
      },
      { deployment: profile([...services, other]) },
    );
  } finally {
    server.close();
  }
});

test('containers.stop takes one of two models that are well, and not both', () =>
  withRig(
    async (rig) => {
      const both = { select: { roles: ['model'] } };
      await assert.rejects(carryOut(rig, 'containers.stop', both), code('ERR_ACTION_LAST_MODEL'));
      await carryOut(rig, 'containers.stop', { select: { services: ['model'] } });
      assert.deepEqual(rig.calls, ['stop model']);
      const last = { select: { services: ['second'] } };
      await assert.rejects(carryOut(rig, 'containers.stop', last), code('ERR_ACTION_LAST_MODEL'));
    },
    { deployment: profile([...services, { name: 'second', role: 'model', order: 5 }]) },
    [...three(), { name: 'second', state: 'running' }],
  ));

test('containers.disconnect takes a container off its networks and undo connects it as it was', () =>
  withRig(async (rig) => {
    const { plan, probe, undo } = await carryOut(rig, 'containers.disconnect', { select: { services: ['core'] } });
    assert.deepEqual(
      plan.effects.map(({ from }) => from),
      ['front', 'back'],
    );
    assert.deepEqual(rig.containers.get('shop-core-1')?.networks, []);
    assert.equal((await probe()).state, 'done');
    await undo();
    await undo();
    assert.deepEqual(rig.containers.get('shop-core-1')?.networks, ['front', 'back']);
    assert.equal(rig.calls.length, 4);
  }));

test('containers.disconnect says that it cannot when the network is the host’s', () =>
  withRig(async (rig) => {
    Object.assign(rig.containers.get('guest')!, { networkMode: 'host' });
    await assert.rejects(
      carryOut(rig, 'containers.disconnect', { select: { container: 'guest' } }),
      code('ERR_CONTAINER_NETWORK'),
    );
  }));

for (const action of ['containers.kill', 'containers.disconnect'])
  test(`${action} has nothing to undo for a container that is there no more`, () =>
    withRig(async (rig) => {
      const { probe, undo } = await carryOut(rig, action, { select: { services: ['core'] } });
      const calls = rig.calls.length;
      rig.containers.delete('shop-core-1');
      await undo();
      assert.equal((await probe()).state, 'done');
      assert.equal(rig.calls.length, calls);
    }));

test('containers.restart restarts after a crash only what had not been', () =>
  withRig(async (rig) => {
    const action = rig.action('containers.restart');
    const args = action.args.parse({ select: { services: ['watch', 'core'] } });
    const { before } = await action.plan(args, contextFor());
    await rig.engine.restart('watch');
    assert.equal((await action.probe(args, contextFor(), before)).state, 'not-done');
    await action.act(args, contextFor(), before);
    assert.deepEqual(rig.calls, ['restart watch', 'restart shop-core-1']);
    assert.equal((await action.probe(args, contextFor(), before)).state, 'done');
  }));

test('containers.start-staged starts in the order of the profile, the model last whatever order is given', () =>
  withRig(async (rig) => {
    for (const one of rig.containers.values()) one.state = 'exited';
    const given = { roles: ['model', 'monitoring', 'core'], health: true };
    const { probe, undo } = await carryOut(rig, 'containers.start-staged', given);
    assert.deepEqual(rig.calls, ['start watch', 'start shop-core-1', 'start model']);
    assert.equal((await probe()).state, 'done');
    await undo();
    assert.deepEqual(rig.calls.slice(3), ['stop model', 'stop shop-core-1', 'stop watch']);
    assert.equal(stateOf(rig, 'guest'), 'exited');
  }));

test('containers.start-staged starts nothing after a service that is not well', async () => {
  let answers = 0;
  const server = createServer((_request, response) => {
    answers++;
    response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
  const [watch, ...others] = services;
  const deployment = profile([{ ...watch, health: { url, within: '600ms' } }, ...others]);
  try {
    await withRig(
      async (rig) => {
        for (const one of rig.containers.values()) one.state = 'exited';
        const given = { roles: ['monitoring', 'core'], health: true };
        await assert.rejects(carryOut(rig, 'containers.start-staged', given), code('ERR_SERVICE_UNHEALTHY'));
        assert.deepEqual(rig.calls, ['start watch']);
        assert.ok(answers > 1);
      },
      { deployment },
    );
  } finally {
    server.close();
  }
});

test('compose.down stops every service, last started first, keeps Rempart’s own, and undo starts them in order', () =>
  withRig(
    async (rig) => {
      const { done, undo } = await carryOut(rig, 'compose.down', { evenLast: true });
      assert.deepEqual(rig.calls, ['stop model', 'stop shop-core-1']);
      assert.deepEqual(done.evidence?.['own'], ['watch']);
      assert.equal(stateOf(rig, 'guest'), 'running');
      await undo();
      assert.deepEqual(rig.calls.slice(2), ['start shop-core-1', 'start model']);
    },
    { hostname: idOf('watch').slice(0, 12) },
  ));

test('containers.prune removes stopped containers of the profile and nobody else’s', () =>
  withRig(async (rig) => {
    rig.containers.get('watch')!.state = 'exited';
    rig.containers.get('guest')!.state = 'exited';
    const { probe, done } = await carryOut(rig, 'containers.prune', {});
    assert.deepEqual(rig.calls, ['remove watch']);
    assert.deepEqual(done.evidence, { containers: ['watch'], images: 1, bytes: 7 });
    assert.deepEqual(await probe(), { state: 'done', done: { evidence: done.evidence } });
  }));

test('compose.rebuild builds and creates, keeps what was said, and is not done twice', async () => {
  const asked: string[] = [];
  const say = (what: string) => async () => {
    asked.push(what);
    return `${what} went well\n`;
  };
  await withRig(
    async (rig) => {
      const { plan, probe } = await carryOut(rig, 'compose.rebuild', {});
      assert.deepEqual(asked, ['build', 'create']);
      assert.deepEqual(
        plan.effects.map(({ target }) => target),
        ['watch', 'core', 'model'],
      );
      assert.equal((await probe()).state, 'done');
    },
    { compose: async () => ({ name: 'compose', build: say('build'), create: say('create') }) },
  );
});

test('containers.save-logs keeps what was written in files of its owner only, however the incident is called', () =>
  withRig(async (rig) => {
    rig.containers.get('guest')!.log = 'hello\n';
    const context = contextFor('k'.repeat(40), { incident: '../../etc/\u001b[31m' });
    const { done, probe } = await carryOut(rig, 'containers.save-logs', { select: { container: 'guest' } }, context);
    const [folder] = readdirSync(rig.evidenceDir);
    assert.match(folder ?? '', /^etc-31m-[0-9a-f]{10}$/);
    const [kept] = done.evidence!['logs'] as { file: string; sha256: string; bytes: number }[];
    const file = join(rig.evidenceDir, kept?.file ?? '');
    assert.equal(readFileSync(file, 'utf8'), 'hello\n');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(kept?.sha256, '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03');
    rig.containers.get('guest')!.log = 'forged\n';
    assert.deepEqual(await probe(), { state: 'done', done: { evidence: done.evidence } });
  }));

test('containers.audit keeps what a container holds without the secrets of its processes', () =>
  withRig(async (rig) => {
    const { done } = await carryOut(rig, 'containers.audit', { select: { services: ['core'] } });
    const [audit] = done.evidence!['audits'] as { file: string; asRoot: number; changes: number; sockets: null }[];
    assert.deepEqual([audit?.asRoot, audit?.changes, audit?.sockets], [1, 1, null]);
    const text = readFileSync(join(rig.evidenceDir, audit?.file ?? ''), 'utf8');
    const report = JSON.parse(text);
    assert.match(report.processes[0].command, /^app --token /);
    assert.ok(!text.includes(secretOfProcess));
    assert.equal(report.changes.shown[0].path, '/etc/passwd');
  }));

test('health.check answers false for one that is paused, unhealthy or away, and true when all are well', () =>
  withRig(async (rig) => {
    const out = async (select: object) =>
      (await carryOut(rig, 'health.check', { select }, contextFor('key', { outArgs: ['__well__'] }))).done.out;
    assert.deepEqual(await out({ roles: ['monitoring', 'core'] }), { __well__: 'true' });
    rig.containers.get('watch')!.health = 'unhealthy';
    assert.deepEqual(await out({ roles: ['monitoring', 'core'] }), { __well__: 'false' });
    rig.containers.get('watch')!.health = '';
    rig.containers.get('watch')!.state = 'paused';
    assert.deepEqual(await out({ services: ['watch'] }), { __well__: 'false' });
    rig.containers.delete('watch');
    assert.deepEqual(await out({ services: ['watch'] }), { __well__: 'false' });
    assert.deepEqual(await out({ services: ['llm-host'] }), { __well__: 'false' });
    assert.deepEqual(await out({ roles: ['data'] }), { __well__: 'false' });
  }));

test('the actions upon containers answer unknown to a probe when the engine is away', () =>
  withRig(async (rig) => {
    const { probe } = await carryOut(rig, 'containers.kill', { select: { container: 'guest' } });
    rig.fail = { path: /./, status: 500 };
    assert.deepEqual(await probe(), { state: 'unknown' });
  }));
