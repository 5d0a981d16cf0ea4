import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CodeMatch, inspectCode } from './inspect-code.ts';
import { loadRules, ruleSet } from './rule-set.ts';

const set = loadRules();

for (const rule of set.rules) {
  const [language] = rule.languages;
  if (language === undefined) continue;
  const alone = { ...set, byLanguage: new Map([[language, [rule]]]) };
  test(`${rule.id} finds its bad examples and leaves its good ones alone`, () => {
    for (const bad of rule.examples.bad)
      assert.notDeepEqual(inspectCode(language, bad, alone), [], `not found in ${bad}`);
    for (const good of rule.examples.good) {
      const same = (match: CodeMatch) => match.rule.weakness === rule.weakness;
      const found: CodeMatch[] = inspectCode(language, good).filter(same);
      assert.deepEqual(
        found.map((match) => `${match.rule.id} on line ${match.line}`),
        [],
        `found in ${good}`,
      );
    }
  });
}

test('every rule says what it found in both languages', () => {
  for (const { id, title, explanation, exploitation } of set.rules) {
    // A fix may be the same line of code in both.
    for (const text of [title, explanation, exploitation]) {
      assert.notEqual(text.en, text.fr, `${id}: the same text in both languages`);
    }
  }
});

test('ruleSet() gives the same count and hash each time', () => {
  assert.deepEqual(ruleSet(), ruleSet());
  assert.equal(ruleSet().count, set.rules.length);
  assert.match(ruleSet().hash, /^[0-9a-f]{64}$/);
});
