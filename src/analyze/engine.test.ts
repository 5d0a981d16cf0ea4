// The engine's description against the rules as they are loaded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleSet } from '../platform/inspection/code-rules/rule-set.ts';
import { loadContainerRules } from '../platform/inspection/containers/rules.ts';
import { loadSecretRules } from '../platform/inspection/secret-rules.ts';
import { engineOf } from './engine.ts';
import { knowledge } from './knowledge/knowledge.ts';

test('engineOf() counts the rules that are loaded, and names them by the same hash each time', () => {
  const { tokens, named } = loadSecretRules();
  const loaded = ruleSet().count + knowledge().count + loadContainerRules().length + tokens.length + named.length;
  const engine = engineOf('1.2.3');
  assert.equal(engine.rules.count, loaded);
  assert.equal(engine.version, '1.2.3');
  assert.match(engine.rules.hash, /^[0-9a-f]{64}$/);
  assert.deepEqual(engineOf('1.2.3'), engine);
});
