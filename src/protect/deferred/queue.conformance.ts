// What the queue promises, whatever database it lies in: run by queue.test.ts on each of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../../platform/store/store.ts';
import type { NewEntry } from './entry.ts';
import { createQueue, type Queue, type QueueLimits } from './queue.ts';

export interface QueueGround {
  stores: () => readonly Store[];
  now: () => number;
  /** Lets so much time pass, as far as the rows that are there are concerned. */
  pass: (ms: number) => Promise<void>;
}

const limits: QueueLimits = {
  most: 100,
  mostPerUser: 50,
  mostBytes: 1_000_000,
  keepMs: 400_000,
  keepDeliveredMs: 100_000,
};
let last = 0;
const entry = (more: Partial<NewEntry> = {}): NewEntry => ({
  id: `dfr_${++last}`,
  subject: 'a',
  kind: 'call',
  model: 'm',
  rank: 2,
  deadlineMs: 60_000_000,
  expectedMs: 0,
  firstTryMs: 0,
  bodyHash: 'h',
  request: 'sealed',
  ...more,
});

export function testQueue(name: string, { stores, now, pass }: QueueGround): void {
  const queueOf = (store: Store, more: Partial<QueueLimits> = {}, keyId = 'k') =>
    createQueue({ db: store.db, kind: store.kind, keyId, now }, { ...limits, ...more });
  async function emptied(more: Partial<QueueLimits> = {}): Promise<Queue> {
    const [store] = stores();
    await store!.db.deleteFrom('deferred_requests').execute();
    return queueOf(store!, more);
  }
  const nobody = { models: [] };

  test(`claim() on ${name} gives each request to one node only, the most important first, then the oldest`, async () => {
    await emptied();
    const queues = stores().map((store) => queueOf(store));
    const ids: string[] = [];
    for (const rank of [2, 2, 1, 2, 0]) {
      const one = entry({ rank });
      ids.push(one.id);
      await queues[0]!.add(one);
      await pass(2);
    }
    const order = [ids[4], ids[2], ids[0], ids[1], ids[3]];
    const ahead = await Promise.all(ids.map(async (id) => queues[0]!.ahead((await queues[0]!.find(id))!)));
    assert.deepEqual(ahead, [2, 3, 1, 4, 0]);
    const taken = await Promise.all(
      Array.from({ length: 7 }, (_, nth) => queues[nth % queues.length]!.claim(`n${nth}`, 10_000_000, nobody)),
    );
    const got = taken.flatMap((one) => (one === undefined ? [] : [one.id]));
    assert.deepEqual(got.toSorted(), order.toSorted() as string[]);
  });

  test(`a lease on ${name} that is not renewed ends, and the attempt that held it has no say any more`, async () => {
    const queue = await emptied();
    const one = entry();
    await queue.add(one);
    const first = (await queue.claim('dead', 100_000, nobody))!;
    const dead = { id: one.id, attempts: first.attempts, node: 'dead' };
    assert.equal(await queue.claim('other', 100_000, nobody), undefined);
    assert.equal(await queue.renew(dead, 300_000), true);
    await pass(150_000);
    assert.equal(await queue.claim('other', 10_000_000, nobody), undefined, 'it was renewed');
    await pass(300_000);
    // Even the same node: it may have come back to it.
    const second = (await queue.claim('dead', 10_000_000, nobody))!;
    assert.equal(second.id, one.id);
    const live = { id: one.id, attempts: second.attempts, node: 'dead' };
    assert.equal(await queue.end(dead, { state: 'answered', answer: 'late' }), false);
    assert.equal(await queue.renew(dead, 100_000), false);
    assert.equal(await queue.postpone(dead, { tryMs: 0, expectedMs: 0 }, 'x'), false);
    assert.equal(await queue.end(live, { state: 'answered', answer: 'once' }), true);
    assert.equal(await queue.end(live, { state: 'answered', answer: 'twice' }), false);
    const { state, answer, request } = (await queue.find(one.id))!;
    assert.deepEqual([state, answer, request], ['answered', 'once', null], 'the question is gone with the answer');
  });

  test(`a request on ${name} over which three nodes died has failed and takes no fourth one along`, async () => {
    const queue = await emptied();
    const one = entry();
    await queue.add(one);
    for (let nth = 0; nth < 3; nth++) {
      assert.equal((await queue.claim(`n${nth}`, 20_000, nobody))?.id, one.id, `time ${nth + 1}`);
      await pass(60_000);
    }
    assert.equal(await queue.claim('n3', 20_000, nobody), undefined);
    const { state, code } = (await queue.find(one.id))!;
    assert.deepEqual([state, code], ['failed', 'ERR_DEFERRED_ABANDONED']);
  });

  test(`postpone() on ${name} keeps a request back, also those of a model that cannot be asked; hurry() brings all`, async () => {
    const queue = await emptied();
    const one = entry();
    await queue.add(one);
    await queue.add(entry({ id: 'of-another', model: 'other' }));
    const { attempts } = (await queue.claim('n', 10_000_000, { models: ['other'] }))!;
    await queue.postpone(
      { id: one.id, attempts, node: 'n' },
      { tryMs: 30_000, expectedMs: 30_000 },
      'ERR_RATE_LIMITED',
    );
    assert.equal(await queue.claim('n', 10_000_000, { models: ['other'] }), undefined);
    const { state, expectedAt, createdAt } = (await queue.find(one.id))!;
    assert.deepEqual([state, expectedAt - createdAt >= 30_000], ['waiting', true]);
    await queue.hurry();
    assert.equal((await queue.claim('n', 10_000_000, { models: ['other'] }))?.id, one.id);
  });

  test(`expire() on ${name} ends what waited beyond its deadline, and nobody takes it after that`, async () => {
    const queue = await emptied();
    const one = entry({ deadlineMs: 50_000 });
    await queue.add(one);
    assert.deepEqual(await queue.expire(), []);
    await pass(100_000);
    assert.equal(await queue.claim('n', 10_000_000, nobody), undefined, 'not even before it was ended');
    const [over] = await queue.expire();
    assert.deepEqual([over?.id, over?.state, over?.request], [one.id, 'expired', 'sealed'], 'so that it can be told');
    await queue.wipe(one.id);
    assert.equal((await queue.find(one.id))?.request, null);
    assert.deepEqual(await queue.expire(), [], 'once');
  });

  test(`erase() on ${name} removes what has ended after its time, sooner once it was delivered`, async () => {
    const queue = await emptied();
    for (const id of ['ended', 'fetched']) await queue.add(entry({ id }));
    await queue.add(entry({ id: 'waits', model: 'of those that wait' }));
    for (let nth = 0; nth < 2; nth++) {
      const { id, attempts } = (await queue.claim('n', 10_000_000, { models: ['of those that wait'] }))!;
      await queue.end({ id, attempts, node: 'n' }, { state: 'failed', code: 'ERR_PROMPT_BLOCKED' });
    }
    assert.equal(await queue.cancel('ended'), false, 'it has ended');
    await queue.delivered('fetched');
    await queue.delivered('waits');
    await pass(200_000);
    await queue.erase();
    const there = async () => {
      const all = await Promise.all(['waits', 'ended', 'fetched'].map((id) => queue.find(id)));
      return all.map((found) => found?.state);
    };
    assert.deepEqual(await there(), ['waiting', 'failed', undefined]);
    await pass(300_000);
    await queue.erase();
    assert.deepEqual(await there(), ['waiting', undefined, undefined]);
  });

  test(`add() on ${name} has so much room and no more, and gives a repeated key its first request`, async () => {
    const queue = await emptied({ most: 4, mostPerUser: 2, mostBytes: 1_000 });
    assert.notEqual(await queue.add(entry({ idempotency: 'once' })), 'full');
    assert.notEqual(await queue.add(entry()), 'full');
    assert.equal(await queue.add(entry()), 'full', 'of one user');
    const again = await queue.add(entry({ idempotency: 'once' }));
    assert.ok(again !== 'full' && !again.added, 'what is there needs no room');
    assert.equal(await queue.add(entry({ subject: 'b', request: 'x'.repeat(990) })), 'full', 'of all bytes');
    assert.notEqual(await queue.add(entry({ subject: 'b' })), 'full');
    assert.notEqual(await queue.add(entry({ subject: 'c' })), 'full');
    assert.equal(await queue.add(entry({ subject: 'd' })), 'full', 'of all');
    const { waiting, running, due } = await queue.counts();
    assert.deepEqual([waiting, running, due], [4, 0, 0]);
  });

  test(`add() on ${name} refuses who hands in and takes back without end; what was taken back is gone soon`, async () => {
    const queue = await emptied({ mostPerUser: 2 });
    for (let nth = 0; nth < 20; nth++) {
      const added = await queue.add(entry());
      assert.ok(added !== 'full', `${nth}`);
      assert.equal(await queue.cancel(added.entry.id), true);
    }
    assert.equal(await queue.add(entry()), 'full');
    assert.notEqual(await queue.add(entry({ subject: 'b' })), 'full');
    await pass(150_000);
    await queue.erase();
    assert.notEqual(await queue.add(entry()), 'full');
  });

  test(`a queue on ${name} sees nothing of what another key sealed`, async () => {
    const queue = await emptied();
    const one = entry();
    await queue.add(one);
    const other = queueOf(stores()[0]!, {}, 'another key');
    assert.equal(await other.find(one.id), undefined);
    assert.equal(await other.claim('n', 1_000_000, nobody), undefined);
    assert.equal((await queue.claim('n', 1_000_000, nobody))?.id, one.id);
  });
}
