import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, RempartError } from '../../platform/base/errors.ts';
import { duration, limitedAnswer } from './limited-answer.ts';

const technical =
  /\b(API|HTTP|URL|JSON|[45]\d\d|ERR_|timeout|provider|fournisseur|serve[u]?r|upstream|quota|erreur|error)\b|[<>]/i;
const why: [ErrorCode, waits: boolean][] = [
  ['ERR_PROVIDER_UNAVAILABLE', true],
  ['ERR_PROVIDER_REFUSED', true],
  ['ERR_RATE_LIMITED', true],
  ['ERR_QUOTA_EXHAUSTED', true],
  ['ERR_STREAM_CUT', true],
  ['ERR_PROVIDER_REQUEST', false],
];
for (const [code, waits] of why) {
  for (const lang of ['fr', 'en'] as const) {
    test(`limitedAnswer() speaks plainly of ${code} in ${lang}: what, what to do, when, whom to ask`, () => {
      const { text, retryAfterSeconds } = limitedAnswer(
        { error: new RempartError(code, { seconds: 7 }), retryAfterSeconds: 42 },
        { lang, contact: '' },
      );
      assert.doesNotMatch(text, technical);
      assert.match(
        text,
        lang === 'fr'
          ? /Votre message est conservé\..*contactez l'assistance/
          : /Your message is kept\..*contact support/,
      );
      assert.equal(/42/.test(text), waits);
      assert.equal(retryAfterSeconds, waits ? 42 : undefined);
    });
  }
}

test('limitedAnswer() names the contact of the configuration', () => {
  const { text } = limitedAnswer(
    { error: new RempartError('ERR_PROVIDER_UNAVAILABLE') },
    { lang: 'en', contact: 'Ann, ext. 3' },
  );
  assert.match(text, /contact Ann, ext\. 3\.$/);
});

const waits: [seconds: number, text: string][] = [
  [1, '2 secondes'],
  [90, '90 secondes'],
  [91, '2 minutes'],
  [3_600, '60 minutes'],
  [86_400, 'environ 24 heures'],
];
for (const [seconds, text] of waits) {
  test(`duration() says ${seconds} seconds as "${text}"`, () => {
    assert.equal(duration(seconds, 'fr'), text);
  });
}
