import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sayer } from '../platform/i18n/say.ts';
import { changeText } from './change-text.ts';

test('changeText() says a change in the reader’s language, and leaves a word that it does not know', () => {
  assert.equal(changeText('disconnect', sayer('fr')), 'déconnecter');
  assert.equal(changeText('toString', sayer('fr')), 'toString');
});

test('changeText() knows every word that an action says of what it would change', () => {
  const root = join(import.meta.dirname, '..', 'respond', 'actions');
  const words = globSync('**/*.ts', { cwd: root })
    .filter((file) => !file.endsWith('.test.ts'))
    .flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/\bchange: '([\w-]+)'/g)].map((match) => match[1]!),
    );
  assert.ok(words.length > 10);
  const unknown = words.filter((word) => word.includes('-') && changeText(word, sayer('en')) === word);
  assert.deepEqual(unknown, []);
  for (const word of words) assert.notEqual(changeText(word, sayer('fr')), word, word);
});
