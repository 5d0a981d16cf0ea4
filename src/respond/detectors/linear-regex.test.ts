import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertGrowth } from '../../platform/base/test-time.ts';
import { linearRegex, RegexRefused } from './linear-regex.ts';

test('linearRegex() answers as the engine of the language does, for patterns and texts of any kind', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    'c',
    '.',
    '[ab]',
    '[^a]',
    '\\d',
    '\\w',
    '\\b',
    '\\B',
    '\\s',
    '1',
    ' ',
    '^',
    '$',
    '[b-c]',
  );
  const { pattern } = fc.letrec((tie) => ({
    pattern: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      atom,
      fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => `${String(one)}${String(other)}`),
      fc.tuple(tie('pattern'), tie('pattern')).map(([one, other]) => `(?:${String(one)}|${String(other)})`),
      fc
        .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{2,}', '*?'))
        .map(([one, count]) => `(?:${String(one)})${count}`),
    ),
  }));
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' ', '\n'), maxLength: 12 });
  fc.assert(
    fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 8 }), (source, texts) => {
      const ours = linearRegex(String(source));
      const theirs = new RegExp(String(source));
      for (const one of texts) assert.equal(ours(one), theirs.test(one), `${String(source)} on ${JSON.stringify(one)}`);
    }),
    { numRuns: 1_500 },
  );
});

for (const [source, yes, no] of [
  ['(?i)failed PASSWORD', 'Failed password for root', 'password failed'],
  ['^\\[(?:error|critical)\\]', '[error] x', ' [error] x'],
  ['\\x41\\u00e9', 'Aé', 'Ae'],
  ['[]a]', ']', 'b'],
  ['a{3,}$', 'baaa', 'aaab'],
  ['(?<user>\\w+)@x', 'ann@x', '@x'],
  ['(?s)a.b', 'a\nb', 'ab'],
] as const)
  test(`linearRegex() finds ${source}`, () => {
    const found = linearRegex(source);
    assert.ok(found(yes));
    assert.ok(!found(no));
  });

for (const [source, what] of [
  ['(a)\\1', 'a reference back'],
  ['a(?=b)', 'a look ahead or behind'],
  ['(?<!a)b', 'a look ahead or behind'],
  ['(a', 'a group that is not closed'],
  ['a)', 'a parenthesis too many'],
  ['[a', 'brackets that are not closed'],
  ['*a', 'a repetition of nothing'],
  ['a++', 'a possessive repetition'],
  ['\\p{L}', 'the escape \\p'],
  ['((a{1000}){1000})', 'too many repetitions of repetitions'],
  ['a{2,1}', 'a repetition whose limits are the wrong way round'],
  [`${'('.repeat(60)}a${')'.repeat(60)}`, 'groups nested deeper than 50'],
  ['(?m)a', 'the flag m'],
] as const)
  test(`linearRegex() refuses ${source.slice(0, 20)} for ${what}`, () => {
    assert.throws(
      () => linearRegex(source),
      (error) => error instanceof RegexRefused && error.what === what,
    );
  });

test('linearRegex() takes no longer a character on a hostile text of a hundred thousand than on one of a thousand', () => {
  for (const source of ['(a+)+$', '(a|aa)*b', '(.*a){12}x', 'a*a*a*a*a*b', '(\\w+\\s?)*!', 'a[ad]{14}c']) {
    const found = linearRegex(source);
    let seed = 7;
    const text = (length: number) => {
      if (!source.includes('d')) return 'a'.repeat(length);
      return Array.from({ length }, () => {
        seed = (seed * 48_271) % 2_147_483_647;
        return seed % 2 === 0 ? 'a' : 'd';
      }).join('');
    };
    const work = (length: number) => {
      const hostile = `${text(length)}?`;
      return () => assert.equal(found(hostile), false);
    };
    assertGrowth({ what: source, work, lengths: [4_000, 100_000], steepest: 1.5 });
  }
});
