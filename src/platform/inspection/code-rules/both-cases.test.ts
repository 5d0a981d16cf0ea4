// `(?i:…)` written out: the same texts match, and nothing of it is left to the engine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bothCases } from './both-cases.ts';
import { loadRules, ruleSet } from './rule-set.ts';

const cases: [string, string][] = [
  ['(?i:token|passw)\\w+', '(?:[tT][oO][kK][eE][nN]|[pP][aA][sS][sS][wW])\\w+'],
  ['a(?i:b(c)d)e', 'a(?:[bB]([cC])[dD])e'],
  ['(?i:[a-f_]\\s)[a-f]', '(?:[a-f_A-F]\\s)[a-f]'],
  ['(?i:[^x"]\\bN\\u0041)', '(?:[^x"X]\\b[Nn]\\u0041)'],
  ['(?i:é(?=z))z', '(?:[éÉ](?=[zZ]))z'],
  ['x(?:i)', 'x(?:i)'],
];
for (const [source, written] of cases) {
  test(`bothCases() writes ${source} as ${written}`, () => assert.equal(bothCases(source), written));
}

test('bothCases() matches what the engine does with (?i:…), on words in all cases', () => {
  const words = ['sha-1', 'SHA1', 'Sha-256', 'x[0]', 'X[0]', 'getToken()', 'TOKEN', 'tok', '_', '-'];
  for (const source of ['^(?i:sha-?1|x\\[\\d])$', '(?i:[a-z]+(?:oken|\\(\\)))', '(?i:tok)en', '(?i:[^a-z])$']) {
    const mine = new RegExp(bothCases(source));
    const engine = new RegExp(source);
    for (const word of words) assert.equal(mine.test(word), engine.test(word), `${source} on ${word}`);
  }
});

test('loadRules() leaves no case to the engine within a pattern', () => {
  assert.ok(ruleSet().count > 0);
  assert.deepEqual(
    loadRules().patterns.filter(({ pattern }) => pattern.source.includes('(?i:')),
    [],
  );
});
