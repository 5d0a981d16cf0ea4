// Which questions wait, and what their askers are told: in plain words, with the time at which it is over.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, RempartError } from '../../platform/base/errors.ts';
import type { Ticket } from '../deferred/deferral.ts';
import type { DegradedMode } from '../gateway/ask.ts';
import { laterText, mayWait } from './answer-later.ts';
import { reply } from './turn-result.ts';

const unavailable = (code: ErrorCode, degraded: DegradedMode[] = []) => ({
  kind: 'unavailable' as const,
  error: new RempartError(code, { seconds: 5 }),
  partial: '',
  degraded,
});

for (const [code, degraded, expected] of [
  ['ERR_QUOTA_EXHAUSTED', [], true],
  ['ERR_SAFE_MODE', [], true],
  ['ERR_RATE_LIMITED', ['rationed'], true],
  ['ERR_RATE_LIMITED', [], false],
  ['ERR_PROVIDER_UNAVAILABLE', [], false],
  ['ERR_PROMPT_BLOCKED', [], false],
  ['ERR_LIMIT_REQUESTS', [], false],
] as const)
  test(`mayWait() says ${expected} to ${[code, ...degraded].join(', ')}`, () => {
    assert.equal(mayWait(unavailable(code, [...degraded])), expected);
  });

const common = { text: 'an answer', conversation: 'c', notices: [], saved: true };
const noticeOf = (modes: DegradedMode[], lang: 'en' | 'fr', renewsInMs?: number) => {
  const result = reply(lang, { ...common, modes, ...(renewsInMs === undefined ? {} : { renewsInMs }) });
  return result.kind === 'reply' ? (result.degraded?.notice ?? '') : '';
};

test('reply() tells with a quota that runs low what to do and when it is renewed, in both languages', () => {
  for (const mode of ['warning', 'rationed'] as const) {
    assert.match(noticeOf([mode], 'en', 40_000), /You can go on with your questions; .* starts again in 40 seconds\.$/);
    assert.match(
      noticeOf([mode], 'fr', 40_000),
      /Vous pouvez continuer à poser vos questions ; .* repart dans 40 secondes\.$/,
    );
    assert.match(noticeOf([mode], 'en', 7_200_000), /in 120 minutes\.$/);
    assert.match(noticeOf([mode], 'en'), /in 60 seconds\.$/, 'where nobody says when');
  }
});

test('reply() gives the place of a question that waits', () => {
  const ticket: Ticket = {
    id: 'dfr_1',
    kind: 'chat',
    state: 'waiting',
    position: 3,
    createdAt: 0,
    expectedAt: 60_000,
    deadlineAt: 86_400_000,
    delivery: 'none',
  };
  const result = reply('en', { ...common, modes: ['deferred', 'local'], ticket });
  assert.ok(result.kind === 'reply');
  assert.deepEqual(result.degraded?.deferred, {
    id: 'dfr_1',
    position: 3,
    expectedAt: '1970-01-01T00:01:00.000Z',
    deadline: '1970-01-02T00:00:00.000Z',
  });
});

test('laterText() leaves no place unfilled', () => {
  for (const lang of ['en', 'fr'] as const)
    for (const code of ['ERR_QUOTA_EXHAUSTED', 'ERR_SAFE_MODE'] as const) {
      const text = laterText(new RempartError(code), { when: '2 minutes', position: 4, contact: 'Camille' }, lang);
      assert.ok(text.includes('2 minutes') && text.includes(': 4') && text.includes('Camille'), text);
      assert.ok(!text.includes('{'), text);
    }
});
