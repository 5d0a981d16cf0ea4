import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JsonObject } from '../../platform/base/json.ts';
import { openJournals } from '../../platform/journal/journals.ts';
import { authentication } from '../../platform/journal/ocsf.ts';
import { createSigmaJudge, journalPatternsDetector } from './journal-patterns.ts';
import { loadShippedSigma, loadSigma } from './load-sigma.ts';
import { readSigma, SigmaRefused } from './sigma.ts';
import { testContext, until } from './test-context.ts';
import { realTimers } from './timers.ts';

const record: JsonObject = {
  class_uid: 3002,
  status_detail: 'unknown',
  src_endpoint: { ip: '203.0.113.7' },
  user: { name: 'Ann*', tags: ['admin', 'ops'] },
  count: 12,
  empty: '',
};

const ruleOf = (detection: string) => `title: t\ndetection:\n${detection.replace(/^/gm, '  ')}\n`;
const only = (fields: string) => ruleOf(`s:\n${fields.replace(/^/gm, '  ')}\ncondition: s`);
const holds = (text: string) => readSigma(text).rules[0]!.matches(record);

for (const [fields, expected] of [
  ['class_uid: 3002', true],
  ["class_uid: '3002'", true],
  ['status_detail: UNKNOWN', true],
  ['status_detail|cased: UNKNOWN', false],
  ['status_detail: [known, un*]', true],
  ['status_detail: u?known', true],
  ["user.name: 'Ann\\*'", true],
  ["user.name: 'Ann\\?'", false],
  ['user.tags: ops', true],
  ['user.tags|contains|all: [adm, op]', true],
  ['user.tags|contains|all: [adm, xx]', false],
  ['status_detail|startswith: unk', true],
  ['status_detail|endswith: unk', false],
  ['status_detail|re: ^un(k|x)+now', true],
  ['status_detail|re: ^UN', false],
  ['status_detail|re|i: ^UN', true],
  ['src_endpoint.ip|cidr: [10.0.0.0/8, 203.0.113.0/24]', true],
  ['src_endpoint.ip|cidr: 2001:db8::/32', false],
  ['count|gte: 12', true],
  ['count|gt: 12', false],
  ['count|lt: 13', true],
  ['other|exists: false', true],
  ['other: null', true],
  ['empty: null', true],
  ['class_uid: 3002\nstatus_detail: other', false],
] as const)
  test(`readSigma() makes of ${JSON.stringify(fields)} what ${expected ? 'fits' : 'does not fit'}`, () => {
    assert.equal(holds(only(fields)), expected);
  });

for (const [condition, expected] of [
  ['a and not b', true],
  ['not (a and not b)', false],
  ['b or a', true],
  ['a and b or a', true],
  ['1 of sel_*', true],
  ['all of sel_*', false],
  ['any of them', true],
  ['all of them', false],
  ['keys', true],
  ['maps', true],
] as const)
  test(`readSigma() reads the condition ${condition}`, () => {
    const text = ruleOf(
      [
        'a: { class_uid: 3002 }',
        'b: { class_uid: 1 }',
        'sel_one: { count: 12 }',
        'sel_two: { count: 13 }',
        "keys: ['203.0.113', nothing]",
        'maps: [{ class_uid: 1 }, { count: 12 }]',
        `condition: ${condition}`,
      ].join('\n'),
    );
    assert.equal(holds(text), expected);
  });

for (const [text, what] of [
  [only('a|base64: x'), 't: the modifier base64 is not supported'],
  [only('a|fieldref: x'), 't: the modifier fieldref is not supported'],
  [only('a|contains|startswith: x'), 't: the modifiers contains and startswith exclude each other'],
  [only("a|re: '(a)\\1'"), 't: a regular expression with a reference back'],
  [only("a|re: '(?=a)'"), 't: a regular expression with a look ahead or behind'],
  [only('a|cidr: 300.0.0.0/8'), 't: 300.0.0.0/8 is no network'],
  [only('a: { b: c }'), 't: a value of a is neither text nor number'],
  [
    ruleOf('a: { b: c }\ncondition: a | count() > 5'),
    't: a condition that counts behind a bar: write a correlation instead',
  ],
  [ruleOf('a: { b: c }\ntimeframe: 5m\ncondition: a'), 't: timeframe in a detection: write a correlation instead'],
  [ruleOf('a: { b: c }\ncondition: b'), 't: the condition names b, which the detection does not have'],
  [ruleOf('a: { b: c }\ncondition: 2 of them'), 't: 2 of: only 1, any and all are supported'],
  [ruleOf('a: { b: c }\ncondition: (a'), 't: a parenthesis of the condition is not closed'],
  [ruleOf('a: { b: c }\ncondition: a a'), 't: the condition cannot be read from a on'],
  [ruleOf('a: []\ncondition: a'), 't: the selection a is empty'],
  ['title: t\n', 't: detection is not as Sigma has it'],
  ['title: t\ndetection: &x { a: *x, condition: a }\n', 'an alias of YAML'],
  ['title: [', 'the YAML cannot be read (BAD_INDENT)'],
  [
    'title: t\ncorrelation: { type: temporal, rules: [a], timespan: 5m, condition: { gte: 2 } }',
    't: the correlation type temporal is not supported',
  ],
  [
    'title: t\ncorrelation: { type: event_count, rules: [a], timespan: 5m, condition: { gte: 2 } }',
    't: it counts a, which is not in the same file',
  ],
] as const)
  test(`readSigma() refuses: ${what}`, () => {
    assert.throws(
      () => readSigma(text),
      (error) => error instanceof SigmaRefused && (error.what === what || what.includes('YAML cannot')),
    );
  });

