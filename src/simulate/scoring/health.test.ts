// Whether a health page left its baseline: what is steady counts, what moves by itself does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HealthSample, healthBaseline, healthDeviations } from './health.ts';

const page = (value: unknown, status: number | null = 200): HealthSample => ({
  status,
  body: typeof value === 'string' ? value : JSON.stringify(value),
});

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
  ['a page that is no JSON, changed', [page('OK')], page('DOWN'), ['text']],
  ['JSON that becomes text', [page({ a: 1 })], page('<h1>down</h1>', 502), ['status code', '/a', 'text']],
  ['no answer at all', [page({ a: 1 })], page('', null), ['status code', '/a', 'text']],
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
