// Services of a deployment profile through the engine's API: stopped, started, waited for, and told apart from what cannot be reached.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createServiceActuator } from '../src/app/service-actuator.ts';
import { RempartError } from '../src/platform/base/errors.ts';
import { profile, startRig } from '../src/respond/actions/containers/engine.fixture.ts';

const { signal } = new AbortController();

async function rig(t: { after(work: () => unknown): void }, health?: string) {
  const deployment = profile([
    {
      name: 'core',
      container: 'core',
      role: 'core',
      order: 1,
      ...(health === undefined ? {} : { health: { url: health, within: '2s' } }),
    },
    { name: 'unit', unit: 'unit.service', role: 'core', order: 2 },
  ]);
  const engine = await startRig(deployment, [{ name: 'core', state: 'running' }]);
  t.after(engine.close);
  return { engine, services: createServiceActuator({ deployment, engine: () => engine.engine, protected: [], fetch }) };
}

test('createServiceActuator() stops and starts a service through the engine', async (t) => {
  const { engine, services } = await rig(t);
  assert.equal(await services.isRunning('core'), true);
  await services.stop(['core'], signal);
  assert.equal(await services.isRunning('core'), false);
  await services.stop(['core'], signal);
  await services.start(['core'], signal);
  assert.equal(await services.isRunning('core'), true);
  assert.deepEqual(engine.calls, ['stop core', 'start core']);
});

test('createServiceActuator() waits until a service answers well, and says when it does not', async (t) => {
  let well = 0;
  const server = createServer((_req, res) => res.writeHead(well-- > 0 ? 503 : 200).end());
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const { services } = await rig(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`);
  await services.stop(['core'], signal);
  well = 1;
  await services.start(['core'], signal);
  well = 1_000;
  await services.stop(['core'], signal);
  await assert.rejects(services.start(['core'], signal), { code: 'ERR_SERVICE_UNHEALTHY' });
});

test('createServiceActuator() cannot tell of a service that is no container, nor without an engine', async (t) => {
  const { services } = await rig(t);
  await assert.rejects(services.isRunning('unit'), RempartError);
  const deployment = profile([{ name: 'core', role: 'core', order: 1 }]);
  const engine = () => {
    throw new RempartError('ERR_ENGINE_NONE');
  };
  await assert.rejects(createServiceActuator({ deployment, engine, protected: [], fetch }).isRunning('core'), {
    code: 'ERR_ENGINE_NONE',
  });
});
