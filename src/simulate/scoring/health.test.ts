// Whether a health page left its baseline: what is steady counts, what moves by itself does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HealthSample, healthBaseline, healthDeviations } from './health.ts';

const page = (value: unknown, status: number | null = 200): HealthSample => ({
  status,
  body: typeof value === 'string' ? value : JSON.stringify(value),
});

const id = (n: number) => `3f2504e0-4f89-11d3-9a0c-0305e82c330${n}`;

const cases: [name: string, calm: HealthSample[], now: HealthSample, expected: string[]][] = [
  ['the same page', [page({ status: 'ok' })], page({ status: 'ok' }), []],
  ['the same values in another order', [page({ a: 1, b: 2 })], page({ b: 2, a: 1 }), []],
  ['another status code', [page({ status: 'ok' })], page({ status: 'ok' }, 503), ['status code']],
  ['another value', [page({ status: 'ok' })], page({ status: 'degraded' }), ['/status']],
  ['a value deep inside', [page({ a: { b: [1, 2] } })], page({ a: { b: [1, 3] } }), ['/a/b/1']],
  ['a type alone', [page({ a: 1 })], page({ a: '1' }), ['/a']],
  ['a value that is gone', [page({ a: 1, b: 2 })], page({ a: 1 }), ['/b']],
  ['a value that is new', [page({ a: 1 })], page({ a: 1, warning: 'no' }), ['/warning']],
  ['a counter that moves anyway', [page({ a: 1, up: 1 }), page({ a: 1, up: 2 })], page({ a: 1, up: 9 }), []],
  ['a counter beside a real change', [page({ a: 1, up: 1 }), page({ a: 1, up: 2 })], page({ a: 2, up: 9 }), ['/a']],
  ['a member that comes and goes', [page({ a: 1 }), page({ a: 1, x: 1 }), page({ a: 1 })], page({ a: 1, x: 1 }), []],
  ['a member that went before', [page({ a: 1, x: 1 }), page({ a: 1 })], page({ a: 1, x: 1 }), []],
  ['a page that is no JSON, unchanged', [page('OK')], page('OK'), []],
  ['a page that is no JSON, changed', [page('OK')], page('DOWN'), ['text OK', 'text DOWN']],
  ['JSON that becomes text', [page({ a: 1 })], page('down', 502), ['status code', '/a', 'text down']],
  ['no answer at all', [page({ a: 1 })], page('', null), ['status code', '/a']],
  ['a clock beside a word', [page({ s: 'ok 14:02' }), page({ s: 'ok 14:03' })], page({ s: 'ok 14:05' }), []],
  [
    'a word beside a clock',
    [page({ s: 'ok 14:02' }), page({ s: 'ok 14:03' })],
    page({ s: 'down 14:05' }),
    ['/s (words)'],
  ],
  ['text with a clock', [page('OK 1700'), page('OK 1701')], page('OK 1702'), []],
  [
    'text with a clock, changed',
    [page('OK 1700'), page('OK 1701')],
    page('DOWN 1702'),
    ['text OK # (words)', 'text DOWN #', 'text DOWN # (words)'],
  ],
  ['metrics in lines', [page('up 1\nrequests 5'), page('up 1\nrequests 6')], page('up 0\nrequests 9'), ['text up #']],
  ['a run id that is new each time', [page(`ok ${id(1)}`), page(`ok ${id(2)}`)], page(`ok ${id(3)}`), []],
  ['a literal as the page', [page('null')], page('null'), []],
];
for (const [name, calm, now, expected] of cases) {
  test(`healthDeviations() of ${name} are [${expected.join(', ')}]`, () => {
    assert.deepEqual(healthDeviations(healthBaseline(calm), now), expected);
  });
}

test('healthBaseline() keeps a status code that varied out of the judgement', () => {
  const baseline = healthBaseline([page({ a: 1 }), page({ a: 1 }, 503)]);
  assert.ok(baseline.varied.has('status code'));
  assert.deepEqual(healthDeviations(baseline, page({ a: 1 }, 500)), []);
});

test('healthBaseline() takes a counter that stood still before and never returns for a change that stays', () => {
  const baseline = healthBaseline([page({ errors: 0 }), page({ errors: 0 })]);
  assert.deepEqual(healthDeviations(baseline, page({ errors: 3 })), ['/errors']);
});
