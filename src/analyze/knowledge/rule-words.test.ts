import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadContainerRules } from '../../platform/inspection/containers/rules.ts';
import { ruleWords } from './rule-words.ts';

test('ruleWords() leaves out the service that a finding was met in', () => {
  const met = { rule: 'containers.compose.privileged', title: 'Service "evil" runs privileged', fix: 'evil' };
  const { title, fix } = ruleWords(met, 'en');
  assert.match(title, /^Service "…" runs privileged/);
  assert.doesNotMatch(fix, /evil/);
  assert.match(ruleWords(met, 'fr').title, /^Le service « … »/);
});

test('ruleWords() fills in nothing, whatever the rule', () => {
  for (const { id } of loadContainerRules()) {
    const rule = `containers.${id.replace('/', '.')}`;
    for (const lang of ['en', 'fr'] as const)
      assert.doesNotMatch(JSON.stringify(ruleWords({ rule, title: 'met', fix: 'met' }, lang)), /\bmet\b|\{\w+\}/, id);
  }
  const gone = { rule: 'containers.compose.no-longer-known', title: 'met', fix: 'met' };
  assert.deepEqual(ruleWords(gone, 'en'), { title: gone.rule, fix: '' });
});

test('ruleWords() takes the words of other rules as they are: they name nothing', () => {
  const { rule, ...words } = { rule: 'python.eval', title: 'Code injection', fix: 'ast.literal_eval' };
  assert.deepEqual(ruleWords({ rule, ...words }, 'en'), words);
});
