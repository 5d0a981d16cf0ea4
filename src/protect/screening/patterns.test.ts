// Patterns over sets of words: what each finds and leaves, gaps, and time that grows with length alone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLists, regions } from './features.ts';
import { readLexicon } from './lexicon.ts';
import { normalise } from './normalise.ts';
import { createReader } from './reader.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const shipped = readLexicon(readFileSync(join(root, 'rules/screening/lexicon.yaml'), 'utf8'));

function metIn(lexicon: ReturnType<typeof readLexicon>): (text: string) => string[] {
  const sink = createLists();
  const reader = createReader({ lexicon, sink });
  return (text) => {
    reader.read(normalise(text).text);
    // What is told of patterns shares their region.
    return [...sink.segments().features].flatMap(
      (feature) => lexicon.patterns.rules[feature - regions.patterns.base]?.id ?? [],
    );
  };
}
const met = metIn(shipped);

for (const { id, finds, passes } of shipped.patterns.rules)
  test(`pattern ${id} is met by its examples and not by its counter-examples`, () => {
    for (const text of finds) assert.ok(met(text).includes(id), text);
    for (const text of passes) assert.ok(!met(text).includes(id), text);
  });

test('every pattern has a name of its own', () => {
  const ids = shipped.patterns.rules.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
});

const lexiconOf = (says: string) =>
  readLexicon(`concepts: {}
words: { a: alpha both, b: beta both }
patterns: [{ id: x, category: injection, says: "${says}", finds: [y] }]`);

const cases: [says: string, text: string, found: boolean][] = [
  ['a b', 'alpha beta', true],
  ['a b', 'alpha and beta', false],
  ['a 2 b', 'alpha one two beta', true],
  ['a 2 b', 'alpha one two three beta', false],
  ['a 2 b', 'alpha alpha one two beta', true],
  ['a 2 b', 'alpha one. two beta', false],
  ['^ a', 'alpha', true],
  ['^ a', 'so alpha', false],
  ['a b', 'both', false],
  ['a b', 'both both', true],
  ["a 'now'", 'alpha now', true],
  ['a b a b', 'alpha beta alpha beta', true],
  ['a|b 1 a', 'beta x alpha', true],
  ['a 3 b 3 a', 'alpha beta beta x alpha', true],
];
for (const [says, text, found] of cases)
  test(`readPatterns() with "${says}" ${found ? 'meets' : 'leaves'} "${text}"`, () => {
    assert.equal(metIn(lexiconOf(says))(text).length > 0, found);
  });

test('readLexicon() refuses a pattern that names no set of words', () => {
  assert.throws(() => lexiconOf('a 2 nothing'), /nothing/);
});
