// Folded text is as long as what it was folded from, whatever stands in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fold } from './fold.ts';

for (const [given, plain] of [
  ['Clé d’accès VÉRIFIÉE', "cle d'acces verifiee"],
  ['naïf – Ça\u00a0marche', 'naif - ca marche'],
  ['İstanbul Été', 'istanbul ete'],
  ['日本 é 🛡️', '日本 e 🛡️'],
] as const)
  test(`fold() makes ${JSON.stringify(given)} plain`, () => assert.equal(fold(given), plain));

test('fold() keeps every character at its place and leaves plain text as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const once = fold(text);
      assert.equal(once.length, text.length);
      assert.equal(fold(once), once);
    }),
  );
});
