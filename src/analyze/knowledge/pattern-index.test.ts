// Patterns tried line by line find what they find in the whole text, and no line is left out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPatternCollector } from './pattern-index.ts';
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

test('stretches() leaves out no place that a pattern meets, and adds none', () => {
  const collector = createPatternCollector();
  const patterns = sources.map((source) => collector.add([source], 'g')!);
  const index = collector.index();
  const pieces = fc.constantFrom(
    'sql',
    ' ',
    'injection',
    'token',
    'leak',
    'lost',
    'un',
    'safe',
    '\n',
    '\r\n',
    '.',
    'é',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 60 }), (words) => {
      const text = words.join('');
      const stretches = index.stretches(text);
      for (const { regex, index: place } of patterns) {
        const inAll = [...text.matchAll(regex)].map((match) => [match.index, match[0]]);
        const list = stretches[place] ?? [];
        const apart = list.flatMap((from, i) =>
          i % 2 === 0
            ? [...text.slice(from, list[i + 1]).matchAll(regex)].map((match) => [from + match.index, match[0]])
            : [],
        );
        assert.deepEqual(apart, inAll);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('stretches() names only the lines that hold a word', () => {
  const collector = createPatternCollector();
  const { index } = collector.add(['tokens?'], 'g')!;
  assert.deepEqual(collector.index().stretches('one\na token here\nthree\ntoken token')[index], [4, 16, 23, 34]);
  assert.equal(collector.index().stretches('nothing')[index], undefined);
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
