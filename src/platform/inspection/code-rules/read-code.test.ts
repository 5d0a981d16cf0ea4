// The tokenizer loses no character, and layout that means nothing changes nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { languages } from '../ast/languages.ts';
import { inspectCode } from './inspect-code.ts';
import { readCode } from './read-code.ts';
import { loadRules } from './rule-set.ts';
import { tokenize } from './tokens.ts';

const pieces = [
  '"',
  "'",
  '`',
  '${',
  '}',
  '#{',
  '(',
  ')',
  '[',
  ']',
  '\\',
  '/*',
  '*/',
  '//',
  '#',
  '\n',
  'a',
  ' ',
  '<?php ',
  '?>',
  '<<A\n',
  '/',
  '%w[',
  '@"',
  'é',
  '1',
  '=',
];
const hostile = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => parts.join(''));

test('tokenize() keeps every token inside the text and every bracket with its partner, whatever the text', () => {
  fc.assert(
    fc.property(fc.constantFrom(...languages), hostile, (language, text) => {
      const { list, bare } = tokenize(language, text);
      assert.equal(bare.length, text.length);
      for (const [index, { start, end, pair }] of list.entries()) {
        assert.ok(0 <= start && start <= end && end <= text.length + 2);
        if (pair >= 0) assert.equal(list[pair]!.pair, index);
      }
    }),
    { numRuns: 2000, seed: 4 },
  );
});

test('tokenize() covers every character that is no comment and no space', () => {
  const code = fc.array(
    fc.constantFrom('a', 'b1', ' = ', '(', ')', '[0]', '\n', '"s"', ' + ', '.', ',', '42', ' ', '{', '}'),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(
      fc.constantFrom('python', 'javascript', 'java', 'go', 'c', 'csharp', 'ruby'),
      code,
      (language, parts) => {
        const text = parts.join('');
        const covered = new Set<number>();
        for (const { start, end } of tokenize(language as 'python', text).list)
          for (let at = start; at < end; at++) covered.add(at);
        const lost = [...text].filter((char, at) => !covered.has(at) && !/\s/.test(char));
        assert.deepEqual(lost, []);
      },
    ),
    { numRuns: 1000, seed: 4 },
  );
});

test('inspectCode() finds the same with blank lines around, and with Windows line ends', () => {
  for (const {
    id,
    languages: [language],
    examples,
  } of loadRules().rules) {
    if (language === undefined) continue;
    for (const bad of examples.bad) {
      const found = (text: string, less: number): string[] =>
        inspectCode(language, text).map(({ rule, line }) => `${rule.id} ${line - less}`);
      const plain = found(bad, 0);
      assert.deepEqual(found(`\n\n${bad}\n\n`, 2), plain, `${id} with blank lines: ${bad}`);
      assert.deepEqual(found(bad.replaceAll('\n', '\r\n'), 0), plain, `${id} with CRLF: ${bad}`);
    }
  }
});

test('inspectCode() takes a word of another language for the name it is', () => {
  assert.equal(inspectCode('javascript', 'const f = new Function("a", "return " + fn);\n').length, 1);
  assert.equal(inspectCode('python', "cur.execute('SELECT * FROM t ORDER BY ' + end)\n").length, 1);
});

test('readCode() survives nesting deeper than people write', () => {
  for (const deep of ['(', '[', '{', '`${', 'f"{', 'a(', '"#{']) {
    const text = `eval(${deep.repeat(20_000)}`;
    for (const language of ['javascript', 'python', 'ruby', 'php', 'csharp'] as const) {
      readCode(language, text);
      inspectCode(language, text);
    }
  }
});

test('inspectCode() leaves a template to the function that its tag names', () => {
  const tagged = ['const rows = await sql`SELECT * FROM t WHERE id = ', '{req.query.id}`;\n'].join('$');
  assert.deepEqual(inspectCode('javascript', tagged), []);
  assert.equal(inspectCode('javascript', tagged.replace('sql`', 'db.query(`').replace('`;', '`);')).length, 1);
});
