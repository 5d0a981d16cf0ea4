// Requests that can wait, seen from outside: a place in the queue, one answer and no second, over kill -9 and on both stores.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { askedFor, batch, type DeferredRig, keys, startDeferredRig, startPostgres } from './deferred-rig.ts';
import { until } from './instance.ts';

for (const store of ['SQLite', 'PostgreSQL'] as const)
  describe(`over ${store}`, () => {
    let rig: DeferredRig;
    const ends: (() => Promise<void>)[] = [];
    before(async () => {
      const postgres = store === 'SQLite' ? undefined : await startPostgres();
      if (postgres !== undefined) ends.push(postgres.stop);
      rig = await startDeferredRig(postgres === undefined ? {} : { DATABASE_URL: postgres.url });
      ends.unshift(rig.close);
    });
    after(async () => {
      for (const end of ends) await end();
    });

    test('a batch that meets a used-up quota gets a place in the queue, and its answer once there is quota again', async () => {
      rig.mood = 'quota';
      const first = await rig.ask('first question');
      assert.equal(first.status, 202, JSON.stringify(first.body));
      assert.equal(first.headers.get('x-rempart-degraded'), 'deferred');
      assert.equal(first.headers.get('location'), `/v1/deferred/${first.body.id}`);
      assert.ok(Number(first.headers.get('retry-after')) >= 1);
      assert.deepEqual([first.body.status, first.body.position], ['waiting', 1]);
      assert.ok(Date.parse(first.body.expectedAt ?? '') > Date.now());
      assert.ok(Date.parse(first.body.deadline) > Date.now() + 23 * 3_600_000);
      const second = await rig.ask('second question');
      assert.deepEqual([second.status, second.body.position], [202, 2]);
      const seen = await rig.see(second.body.id);
      assert.deepEqual([seen.status, seen.body.status, seen.body.position], [200, 'waiting', 2]);
      assert.equal((await rig.see(second.body.id, keys.OTHER)).status, 404, 'it is its owner’s alone');
      assert.equal((await rig.see(second.body.id, keys.OTHER, 'DELETE')).status, 404);
      assert.equal((await rig.ask('not in a hurry?', {})).status, 429, 'who cannot wait is told so');
      rig.mood = 'answers';
      await until(async () => (await rig.ask('a live one', {})).status === 200);
      for (const { body } of [first, second]) {
        const { status, answer } = await rig.ended(body.id);
        assert.deepEqual([status, answer?.choices[0]?.message.content], ['answered', 'hello']);
        assert.equal(answer?.usage.total_tokens, 5);
      }
    });
  });
