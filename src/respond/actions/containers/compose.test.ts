// The deployment as a whole: taken down, cleared of what is stopped, built anew.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carryOut, stateOf, withRig } from './actions.fixture.ts';
import { idOf } from './engine.fixture.ts';

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
