// Requests that can wait, seen from outside: a place in the queue, one answer and no second, over kill -9 and on both stores.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startPostgres } from '../src/platform/store/test-postgres.ts';
import { askedFor, batch, type DeferredRig, keys, startDeferredRig } from './deferred-rig.ts';
import { run, until } from './instance.ts';

for (const store of ['SQLite', 'PostgreSQL'] as const)
  describe(`over ${store}`, () => {
    let rig: DeferredRig;
    const ends: (() => Promise<void>)[] = [];
    before(async () => {
      const postgres = store === 'SQLite' ? undefined : await startPostgres('deferred');
      if (postgres !== undefined) ends.push(postgres.stop);
      rig = await startDeferredRig(postgres === undefined ? {} : { DATABASE_URL: postgres.url });
      ends.unshift(rig.close);
    });
    after(async () => {
      for (const end of ends) await end();
    });

    /** There is quota again, and somebody has found out; each time with other words, or an earlier answer would do. */
    async function heal(): Promise<void> {
      rig.mood = 'answers';
      await until(async () => (await rig.ask(`is anybody there? ${Math.random()}`, {})).status === 200);
    }

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
      await heal();
      for (const { body } of [first, second]) {
        const { status, answer } = await rig.ended(body.id);
        assert.deepEqual([status, answer?.choices[0]?.message.content], ['answered', 'hello']);
        assert.equal(answer?.usage.total_tokens, 5);
      }
    });

    test('the same idempotency key gives the same place for the same words, and is refused for others', async () => {
      rig.mood = 'quota';
      const once = { ...batch, 'idempotency-key': `order-${store}` };
      const together = await Promise.all([1, 2, 3, 4].map(() => rig.ask('once only', once)));
      assert.deepEqual(new Set(together.map(({ status }) => status)), new Set([202]));
      const ids = new Set(together.map(({ body }) => body.id));
      assert.equal(ids.size, 1, [...ids].join(' '));
      const id = [...ids][0] ?? '';
      const other = await rig.ask('other words', once);
      assert.deepEqual([other.status, other.body.error.code], [409, 'ERR_REQUEST_ID_REUSED']);
      const stranger = await rig.ask('once only', once, {}, keys.OTHER);
      assert.notEqual(stranger.body.id, id, 'another’s key is another key');
      await heal();
      assert.equal((await rig.ended(id)).status, 'answered');
      const before = askedFor(rig, 'once only');
      const late = await rig.ask('once only', once);
      assert.deepEqual([late.status, late.body.id, late.body.status], [202, id, 'answered']);
      assert.equal(askedFor(rig, 'once only'), before, 'a retry asks no provider again');
    });

    test('what waits outlives kill -9, is answered once, and what was being answered is taken up again', async () => {
      rig.mood = 'quota';
      const waiting = (await rig.ask('will it last?')).body;
      const begun = (await rig.ask('half way')).body;
      rig.mood = 'hangs';
      const asked = () => askedFor(rig, 'half way');
      const before = asked();
      await rig.kill();
      await rig.up();
      await until(() => asked() > before);
      assert.equal((await rig.see(begun.id)).body.status, 'running');
      await rig.kill();
      rig.mood = 'answers';
      rig.says = 'after the end';
      await rig.up();
      for (const { id } of [waiting, begun]) {
        const { status, answer } = await rig.ended(id);
        assert.deepEqual([status, answer?.choices[0]?.message.content], ['answered', 'after the end']);
      }
      const after = [asked(), askedFor(rig, 'will it last?')];
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      assert.deepEqual([asked(), askedFor(rig, 'will it last?')], after, 'nobody answers it a second time');
      rig.says = 'hello';
    });

    test('a deadline that has passed is said, journalled, and nothing is answered after it', async () => {
      rig.mood = 'quota';
      const { body } = await rig.ask('too late', { ...batch, 'x-rempart-deadline': '1' });
      // Two looks at the clock may lie apart.
      assert.ok(Math.abs(Date.parse(body.deadline) - Date.parse(body.createdAt) - 1_000) < 500);
      const over = await rig.ended(body.id);
      assert.deepEqual([over.status, over.error?.code, over.answer], ['expired', 'ERR_DEFERRED_EXPIRED', undefined]);
      const before = askedFor(rig, 'too late');
      await heal();
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      assert.equal(askedFor(rig, 'too late'), before);
      assert.equal((await rig.see(body.id)).body.status, 'expired');
      const lines = (await run(['journal', 'export'], { cwd: rig.dir })).stdout.split('\n');
      assert.ok(lines.some((line) => line.includes('"deferred expired"') && line.includes(body.id)));
    });

    test('DELETE takes a request out of the queue, also while it is being answered', async () => {
      rig.mood = 'quota';
      const waiting = (await rig.ask('never mind')).body;
      const gone = await rig.see(waiting.id, keys.KEY, 'DELETE');
      assert.deepEqual([gone.status, gone.body.status], [200, 'cancelled']);
      const again = await rig.see(waiting.id, keys.KEY, 'DELETE');
      assert.deepEqual([again.status, again.body.status], [200, 'cancelled']);
      const running = (await rig.ask('being answered')).body;
      await heal();
      assert.equal((await rig.ended(running.id)).status, 'answered');
      assert.equal(
        (await rig.see(running.id, keys.KEY, 'DELETE')).body.status,
        'answered',
        'an answer is not taken back',
      );
    });
  });

