import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Conversation, Part } from '../conversation.ts';
import { extractCode } from './extract-code.ts';
import { findFences } from './fences.ts';
import { messageText } from './message-text.ts';

function conversation(...parts: Part[]): Conversation {
  const message = {
    index: 0,
    author: 'assistant',
    branch: 'main',
    at: null,
    model: null,
    hidden: false,
    failed: false,
    parts,
  } as const;
  return {
    id: 'x',
    title: null,
    source: 'f',
    format: 'openai',
    messages: [{ ...message, parts }],
    repairs: [],
    unread: { unknownTypes: {}, messages: 0 },
  };
}

const blocks = (markdown: string) => findFences(markdown).map(({ label, text, line }) => [label, text, line]);

for (const [title, markdown, expected] of [
  ['a fence', 'a\n```py\nx\n```\nb', [['py', 'x', 3]]],
  ['a fence of tildes that holds backticks', '~~~sh\n```\nx\n~~~', [['sh', '```\nx', 2]]],
  [
    'a longer fence that holds a shorter',
    '````md\n```js\ny\n```\n````',
    [
      ['md', '```js\ny\n```', 2],
      ['js', 'y', 3],
    ],
  ],
  [
    'Markdown that holds fences of its own length',
    '```markdown\n# T\n```py\nx\n```\nmore\n```\nend',
    [
      ['markdown', '# T\n```py\nx\n```\nmore', 2],
      ['py', 'x', 4],
    ],
  ],
  ['a fence that the answer left open', 'a\n```js\nx\ny', [['js', 'x\ny', 3]]],
  ['a fence indented by two', '  ```go\n  x\n    y\n  ```', [['go', 'x\n  y', 2]]],
  ['a fence in a list', '1. do\n\n    ```bash\n    ls\n    ```\n', [['bash', 'ls', 4]]],
  ['a fence in a quote', '> ```sql\n> SELECT 1\n> ```', [['sql', 'SELECT 1', 2]]],
  ['code by indentation', 'see\n\n    x = 1\n    y = 2\n\nend', [['', 'x = 1\ny = 2', 3]]],
  ['lines that end as on Windows', '```c\r\nx\r\n```\r\n', [['c', 'x', 2]]],
  ['an empty fence', '```js\n```', [['js', '', 2]]],
  ['code within a line', 'use ```x``` here', []],
] as const) {
  test(`findFences() finds ${title}`, () => assert.deepEqual(blocks(markdown), expected));
}

test('findFences() answers any text without failing, each block within the text', () => {
  const piece = fc.constantFrom(
    '```',
    '~~~',
    '````',
    '\n',
    '\n',
    'py',
    ' ',
    '    ',
    '> ',
    '- ',
    '1. ',
    'x = 1',
    '\t',
    '<div>',
    '\r\n',
    '`',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const markdown = pieces.join('');
      const count = markdown.split(/\r\n|\n|\r/).length;
      for (const fence of findFences(markdown)) {
        assert.ok(fence.firstLine >= 1 && fence.lastLine <= count, 'its lines are lines of the text');
        assert.ok(
          fence.text.split('\n').every((line) => markdown.includes(line.trim())),
          'its code is in the text',
        );
      }
    }),
    { numRuns: 400 },
  );
});

test('findFences() bears quotes within quotes without end', () => {
  assert.deepEqual(findFences(`${'> '.repeat(20_000)}\`\`\`\nx\n`).length, 0);
});

test('extractCode() says where a block stands in the whole message', () => {
  const found = conversation(
    { kind: 'prose', text: 'one\ntwo\n```python\nimport os\n```' },
    { kind: 'output', text: 'three' },
    { kind: 'code', text: 'x', language: 'bash' },
  );
  const lines = messageText(found.messages[0]!).split('\n');
  for (const block of extractCode(found)) assert.equal(lines[block.messageLine - 1], block.text.split('\n')[0]);
  assert.deepEqual(
    extractCode(found).map((b) => [b.language, b.languageBy, b.messageLine]),
    [
      ['python', 'label', 4],
      ['bash', 'format', 7],
    ],
  );
});

test('extractCode() believes a label, then a file name, then the grammars', () => {
  const markdown =
    '```rust\nfn main() {}\n```\n`app/main.go`\n```\npackage main\n```\n```\ndef f(a):\n    return a\n\nimport os\n```\n```text\nSELECT id FROM t WHERE a = 1;\n```';
  const found = extractCode(conversation({ kind: 'prose', text: markdown }));
  assert.deepEqual(
    found.map((b) => [b.language, b.languageBy, b.file]),
    [
      ['unknown', 'label', undefined],
      ['go', 'file-name', 'app/main.go'],
      ['python', 'grammar', undefined],
      ['sql', 'grammar', undefined],
    ],
  );
});

test('extractCode() names the file that a label, a first line or the words before name', () => {
  const markdown =
    '```js title="src/a.js"\na\n```\n\n```python\n# app/models.py\nb\n```\n**Dockerfile**:\n```dockerfile\nFROM x\n```\nversion 1.2:\n```yaml\nc: 1\n```';
  assert.deepEqual(
    extractCode(conversation({ kind: 'prose', text: markdown })).map(({ file }) => file),
    ['src/a.js', 'app/models.py', 'Dockerfile', undefined],
  );
});

test('extractCode() keeps the words around a block, and those of its neighbours apart', () => {
  const [first, second] = extractCode(
    conversation({ kind: 'prose', text: 'bad:\n```py\nx\n```\ngood:\n```py\ny\n```\nend' }),
  );
  assert.deepEqual([first!.before, first!.after, second!.before, second!.after], ['bad:', 'good:', 'good:', 'end']);
});

test('extractCode() takes a source file that the user sent as the code of the user', () => {
  const message = conversation(
    { kind: 'attachment', name: 'db/query.sql', text: 'SELECT 1' },
    { kind: 'attachment', name: 'photo.png', text: null },
  );
  message.messages[0]!.author = 'user';
  assert.deepEqual(
    extractCode(message).map((b) => [b.author, b.language, b.languageBy, b.file]),
    [['user', 'sql', 'file-name', 'db/query.sql']],
  );
});

test('extractCode() reads a session of Python as what was typed, each line at its place', () => {
  const prose = (text: string): Part => ({ kind: 'prose', text });
  const [session] = extractCode(conversation(prose('```pycon\n>>> for n in names:\n...     print(n)\na\n>>> x\n```')));
  assert.deepEqual([session?.language, session?.text], ['python', 'for n in names:\n    print(n)\n\nx']);
  const [program] = extractCode(conversation(prose('```python\nx = 1 >> 2\n```')));
  assert.equal(program?.text, 'x = 1 >> 2');
});

test('extractCode() reads a component of Vue as a page, and its script alone as one', () => {
  const fence = (text: string): Part => ({ kind: 'prose', text: `\`\`\`vue\n${text}\n\`\`\`` });
  const [page, script] = extractCode(
    conversation(fence('<template><p v-html="a" /></template>'), fence('const a = ref(0);')),
  );
  assert.deepEqual([page?.language, script?.language], ['html', 'javascript']);
});
