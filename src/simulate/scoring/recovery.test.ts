// Recovery: who comes back, how soon, by whose hand, and with every message that was acknowledged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fact } from '../scenarios/evidence.ts';
import { one } from './assess.fixture.ts';
import { ask, bareError, broken, clearedT, freshMarker, served } from './fixture.ts';

test('back: the sooner the first ordinary answer after clearing, the more; none is nothing', () => {
  const share = (t: number) => one({ recovery: served('recovery', t, { endT: t }) }).share('back') ?? -1;
  assert.equal(share(clearedT), 1);
  assert.equal(share(clearedT + 5000), 0.92);
  assert.ok(share(clearedT + 60_000) < 0.7);
  assert.equal(one({ recovery: [] }).share('back'), 0);
  assert.equal(one({ recovery: [ask('recovery', 21_000, bareError)] }).share('back'), 0);
});

test('alive: a process that ended is nothing, by hand a part, untouched all', () => {
  const exited: Fact = { kind: 'process', t: 12_000, state: 'exited', detail: 'exit code 1' };
  const restarted: Fact = { kind: 'process', t: 22_000, state: 'restarted', detail: '' };
  assert.equal(one({}).share('alive'), 1);
  assert.equal(one({ beside: [exited], recovery: [] }).share('alive'), 0);
  const helped = one({ beside: [exited, restarted], recovery: served('recovery', 23_000) });
  assert.deepEqual([helped.share('alive'), helped.share('back')], [0.4, 0.6]);
  assert.equal(helped.doc.selfHealed, 0);
  assert.equal(one({}).doc.selfHealed, 1);
});

test('history: every acknowledged message there is worth all; a lost one at most half; not asked where none was promised', () => {
  const markers = [freshMarker(), freshMarker()];
  const facts = markers.flatMap((marker, i) => served('fault', 11_000 + 2000 * i, { marker, conversation: 'c9' }));
  const share = (held: string[]) =>
    one(
      {
        fault: [...facts, ...broken(15_000, bareError)],
        recovery: [],
        beside: [
          { kind: 'history', t: 25_000, conversation: 'c9', status: 200, body: JSON.stringify(held) },
          // The baseline's own conversation, as it should be.
          { kind: 'history', t: 25_000, conversation: 'c1', status: 200, body: '[]' },
        ],
      },
      { history: true },
    ).check('history');
  assert.equal(
    share(markers)?.because.includes('2 are lost'),
    true,
    'the two of the baseline stand in no history here',
  );
  const lostOne = share(markers.slice(0, 1))!;
  assert.ok(lostOne.points / lostOne.of <= 0.5);
  assert.ok(lostOne.because.includes('3 are lost'), lostOne.because);
  assert.equal(one({}).share('history'), null);
});
