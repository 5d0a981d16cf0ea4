// Every check of the shipped rubric can be explained, and every method listed with its needs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { methodPlans } from '../scenarios/methods.ts';
import { parseRubric, shareAt } from '../scoring/rubric.ts';
import { listMethods, listText } from './catalogue.ts';
import { explainCheck, explanationText, knownChecks } from './explain.ts';
import { words } from './text.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const rubric = parseRubric(readFileSync(join(root, 'scenarios', 'rubric.yaml'), 'utf8'));

test('explainCheck() says for every check of the rubric what it asks, in both languages', () => {
  for (const id of knownChecks(rubric)) {
    const [en, fr] = (['en', 'fr'] as const).map((lang) => explainCheck(id, rubric, words(lang)));
    assert.ok(en && fr, id);
    assert.notEqual(en.asks, en.title, `${id} has no explanation of its own`);
    assert.notEqual(en.asks, fr.asks, id);
    assert.ok(en.of > 0 && en.evidence.length > 0, id);
    for (const lang of ['en', 'fr'] as const)
      assert.doesNotMatch(explanationText(lang === 'en' ? en : fr, words(lang)), /\{\w+\}|undefined|NaN/, id);
  }
});

test('explainCheck() shows the rows by which the score is computed', () => {
  const back = explainCheck('back', rubric, words('en'));
  assert.equal(back?.band?.name, 'recovery');
  for (const [seconds, share] of back?.band?.rows ?? []) assert.equal(shareAt(rubric.bands.recovery, seconds), share);
  assert.deepEqual(explainCheck('honest', rubric, words('en'))?.answers, rubric.answers);
  assert.ok(explainCheck('spare', rubric, words('en'))?.methods?.includes('key-compromised/revoked-401'));
  assert.equal(explainCheck('alert', rubric, words('en'))?.methods, null);
});

test('explainCheck() knows no check that the rubric does not have', () => {
  assert.equal(explainCheck('nothing', rubric, words('en')), null);
  assert.equal(explainCheck('toString', rubric, words('en')), null);
});

test('listMethods() lists every method once, with what it needs', () => {
  const methods = listMethods(words('en'));
  assert.deepEqual(
    methods.map(({ scenario, method }) => `${scenario}/${method}`).sort(),
    methodPlans.map(({ scenario, method }) => `${scenario}/${method}`).sort(),
  );
  const needs = (id: string) => methods.find(({ method }) => method === id)?.needs;
  assert.deepEqual(needs('unavailable'), []);
  assert.deepEqual(needs('cpu'), ['--allow-load']);
  assert.deepEqual(needs('stopped'), ['a profile with `start`', 'a database that the profile declares']);
  assert.match(listText(listMethods(words('fr')), words('fr')), /stopped +base arrêtée .*exige un profil avec `start`/);
});
