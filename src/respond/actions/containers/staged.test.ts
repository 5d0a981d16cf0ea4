// Services back at work: restarted once, or started in the order of the profile, each when those before it are well.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { carryOut, code, services, stateOf, withRig } from './actions.fixture.ts';
import { contextFor, profile } from './engine.fixture.ts';

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
