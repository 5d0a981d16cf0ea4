// Patterns tried line by line find what they find in the whole text, and no line is left out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  createPatternCollector,
  type IndexedPattern,
  nextMatch,
  type PatternIndex,
  type Stretches,
} from './pattern-index.ts';
import { staysInLine } from './stays-in-line.ts';

const sources = [
  'sql injection',
  'token[^.\\n]{0,10}(leak|lost)',
  '\\bsafe\\b(?= (token|sql))',
  '(?<!un)safe',
  '(^|\\n)leak',
  'lost\\s+token',
  'leak$',
  'safe[^.]{0,6}lost',
];

/** As `hitsOf` goes through a stretch. */
function matches(pattern: IndexedPattern, mask: number, text: string): [number, string][] {
  const found: [number, string][] = [];
  for (let match = nextMatch(pattern, mask, text, 0); match !== null; ) {
    found.push([match.index, match[0]]);
    match = nextMatch(pattern, mask, text, match.index + Math.max(1, match[0].length));
  }
  return found;
}

function stretchesOf(index: PatternIndex, text: string): Map<number, Stretches> {
  const all = new Map<number, Stretches>();
  index.stretches(text, (pattern, stretches) => all.set(pattern, stretches));
  return all;
}

const pieces = fc.constantFrom('sql', ' ', 'injection', 'token', 'leak', 'lost', 'un', 'safe', '\n', '\r\n', '.', 'é');
const texts = fc.array(pieces, { maxLength: 60 }).map((words) => words.join(''));
const together = [
  sources,
  ['safe', 'safe[^.\\n]{0,20}sql', 'unsafe'],
  Array.from({ length: 70 }, (_, i) => sources[i % 4]!),
];

test('stretches() and nextMatch() leave out no place that a pattern meets, and add none', () => {
  const collector = createPatternCollector();
  const patterns = [...sources.map((source) => [source]), ...together].map((list) => collector.add(list, 'g')!);
  const index = collector.index();
  fc.assert(
    fc.property(texts, (text) => {
      const stretches = stretchesOf(index, text);
      for (const pattern of patterns) {
        const inAll = [...text.matchAll(pattern.regex)].map((match) => [match.index, match[0]]);
        const list = stretches.get(pattern.index) ?? [];
        const apart = list.flatMap((from, i) =>
          i % 3 === 0
            ? matches(pattern, list[i + 2]!, text.slice(from, list[i + 1])).map(([at, word]) => [from + at, word])
            : [],
        );
        assert.deepEqual(apart, inAll);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('candidates() and nextMatch() find in a whole text what all alternatives as one find', () => {
  const collector = createPatternCollector();
  const patterns = together.map((list) => collector.add(list, 'gm')!);
  const index = collector.index();
  fc.assert(
    fc.property(texts, (text) => {
      const masks = new Map<number, number>();
      index.candidates(text, (pattern, mask) => masks.set(pattern, mask));
      for (const pattern of patterns)
        assert.deepEqual(
          matches(pattern, masks.get(pattern.index) ?? 0, text),
          [...text.matchAll(pattern.regex)].map((match) => [match.index, match[0]]),
        );
    }),
  );
});

test('stretches() names only the lines that hold a word', () => {
  const collector = createPatternCollector();
  const { index } = collector.add(['tokens?'], 'g')!;
  assert.deepEqual(
    stretchesOf(collector.index(), 'one\na token here\nthree\ntoken token').get(index),
    [4, 16, 1, 23, 34, 1],
  );
  assert.equal(stretchesOf(collector.index(), 'nothing').get(index), undefined);
});

for (const [source, stays] of [
  ['a\\b[a-z -]{0,3}(?:b|c)\\d', true],
  ['a[^.\\n]{0,4}b', true],
  ['a.b\\.', true],
  ['a[^.]b', false],
  ['a\\sb', false],
  ['a[\\s,]b', false],
  ['a\\Wb', false],
  ['^a', false],
  ['a$', false],
  ['a\\$', true],
  ['a\\x0ab', false],
  ['a\nb', false],
] as const) {
  test(`staysInLine() says ${stays} of ${JSON.stringify(source)}`, () => assert.equal(staysInLine(source), stays));
}
