// Which containers an action is done to: those that are meant, none that is protected or Rempart's own, and not the last model.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { carryOut, code, services, three, withRig } from './actions.fixture.ts';
import { idOf, profile } from './engine.fixture.ts';

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
