// Conditions: what STIX comparisons mean over variables, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertCpu } from '../../platform/base/test-time.ts';
import { holds, parseCondition } from './condition.ts';
import type { Variables } from './playbook.ts';
import { readPlaybook } from './read-playbook.ts';
import { createScope, fill } from './variables.ts';

const variable = (type: string, value: string | null) => ({ type, value, constant: false, external: true });
const scope = createScope({
  __name__: variable('string', "it's"),
  __empty__: variable('string', ''),
  __none__: variable('string', null),
  __count__: variable('integer', '9'),
  __at__: variable('string', '2026-11-22T06:00:00Z'),
  __ip__: variable('ipv4-addr', '10.1.2.3'),
} as Variables);
const is = (text: string) => holds(parseCondition(text), scope);

test('holds() compares by what stands on the right: numbers as numbers, times as times, the rest as texts', () => {
  assert.equal(is("__name__:value = 'it\\'s'"), true);
  assert.equal(is('__count__:value < 10'), true, 'as texts 9 would come after 10');
  assert.equal(is("__count__:value < '10'"), false);
  assert.equal(is('__name__:value < 10'), false, 'no number is on the left');
  assert.equal(is("__at__:value >= t'2026-11-22T07:00:00+01:00'"), true);
  assert.equal(is("__count__:value IN (1, 9, '7')"), true);
  assert.equal(is("__name__:value NOT IN ('a', 'b')"), true);
});

test('holds() tells nothing from an empty text', () => {
  assert.equal(is("__empty__:value = ''"), true);
  assert.equal(is("__none__:value = ''"), false);
  assert.equal(is("__none__:value != ''"), true);
  assert.equal(is('EXISTS __empty__:value'), true);
  assert.equal(is('EXISTS __none__:value'), false);
  assert.equal(is('__empty__:value = 0'), false);
});

test('holds() knows networks, wildcards and patterns', () => {
  assert.equal(is("__ip__:value ISSUBSET '10.0.0.0/8'"), true);
  assert.equal(is("__ip__:value ISSUBSET '10.1.2.4/31'"), false);
  assert.equal(is("__ip__:value ISSUPERSET '10.0.0.0/8'"), false);
  assert.equal(is("__ip__:value LIKE '10.%.3'"), true);
  assert.equal(is("__ip__:value LIKE '10._.2._'"), true);
  assert.equal(is("__ip__:value LIKE '10.%.4'"), false);
  assert.equal(is("__ip__:value MATCHES '^10\\\\.'"), true);
});

test('parseCondition() binds NOT before AND before OR, and parentheses before all', () => {
  const [yes, no] = ['__count__:value = 9', '__count__:value = 8'];
  assert.equal(is(`${yes} OR ${yes} AND ${no}`), true);
  assert.equal(is(`(${yes} OR ${yes}) AND ${no}`), false);
  assert.equal(is(`NOT ${no} AND ${yes}`), true);
  assert.equal(is(`NOT (${no} AND ${yes})`), true);
  assert.equal(is(`[${yes}]`), true);
});

test('parseCondition() refuses what is no comparison, whatever it would do', () => {
  for (const text of [
    '',
    '__count__:value',
    '__count__:value = ',
    '__count__ = 1',
    "process.exit() = 'x'",
    '__count__:value = 1 AND',
    '(__count__:value = 1',
    '__count__:value = 1 1',
    `${'('.repeat(100)}__count__:value = 1${')'.repeat(100)}`,
    Array(2_000).fill('__count__:value = 1').join(' AND '),
  ])
    assert.throws(() => parseCondition(text), { code: 'ERR_PLAYBOOK_CONDITION' }, text);
  assert.throws(() => is('__other__:value = 1'), { code: 'ERR_PLAYBOOK_VARIABLE' });
});

test('holds() takes no time that grows beyond measure, whatever pattern and value', () => {
  for (const pattern of ['(', '(a)\\\\1', '(?=a)b'])
    assert.throws(() => is(`__name__:value MATCHES '${pattern}'`), { code: 'ERR_PLAYBOOK_CONDITION' }, pattern);
  const long = createScope({ __long__: variable('string', 'a'.repeat(100_000)) } as Variables);
  for (const text of [
    "__long__:value MATCHES 'a*a*b'",
    "__long__:value MATCHES 'a*b'",
    "__long__:value MATCHES '(a+)+b'",
    "__long__:value MATCHES '((a+)b?)+c'",
    "__long__:value MATCHES '(a?){30}a{30}b'",
    "__long__:value MATCHES '(a+){20}c'",
    "__long__:value LIKE '%a%a%a%a%b'",
  ])
    assertCpu(text, 3_000, () => assert.equal(holds(parseCondition(text), long), false));
});

test('fill() replaces once: a value that names another variable stays as it is', () => {
  const hostile = createScope({
    __a__: variable('string', '__secret__:value $(id) `id`'),
    __secret__: variable('string', 'hidden'),
  } as Variables);
  assert.equal(fill('say __a__:value', hostile), 'say __secret__:value $(id) `id`');
  assert.equal(fill('__init__ is a word', hostile), '__init__ is a word');
  assert.throws(() => fill('__none__:value', scope), { code: 'ERR_PLAYBOOK_VARIABLE' });
  assert.throws(() => fill('__other__:value', scope), { code: 'ERR_PLAYBOOK_VARIABLE' });
});

test('parseCondition() refuses a pattern that could not be matched, before any value is there', () => {
  assert.throws(() => parseCondition("__name__:value MATCHES '(?<=a)b'"), { code: 'ERR_PLAYBOOK_CONDITION' });
});

test('readPlaybook() refuses what is nested without end, as it refuses what is no JSON', () => {
  const deep = `{"type":"playbook","x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  assert.throws(() => readPlaybook(deep, 'deep.json'), { code: 'ERR_PLAYBOOK_UNREADABLE' });
});