describe('over two nodes of one database', () => {
  const ends: (() => Promise<void>)[] = [];
  after(async () => {
    for (const end of ends) await end();
  });

  test('what a node was answering when it died is answered by the other, which opens it with the same key', async () => {
    const postgres = await startPostgres('deferred');
    const env = { DATABASE_URL: postgres.url, SHARED: 'a key that both nodes are given' };
    const settings = 'deferred: {key: "env:SHARED"}';
    const dying = await startDeferredRig(env, settings);
    dying.mood = 'throttled';
    const { id } = (await dying.ask('who will answer?')).body;
    dying.mood = 'hangs';
    await until(() => askedFor(dying, 'who will answer?') >= 2);
    assert.equal((await dying.see(id)).body.status, 'running');
    await dying.kill();
    const living = await startDeferredRig(env, settings);
    ends.push(living.close, dying.upstream.close, postgres.stop);
    const { status, answer } = await living.ended(id);
    assert.deepEqual([status, answer?.choices[0]?.message.content], ['answered', 'hello']);
    assert.equal(askedFor(living, 'who will answer?'), 1);
  });
});

describe('over several threads', () => {
  let rig: DeferredRig;
  before(async () => {
    rig = await startDeferredRig({}, '', ['--workers', '2']);
  });
  after(() => rig.close());

  test('a place that one thread gave is known to all, once for each key, and its answer too', async () => {
    rig.mood = 'quota';
    // A connection for each, so that they come to different threads.
    const apart = { connection: 'close' };
    const once = { ...batch, ...apart, 'idempotency-key': 'on-whatever-thread' };
    const together = await Promise.all(Array.from({ length: 12 }, () => rig.ask('asked of many', once)));
    assert.deepEqual([...new Set(together.map(({ status }) => status))], [202]);
    const ids = [...new Set(together.map(({ body }) => body.id))];
    assert.equal(ids.length, 1, ids.join(' '));
    const seen = await Promise.all(Array.from({ length: 12 }, () => rig.see(ids[0] ?? '')));
    assert.deepEqual([...new Set(seen.map(({ body }) => body.status))], ['waiting']);
    rig.mood = 'answers';
    await until(async () => (await rig.ask(`is anybody there? ${Math.random()}`, apart)).status === 200);
    assert.equal((await rig.ended(ids[0] ?? '')).status, 'answered');
    const answers = await Promise.all(Array.from({ length: 6 }, () => rig.ask('asked of many', once)));
    assert.deepEqual([...new Set(answers.map(({ body }) => body.answer?.choices[0]?.message.content))], ['hello']);
  });
});
