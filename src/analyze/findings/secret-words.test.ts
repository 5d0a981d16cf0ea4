import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSecretRules } from '../../platform/inspection/secret-rules.ts';
import { secretWords } from './secret-words.ts';

test('secretWords() says where a key is revoked', () => {
  const words = secretWords({ kind: 'leaked', rule: 'github-personal-token', provider: 'GitHub' }, 'en');
  assert.equal(words.title, 'Secret sent to the assistant: GitHub');
  assert.match(words.fix, /^Revoke it at GitHub/);
});

test('secretWords() sends nobody to a provider that does not exist', () => {
  const { tokens, named } = loadSecretRules();
  const nobody = [...tokens, ...named].filter(({ provider }) =>
    ['generic', 'private key', 'address', 'HTTP', 'JSON Web Token', 'age', 'mail'].includes(provider),
  );
  const rules = [
    ...nobody,
    { id: 'generic-password', provider: 'generic' },
    { id: 'generic-key', provider: 'generic' },
  ];
  for (const { id, provider } of rules)
    for (const kind of ['leaked', 'made-up'] as const)
      for (const lang of ['en', 'fr'] as const) {
        const said = Object.values(secretWords({ kind, rule: id, provider }, lang)).join(' ');
        assert.doesNotMatch(said, /generic|Revoke it at|chez \w+, en créer|\{\w+\}/, said);
      }
  const leaked = { kind: 'leaked', rule: 'private-key', provider: 'private key' } as const;
  assert.equal(secretWords(leaked, 'fr').title, "Secret transmis à l'assistant : clé privée");
});
