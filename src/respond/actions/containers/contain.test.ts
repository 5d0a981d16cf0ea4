// Containers taken out of use: stopped, killed, paused, disconnected, and put back as they were.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carryOut, code, stateOf, withRig } from './actions.fixture.ts';
import { idOf } from './engine.fixture.ts';

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
