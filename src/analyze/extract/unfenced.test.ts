import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGrowth } from '../../platform/base/test-time.ts';
import { talk } from '../talk.fixture.ts';
import { extractCode } from './extract-code.ts';
import { unfenced } from './unfenced.ts';

const program = 'import os\n\ndef f(name):\n    os.system("ls " + name)\n\n    return 1';

test('unfenced() finds a program between the words that it was pasted with, each line at its place', () => {
  const [found, ...others] = unfenced(`why does this not work?\n${program}\nthanks a lot for your help`);
  assert.deepEqual([found?.text, found?.line, others.length], [program, 2, 0]);
});

for (const [what, text] of [
  ['prose', 'I import goods from Spain.\nLet me tell you:\nfor a while it was fine.'],
  ['a list of steps', 'services:\n- a\n- b\nare what I need'],
  ['a log', 'Error: connect ECONNREFUSED 10.0.0.1:5432\n    at f (/app/a.js:1:2)\n    at g (/app/a.js:2:2)'],
  ['two lines', 'import os\nos.getcwd()'],
  ['a letter', 'Dear all,\n\nfrom Monday on we import the data by hand.\n\nBest,\nAda'],
] as const)
  test(`unfenced() takes ${what} for no program`, () => assert.deepEqual(unfenced(text), []));

test('unfenced() leaves a message with fences to them', () => {
  assert.deepEqual(unfenced(`${program}\n\`\`\`\nx\n\`\`\``), []);
});

test('extractCode() reads what a user pasted as one block, and an answer as it is marked', () => {
  const blocks = extractCode(
    talk([
      ['user', program],
      ['assistant', program],
    ]),
  );
  assert.deepEqual(
    blocks
      .filter(({ author }) => author === 'user')
      .map(({ language, messageLine, text }) => [language, messageLine, text]),
    [['python', 1, program]],
  );
});

test('unfenced() takes time in proportion to the length of texts made to hurt it', () => {
  for (const piece of ['import a\n', 'const a = b\n', ' \n', 'a = (\n', 'x'.repeat(90)]) {
    const work = (length: number) => {
      const text = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
      return () => unfenced(text);
    };
    assertGrowth({ what: JSON.stringify(piece), work, lengths: [12_000, 96_000], floorMs: 5 });
  }
});
