// Lives of weaknesses over threads: who introduced, who fixed, what came back, what is only an example.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Author } from '../../platform/documents/analysis.ts';
import type { CodeBlock } from '../conversation.ts';
import { type Located, livesOf } from './lives.ts';

interface Written {
  author: Author;
  text: string;
  before?: string;
  branch?: string;
  file?: string;
}

function blocksOf(written: readonly Written[]): CodeBlock[] {
  return written.map(({ author, text, before = '', branch = 'main', file }, messageIndex) => ({
    messageIndex,
    author,
    branch,
    messageLine: 1,
    language: 'python',
    languageBy: 'label',
    text,
    before,
    after: '',
    ...(file !== undefined && { file }),
  }));
}

/** A weakness wherever a line holds `BAD`. */
function locate(blocks: readonly CodeBlock[]): Located[] {
  return blocks.flatMap((block) =>
    block.text
      .split('\n')
      .flatMap((line, index): Located[] =>
        line.includes('eval(')
          ? [{ block, rule: 'python.eval', cwe: ['CWE-95'], line: index + 1, excerpt: line.trim() }]
          : [],
      ),
  );
}

function livesIn(written: readonly Written[], spokenAt: number | null = null) {
  const blocks = blocksOf(written);
  const spoken = () => (spokenAt === null ? null : { messageIndex: spokenAt, author: 'assistant' as const });
  return livesOf(blocks, locate(blocks), spoken).map(({ state, life }) => ({
    state,
    life: life.map(({ event, messageIndex, author }) => `${event} ${messageIndex} ${author}`),
  }));
}

const bad = 'def total(text):\n    parts = text.split(",")\n    return eval(parts[0])\n';
const good = 'def total(text):\n    parts = text.split(",")\n    return int(parts[0])\n';
const other = 'def area(width, height):\n    return width * height\n';

const cases: [string, Written[], { state: string; life: string[] }[]][] = [
  [
    'stays open when nothing answers it',
    [{ author: 'assistant', text: bad }],
    [{ state: 'introduced', life: ['introduced 0 assistant'] }],
  ],
  [
    'is fixed by a later version of the same function',
    [
      { author: 'user', text: bad },
      { author: 'assistant', text: good },
    ],
    [{ state: 'fixed', life: ['introduced 0 user', 'fixed 1 assistant'] }],
  ],
  [
    'is fixed by a version under a kindred name',
    [
      { author: 'user', text: bad },
      { author: 'assistant', text: good.replace('total', 'safe_total') },
    ],
    [{ state: 'fixed', life: ['introduced 0 user', 'fixed 1 assistant'] }],
  ],
  [
    'comes back when the old code does',
    [
      { author: 'user', text: bad },
      { author: 'assistant', text: good },
      { author: 'user', text: bad },
    ],
    [{ state: 'reintroduced', life: ['introduced 0 user', 'fixed 1 assistant', 'reintroduced 2 user'] }],
  ],
  [
    'is not fixed by code about something else',
    [
      { author: 'user', text: bad },
      { author: 'assistant', text: other },
    ],
    [{ state: 'introduced', life: ['introduced 0 user'] }],
  ],
  [
    'is told once when the code is only repeated',
    [
      { author: 'user', text: bad },
      { author: 'assistant', text: `import json\n\n${bad}` },
    ],
    [{ state: 'introduced', life: ['introduced 0 user'] }],
  ],
  [
    'is an example when the assistant shows what not to do',
    [
      { author: 'assistant', text: bad, before: 'Never do this:' },
      { author: 'assistant', text: good, before: 'Do this instead:' },
    ],
    [{ state: 'example', life: [] }],
  ],
  [
    'is an example when the word that says so is emphasised',
    [
      { author: 'assistant', text: bad, before: 'Here is a **vulnerable** version (do not use):' },
      { author: 'assistant', text: good, before: 'And the safe version:' },
    ],
    [{ state: 'example', life: [] }],
  ],
  [
    'is an example in French too',
    [{ author: 'assistant', text: bad, before: 'Voici un exemple vulnérable :' }],
    [{ state: 'example', life: [] }],
  ],
  [
    'is an example under a comment that says so',
    [{ author: 'assistant', text: `# BAD\n${bad}\n# GOOD\n${good.replace('total', 'sum_up')}` }],
    [{ state: 'example', life: [] }],
  ],
  [
    'belongs to the user although the assistant quotes it as bad',
    [
      { author: 'user', text: bad },
      { author: 'assistant', text: bad, before: 'Your code is vulnerable:' },
      { author: 'assistant', text: good },
    ],
    [{ state: 'fixed', life: ['introduced 0 user', 'fixed 2 assistant'] }],
  ],
  [
    'is followed in its own branch',
    [
      { author: 'assistant', text: bad, branch: 'branch-1' },
      { author: 'assistant', text: good },
    ],
    [{ state: 'introduced', life: ['introduced 0 assistant'] }],
  ],
  [
    'is followed through the versions of a file',
    [
      { author: 'assistant', text: `${other}x = eval(y)\n`, file: 'calc.py' },
      { author: 'assistant', text: `${other}x = int(y)\n`, file: 'calc.py' },
    ],
    [{ state: 'fixed', life: ['introduced 0 assistant', 'fixed 1 assistant'] }],
  ],
];

for (const [title, written, expected] of cases) {
  test(`livesOf() a weakness ${title}`, () => {
    assert.deepEqual(livesIn(written), expected);
  });
}

test('livesOf() calls a weakness discussed that somebody named and nobody mended', () => {
  assert.deepEqual(livesIn([{ author: 'user', text: bad }], 1), [
    { state: 'discussed', life: ['introduced 0 user', 'discussed 1 assistant'] },
  ]);
});

test('livesOf() takes what a later version leaves out for no other form of what was written', () => {
  const compose = (image: string) => `services:\n  db:\n    image: ${image}\n`;
  const blocks = blocksOf([
    { author: 'assistant', text: compose('postgres:latest') },
    { author: 'assistant', text: compose('postgres:16.2') },
  ]).map((block) => ({ ...block, language: 'yaml' }));
  const at = (index: number, rule: string, lacks: string | null): Located => ({
    block: blocks[index]!,
    rule,
    cwe: ['CWE-1357'],
    line: 3,
    excerpt: blocks[index]!.text.split('\n')[2]!,
    lacks,
  });
  const lives = livesOf(blocks, [at(0, 'latest', null), at(1, 'digest', 'signed-images')], () => null);
  assert.deepEqual(
    lives.map(({ found, state }) => [found.rule, state]),
    [
      ['latest', 'fixed'],
      ['digest', 'introduced'],
    ],
  );
});