test('loadSigma() uses the good files of a folder, and says of the others exactly why not', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-sigma-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'more'));
  writeFileSync(join(folder, 'good.yml'), only('a: b'));
  writeFileSync(join(folder, 'more', 'bad.yaml'), only('a|windash: b'));
  const { rules, refused } = loadSigma([folder, join(folder, 'none')]);
  assert.equal(rules.length, 1);
  assert.deepEqual(refused, [
    { file: 'more/bad.yaml', what: 't: the modifier windash is not supported' },
    { file: join(folder, 'none'), what: 'the folder cannot be read' },
  ]);
});

function judged() {
  const { rules, correlations } = loadShippedSigma();
  const context = testContext(() => 0);
  const judge = createSigmaJudge(rules, correlations, context);
  let seq = 0;
  const write = (event: JsonObject, time: number) =>
    judge({ event, time, seq: ++seq, stream: 'gateway', hash: '', prev: '' });
  const told = () => context.told.map(({ type, subject, facts }) => [type, subject, facts['rule']]);
  return { write, told };
}

const refused = (ip: string, detail: string): JsonObject => ({
  class_uid: 3002,
  status_id: 2,
  status_detail: detail,
  src_endpoint: { ip },
  user: { name: 'unknown', uid: 'k1' },
});

test('rules/detect/journal: twenty guesses of one address within minutes are an intrusion, and over an hour they are none', () => {
  const fast = judged();
  for (let count = 0; count < 20; count++) {
    fast.write(refused('203.0.113.7', 'unknown'), count * 1_000);
    fast.write(refused(`198.51.100.${count}`, 'unknown'), count * 1_000);
    fast.write(refused('192.0.2.1', 'expired'), count * 1_000);
  }
  assert.deepEqual(fast.told(), [['unauthorised-access', '203.0.113.7', 'rempart-credentials-refused']]);
  const slow = judged();
  for (let count = 0; count < 60; count++) slow.write(refused('203.0.113.7', 'unknown'), count * 60_000);
  assert.deepEqual(slow.told(), []);
});

test('rules/detect/journal: a revoked credential from four addresses was stolen', () => {
  const { write, told } = judged();
  for (let count = 0; count < 30; count++) write(refused('192.0.2.1', 'revoked'), count * 1_000);
  for (let count = 2; count < 4; count++) write(refused(`192.0.2.${count}`, 'revoked'), 40_000);
  assert.deepEqual(told(), []);
  write(refused('192.0.2.9', 'revoked'), 50_000);
  assert.deepEqual(told(), [['unauthorised-access', 'k1', 'rempart-revoked-spread']]);
});

test('rules/detect/journal: a journal shorter than what was signed is told of', () => {
  const { write, told } = judged();
  write({ class_uid: 6002, app: { name: 'journal' }, unmapped: { cut: 3 } }, 0);
  assert.deepEqual(told(), []);
  write({ class_uid: 6002, app: { name: 'journal' }, unmapped: { signedUpTo: 9 } }, 0);
  assert.deepEqual(told(), [['log-injection', 'journal', 'rempart-journal-shortened']]);
});

test('journalPatternsDetector() reads what is written from its start on,, and each record once over restarts', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-patterns-'));
  const dir = join(folder, 'journal');
  const journals = await openJournals({ dir, keyFile: join(folder, 'key.pem') });
  const journal = await journals.stream('gateway');
  const login = (subject: string) =>
    journal.append(
      authentication({ activity: 'logon', subject, sourceIp: '192.0.2.1', time: Date.now(), status: 'failure' }),
    );
  t.after(async () => {
    await journals.close();
    rmSync(folder, { recursive: true });
  });
  const { rules } = readSigma(
    'title: t\ncustom: { rempart: { type: unauthorised-access, subject: user.name } }\ndetection: { s: { class_uid: 3002 }, condition: s }\n',
  );
  const begin = () => {
    const context = testContext();
    const placesFile = join(folder, 'places.json');
    const handle = journalPatternsDetector({
      dir,
      rules,
      correlations: [],
      timers: realTimers,
      everyMs: 20,
      placesFile,
    });
    return { context, handle: handle.start(context) };
  };
  await login('before');
  const first = begin();
  await until(() => first.context.lives > 0, 'the first look');
  await login('one\u202e');
  await until(() => first.context.told.length > 0, 'a detection');
  await first.handle.close();
  await login('two');
  const second = begin();
  await until(() => second.context.told.length > 0, 'a detection after a restart');
  await second.handle.close();
  assert.deepEqual(
    [...first.context.told, ...second.context.told].map(({ subject }) => subject),
    ['one‹U+202E›', 'two'],
  );
});
