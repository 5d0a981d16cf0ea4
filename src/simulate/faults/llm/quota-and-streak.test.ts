// Faults that change from call to call: a quota running out, and a key refused every other time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, CallAction } from '../fault.ts';
import { progressiveFault } from './progressive.ts';
import { streakFault } from './streak.ts';

const chat: Call = { key: 'primary', marker: 'mkaaaaaaaa', earlierAttempts: 0, isChat: true };
const told = (action: CallAction) => (action.act === 'relay' ? action.quotaUsed : action.act);

test('progressiveFault() tells of 40, 60, 80 and 90 % used, refuses until the window turns, and then begins anew', () => {
  let now = 0;
  const decide = progressiveFault({ type: 'progressive', warnMs: 2000, refuseMs: 3000 }, () => now);
  const at = (t: number) => {
    now = t;
    return decide(chat, 'openai');
  };
  assert.deepEqual([0, 100, 200, 300].map(at).map(told), [0.4, 0.6, 0.8, 0.9]);
  assert.equal(told(at(2150)), 0.9, 'the mark gives two seconds');
  const refused = at(2200);
  assert.ok(refused.act === 'answer');
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['retry-after'], '3');
  assert.equal(refused.headers['x-ratelimit-remaining-requests'], '0');
  assert.equal(told(at(5100)), 'answer');
  assert.equal(told(at(5200)), 0.01);
});

test('progressiveFault() speaks each dialect, and counts only questions', () => {
  const decide = progressiveFault({ type: 'progressive', warnMs: 2000, refuseMs: 3000 }, () => 0);
  assert.deepEqual(decide({ ...chat, isChat: false }, 'mistral'), { act: 'relay' });
  const first = decide(chat, 'mistral');
  assert.ok(first.act === 'relay');
  assert.deepEqual(first.headers, { 'x-ratelimit-limit-req-minute': '100', 'x-ratelimit-remaining-req-minute': '60' });
});

test('streakFault() refuses the primary key every other time and no other key ever', () => {
  const decide = streakFault();
  const act = (key: Call['key']) => decide({ ...chat, key }, 'openai').act;
  assert.deepEqual(
    [act('primary'), act('primary'), act('spare'), act('primary'), act('other'), act('primary')],
    ['answer', 'relay', 'relay', 'answer', 'relay', 'relay'],
  );
});
