// What the queue of jobs promises, whatever database it lies in: run by job-queue.test.ts on each of them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Store } from '../../platform/store/store.ts';
import type { JobOrder, JobStatistics } from './job.ts';
import { createJobQueue } from './job-queue.ts';

export const statistics: JobStatistics = {
  conversations: 2,
  ok: 2,
  errors: 0,
  known: 1,
  open: { critical: 0, high: 1, medium: 0, low: 0, info: 0 },
};

export function order(path: string, changes: Partial<JobOrder> = {}): JobOrder {
  return {
    path,
    contentHash: randomBytes(8).toString('hex'),
    formats: ['md'],
    lang: 'en',
    engine: '1 abc',
    ...changes,
  };
}

/** `stores`: several connections to one database, as several nodes have. */
export function testQueue(name: string, stores: () => readonly Store[]): void {
  const queues = () => stores().map((store) => createJobQueue(store));
  const queue = () => queues()[0]!;
  const emptied = async () => {
    await stores()[0]!.db.deleteFrom('analysis_jobs').execute();
    return queue();
  };

  test(`add() on ${name} makes the same work one job, and other work another`, async () => {
    const jobs = await emptied();
    const one = order('/exports/a.json');
    const { job, added } = await jobs.add(one);
    assert.ok(added);
    assert.deepEqual([job.state, job.attempts, job.lease, job.path], ['waiting', 0, null, one.path]);
    const again = await jobs.add({ ...one, path: '/elsewhere/a.json' });
    assert.deepEqual([again.added, again.job.id], [false, job.id]);
    for (const other of [{ lang: 'fr' }, { formats: ['html'] }, { engine: '2 abc' }, { contentHash: 'x' }] as const)
      assert.ok((await jobs.add({ ...one, ...other })).added, JSON.stringify(other));
    assert.equal((await jobs.list()).length, 5);
  });

  test(`claim() on ${name} gives each job to one node, however many ask at once`, async () => {
    const jobs = await emptied();
    for (let i = 0; i < 20; i++) await jobs.add(order(`/exports/${i}.json`));
    const taken: string[] = [];
    await Promise.all(
      [...queues(), ...queues()].map(async (own, at) => {
        for (let empty = 0; empty < 3; ) {
          const job = await own.claim(`n${at}`, 60_000);
          if (job === null) empty++;
          else taken.push(job.id);
        }
      }),
    );
    assert.deepEqual([taken.length, new Set(taken).size], [20, 20]);
  });

  test(`claim() on ${name} takes over once a lease ended, and the node of before has no say any more`, async () => {
    const jobs = await emptied();
    await jobs.add(order('/exports/a.json'));
    const first = (await jobs.claim('slow', 600))!;
    const old = { id: first.id, attempts: first.attempts, node: 'slow' };
    assert.equal(await jobs.claim('other', 600), null);
    await pause(400);
    assert.ok(await jobs.renew(old, 600));
    await pause(400);
    assert.equal(await jobs.claim('other', 600), null, 'a renewed lease stands');
    await pause(400);
    const second = (await jobs.claim('other', 60_000))!;
    assert.deepEqual([second.id, second.attempts, second.lease?.node], [first.id, 2, 'other']);
    assert.equal(await jobs.renew(old, 600), false);
    assert.equal(await jobs.finish(old, '/out', statistics), false);
    assert.equal(await jobs.fail(old, 'ERR_INTERNAL', 0), false);
    assert.ok(await jobs.finish({ id: second.id, attempts: 2, node: 'other' }, '/out', statistics));
    const done = (await jobs.find(first.id))!;
    assert.deepEqual([done.state, done.report, done.statistics, done.lease], ['done', '/out', statistics, null]);
    assert.equal(await jobs.claim('third', 600), null);
    assert.equal((await jobs.add(order('/exports/a.json', done))).added, false, 'done stays done');
  });

  test(`fail() on ${name} tries again after a pause, three times in all, and adding begins anew`, async () => {
    const jobs = await emptied();
    const one = order('/exports/a.json');
    const { id } = (await jobs.add(one)).job;
    for (const attempts of [1, 2, 3]) {
      assert.equal((await jobs.claim('n', 60_000))?.attempts, attempts);
      assert.ok(await jobs.fail({ id, attempts, node: 'n' }, 'ERR_EXPORT_MISSING', 400));
      assert.equal(await jobs.claim('n', 60_000), null, 'not at once');
      await pause(450);
    }
    const failed = (await jobs.find(id))!;
    assert.deepEqual([failed.state, failed.code, failed.attempts], ['failed', 'ERR_EXPORT_MISSING', 3]);
    const again = await jobs.add({ ...one, path: '/moved/a.json' });
    assert.deepEqual(
      [again.added, again.job.state, again.job.attempts, again.job.code, again.job.path],
      [true, 'waiting', 0, null, '/moved/a.json'],
    );
  });

  test(`claim() on ${name} gives up a job whose nodes died three times`, async () => {
    const jobs = await emptied();
    const { id } = (await jobs.add(order('/exports/a.json'))).job;
    for (let attempt = 1; attempt <= 3; attempt++) {
      assert.equal((await jobs.claim('n', 20))?.attempts, attempt);
      await pause(40);
    }
    assert.equal(await jobs.claim('n', 20), null);
    const job = (await jobs.find(id))!;
    assert.deepEqual([job.state, job.code], ['failed', 'ERR_JOB_ABANDONED']);
  });

  test(`cancel() on ${name} ends what waits or runs, and nothing that is over`, async () => {
    const jobs = await emptied();
    const [a, b] = [await jobs.add(order('/exports/a.json')), await jobs.add(order('/exports/b.json'))];
    const running = (await jobs.claim('n', 60_000))!;
    assert.ok(await jobs.cancel(a.job.id));
    assert.ok(await jobs.cancel(b.job.id));
    assert.equal(await jobs.renew({ id: running.id, attempts: 1, node: 'n' }, 60_000), false);
    assert.equal(await jobs.cancel(a.job.id), false);
    assert.equal(await jobs.cancel('job-none'), false);
    assert.equal(await jobs.claim('n', 60_000), null);
  });

  test(`release() on ${name} gives a job back as if it had not been tried`, async () => {
    const jobs = await emptied();
    await jobs.add(order('/exports/a.json'));
    const job = (await jobs.claim('n', 60_000))!;
    assert.ok(await jobs.release({ id: job.id, attempts: 1, node: 'n' }));
    assert.equal((await jobs.claim('m', 60_000))?.attempts, 1);
  });

  test(`renew() on ${name} knows an attempt by its node and by its number`, async () => {
    const jobs = await emptied();
    const one = order('/exports/a.json');
    const { id } = (await jobs.add(one)).job;
    await jobs.claim('n', 60_000);
    await jobs.cancel(id);
    await jobs.add(one);
    assert.equal((await jobs.claim('m', 10))?.attempts, 1);
    assert.equal(await jobs.renew({ id, attempts: 1, node: 'n' }, 10), false, 'begun anew by another node');
    await pause(40);
    assert.equal((await jobs.claim('m', 60_000))?.attempts, 2);
    assert.equal(await jobs.renew({ id, attempts: 1, node: 'm' }, 10), false, 'taken again by the same node');
    assert.equal(await jobs.renew({ id, attempts: 2, node: 'm' }, 10), true);
  });
}
