// Code that was read in part is said to be, and whole code is not.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { say } from '../../platform/i18n/say.ts';
import { isLanguage } from '../../platform/inspection/ast/languages.ts';
import type { CodeBlock } from '../conversation.ts';
import { talk } from '../talk.fixture.ts';
import { extractCode } from './extract-code.ts';
import { partlyParsed } from './partly-parsed.ts';

function block(language: string, text: string): CodeBlock {
  const place = { messageIndex: 3, author: 'assistant', branch: 'main', messageLine: 10 } as const;
  return { ...place, language, languageBy: 'label', text, before: '', after: '' };
}

for (const [language, text, key, facts] of [
  ['python', 'def f():\n    return g(\n        1,\n', 'code.partial.bracket', { bracket: '(', line: 11 }],
  [
    'javascript',
    'app.get("/", (req, res) => {\n  res.send("}");\n',
    'code.partial.bracket',
    { bracket: '(', line: 10 },
  ],
  ['java', `class A { /* ${'x'.repeat(400_000)} */ }`, 'code.partial.long', { count: 400_018 }],
] as const) {
  test(`partlyParsed() says of ${language} that ${key}`, () => {
    const why = say('en', key, facts);
    assert.deepEqual(partlyParsed([block(language, text)], 'en'), [{ messageIndex: 3, language, why }]);
  });
}

for (const [language, text] of [
  ['python', 'print("(")  # a ( in a comment\n'],
  ['javascript', 'const open = /[(]/;\n'],
  ['bash', 'case $1 in\n  start) run ;;\n  (stop) halt ;;\n'],
  ['unknown', '((('],
] as const) {
  test(`partlyParsed() has nothing to say of ${language} like ${text.slice(0, 20).trim()}`, () => {
    assert.deepEqual(partlyParsed([block(language, text)], 'fr'), []);
  });
}

test('partlyParsed() has nothing to say of ordinary code', () => {
  const file = join(import.meta.dirname, '../../../bench/ordinary-code.txt');
  const blocks = readFileSync(file, 'utf8')
    .split(/^=== /m)
    .slice(1)
    .map((one) => block(one.slice(0, one.indexOf('\n')), one.slice(one.indexOf('\n') + 1)))
    .filter(({ language }) => isLanguage(language));
  assert.ok(blocks.length > 50);
  assert.deepEqual(partlyParsed(blocks, 'en'), []);
});

test('extractCode() marks the code that an answer broke off in', () => {
  const blocks = extractCode(talk([['assistant', 'So:\n\n```python\nx = 1\n```\n\nAnd:\n\n```python\ny = 2\n']]));
  assert.deepEqual(
    partlyParsed(blocks, 'fr').map(({ why }) => why),
    [say('fr', 'code.partial.cut-off')],
  );
});

test('partlyParsed() names the language of code that no rule knows, and says nothing of data and plain text', () => {
  const fence = (label: string, text: string) => `\`\`\`${label}\n${text}\n\`\`\``;
  const answers = [
    fence('kotlin', 'db.rawQuery("SELECT " + id, null)'),
    fence('json', '{"a": 1}'),
    fence('text', 'a b'),
  ];
  const blocks = extractCode(talk(answers.map((answer) => ['assistant', answer] as const)));
  const why = say('en', 'code.partial.no-rules');
  assert.deepEqual(partlyParsed(blocks, 'en'), [{ messageIndex: 0, language: 'kotlin', why }]);
});
