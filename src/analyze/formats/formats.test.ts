import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Conversation, Message, ReadItem } from '../conversation.ts';
import { readExports } from '../read/read-exports.ts';

const folder = join(import.meta.dirname, '../../../test/fixtures/exports');

async function read(...names: string[]): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  for await (const item of readExports(names.map((name) => join(folder, name)))) items.push(item);
  return items;
}

async function conversations(name: string): Promise<Conversation[]> {
  return (await read(name)).flatMap((item) => (item.kind === 'conversation' ? [item.conversation] : []));
}

/** Who speaks, with what, on which branch: enough to see a message lost, doubled or given to another. */
function outline({ author, branch, hidden, failed, parts }: Message): string {
  const marks = `${branch === 'main' ? '' : `/${branch}`}${hidden ? ' hidden' : ''}${failed ? ' failed' : ''}`;
  return `${author}${marks}: ${parts.map((p) => (p.kind === 'code' ? `code(${p.language})` : p.kind)).join(' ')}`.trim();
}

interface Expected {
  format: string;
  title: string | null;
  messages: string[];
  unknown?: Record<string, number>;
  repairs?: string[];
}

const plain = (format: string, title: string | null, ...authors: string[]): Expected => ({
  format,
  title,
  messages: authors.map((author) => `${author}: prose`),
});

const table: Record<string, (Expected | string)[]> = {
  'aistudio.json': [
    {
      format: 'aistudio',
      title: null,
      messages: [
        'system: prose',
        'user: prose attachment',
        'assistant: prose',
        'assistant: code(python)',
        'assistant failed: output',
        'assistant: prose output',
      ],
      unknown: { 'chunk holoView': 1 },
    },
  ],
  'bom.json': [{ ...plain('openai', null, 'user'), repairs: ['bom'] }],
  'chat-lc-1.json': [
    {
      format: 'lechat',
      title: 'chat-lc-1',
      messages: ['user: prose attachment', 'assistant failed: prose code(python) output output'],
      unknown: { 'chunk teleport': 1 },
    },
  ],
  'chat.html': [plain('chatgpt', 'In a page', 'user', 'assistant')],
  'chatgpt-branches.json': [
    {
      format: 'chatgpt',
      title: 'Login and a cat',
      messages: [
        'user hidden: prose',
        'user: prose attachment',
        'assistant: prose',
        'assistant: code(python)',
        'tool failed: output',
        'assistant: code(python)',
        'tool: prose',
        'assistant: code(python)',
        'assistant: code(python)',
        'user: attachment prose prose',
        'assistant: prose',
        'assistant: prose',
        'assistant: output',
        'assistant/branch-1: prose',
      ],
      unknown: { hologram: 1 },
    },
    plain('chatgpt', null, 'user', 'assistant', 'user'),
    {
      format: 'chatgpt',
      title: 'Old, without current node',
      messages: ['user: prose', 'assistant: prose', 'assistant/branch-1: prose'],
    },
  ],
  'chatgpt-content-types.json': [
    {
      format: 'chatgpt',
      title: 'Every type',
      messages: [
        'tool: output',
        'tool: output',
        'tool: output',
        'tool failed: output',
        'tool: output',
        'tool: output',
        'tool: prose',
        'tool hidden: prose',
      ],
    },
  ],
  'chatgpt-group-chats.json': [plain('chatgpt', 'Group', 'user', 'assistant')],
  'chatgpt-share.json': [plain('chatgpt', 'Shared', 'user', 'assistant')],
  'claude-artifacts.json': [
    {
      format: 'claude',
      title: 'Server',
      messages: [
        'user: prose attachment attachment',
        'assistant: prose prose code(javascript)',
        'user: prose',
        'assistant failed: code(javascript) output code(py) code(py) code(bash) output',
        'assistant: code(javascript) output',
      ],
      unknown: { quantum_block: 1 },
    },
    { format: 'claude', title: null, messages: [] },
    plain('claude', 'Legacy', 'user', 'assistant'),
    { format: 'claude', title: 'Branches', messages: ['user: prose', 'assistant: prose', 'assistant/branch-1: prose'] },
  ],
  'claude-code.jsonl': [
    {
      format: 'claude-code',
      title: 'Fix the parser',
      messages: [
        'user: prose',
        'assistant: prose code(py)',
        'tool failed: output',
        'assistant: code(py)',
        'assistant/side-ag: prose',
        'system hidden: output',
      ],
      unknown: { 'event brain-wave': 1 },
    },
    plain('claude-code', null, 'user'),
  ],
  'claude-design.json': [
    { format: 'claude', title: 'A page', messages: ['user: prose', 'assistant: prose code(html)'] },
  ],
  'claude-memories.json': [{ format: 'claude', title: 'claude-memories', messages: ['system hidden: prose prose'] }],
  'claude-project.json': [{ format: 'claude', title: 'Shop', messages: ['user hidden: prose attachment'] }],
  'codex.jsonl': [
    {
      format: 'codex',
      title: null,
      messages: [
        'user: prose',
        'assistant: code(py)',
        'assistant: code(bash)',
        'tool failed: output',
        'system: output',
      ],
      unknown: { 'item dream': 1 },
    },
  ],
  'cut-off.json': [plain('claude', 'Good 0', 'user'), 'ERR_EXPORT_CUT_OFF Good 1'],
  'empty-list.json': ['not-a-conversation'],
  'empty.json': ['not-a-conversation'],
  'grok.json': [plain('grok', 'Grok talk', 'user', 'assistant')],
  'lone-surrogate.json': [{ ...plain('openai', null, 'user'), repairs: ['lone-surrogate'] }],
  'markdown-export.md': [plain('capture', 'Parsing dates', 'user', 'assistant', 'user')],
  'mojibake.json': [{ ...plain('openai', null, 'user', 'assistant'), repairs: ['mojibake'] }],
  'not-a-chat.md': ['not-a-conversation'],
  'one-broken.json': [
    plain('claude', 'Good 0', 'user'),
    'ERR_EXPORT_CORRUPT Good 1',
    plain('claude', 'Good 2', 'user'),
    'ERR_EXPORT_SHAPE No shape',
    plain('claude', 'Good 3', 'user'),
  ],
  'openai-data.json': [plain('openai', null, 'user'), plain('openai', null, 'user')],
  'openai-envelopes.jsonl': [
    plain('openai', null, 'user', 'assistant'),
    plain('openai', null, 'user', 'assistant'),
    {
      format: 'openai',
      title: null,
      messages: ['user: prose', 'assistant: prose', 'assistant: code(python)', 'tool: output', 'assistant: prose'],
    },
    plain('openai', null, 'user', 'assistant'),
  ],
  'openai-lines.jsonl': [{ ...plain('openai', null, 'user', 'assistant', 'user'), unknown: { '(damaged)': 1 } }],
  'openai-messages.json': [
    {
      format: 'openai',
      title: null,
      messages: [
        'system: prose',
        'user: prose attachment',
        'assistant: code(bash)',
        'tool: output',
        'assistant: prose prose prose',
      ],
      unknown: { 'content smell': 1 },
    },
  ],
  'package.json': ['not-a-conversation'],
  'perplexity.json': [plain('perplexity', 'Search', 'user', 'assistant')],
  'saved-page.html': [plain('capture', 'My chat', 'user', 'assistant')],
  'share-page.html': [plain('chatgpt', 'From a link', 'user', 'assistant')],
  'sharegpt.json': [plain('sharegpt', null, 'system', 'user', 'assistant')],
  'speaks-of-mojibake.json': [plain('openai', null, 'user')],
  'takeout-activity.html': [
    { ...plain('gemini', 'Hash a password', 'user', 'assistant'), repairs: ['grouped-by-time'] },
  ],
  'takeout-activity.json': [
    {
      format: 'gemini',
      title: 'Used an Assistant feature',
      messages: ['system: output'],
      repairs: ['grouped-by-time'],
    },
    {
      format: 'gemini',
      title: 'Sort a list',
      messages: ['user: prose attachment', 'user: prose', 'assistant: prose'],
      repairs: ['grouped-by-time'],
    },
  ],
  'third-party.json': [plain('capture', 'Exported', 'user', 'assistant')],
  'unclosed.json': [
    plain('claude', 'Good 0', 'user'),
    'ERR_EXPORT_CORRUPT Good 1, ',
    plain('claude', 'Good 2', 'user'),
    'ERR_EXPORT_CUT_OFF Good 3',
    plain('claude', 'Good 4', 'user'),
  ],
  'users.json': ['not-a-conversation'],
  'utf-16.json': [{ ...plain('openai', null, 'user'), repairs: ['utf-16'] }],
  'windows-1252.json': [{ ...plain('openai', null, 'user'), repairs: ['windows-1252'] }],
};

test('readExports() has an expectation for every fixture', () => {
  assert.deepEqual(Object.keys(table).sort(), readdirSync(folder).sort());
});

for (const [name, expected] of Object.entries(table)) {
  test(`readExports() reads ${name} whole, in order, by its structure`, async () => {
    const found = (await read(name)).map((item): Expected | string => {
      if (item.kind === 'not-a-conversation') return item.kind;
      if (item.kind === 'broken') return `${item.code} ${item.title}`;
      const { format, title, messages, unread, repairs } = item.conversation;
      assert.deepEqual(
        messages.map(({ index }) => index),
        messages.map((_, i) => i),
      );
      return {
        format,
        title,
        messages: messages.map(outline),
        ...(Object.keys(unread.unknownTypes).length === 0 ? {} : { unknown: unread.unknownTypes }),
        ...(repairs.length === 0 ? {} : { repairs }),
      };
    });
    assert.deepEqual(found, expected);
  });
}

test('readExports() counts every message of a ChatGPT tree, visible or not', async () => {
  const exported = JSON.parse(readFileSync(join(folder, 'chatgpt-branches.json'), 'utf8')) as {
    mapping: Record<string, { message: unknown }>;
  }[];
  const held = exported.map(({ mapping }) => Object.values(mapping).filter(({ message }) => message !== null).length);
  assert.deepEqual(
    (await conversations('chatgpt-branches.json')).map(({ messages }) => messages.length),
    held,
  );
});

test('readExports() rebuilds a canvas through its updates, by pattern and whole', async () => {
  const [conversation] = await conversations('chatgpt-branches.json');
  const versions = conversation!.messages
    .flatMap(({ parts }) => parts)
    .filter((part) => part.kind === 'code' && part.file === 'login');
  assert.deepEqual(
    versions.map(({ text }) => text),
    [
      'import hashlib\n\ndef digest(p):\n    return hashlib.md5(p).hexdigest()\n',
      'import hashlib\n\ndef digest(p):\n    return hashlib.scrypt(p, salt=s, n=16384, r=8, p=1).hexdigest()\n',
      'print("rewritten")\n',
    ],
  );
});

test('readExports() rebuilds artifacts and files through create, update, rewrite and str_replace', async () => {
  const [conversation] = await conversations('claude-artifacts.json');
  const versions = conversation!.messages.flatMap(({ parts }) =>
    parts.flatMap((p) => (p.kind === 'code' && p.file !== undefined ? [[p.file, p.text]] : [])),
  );
  assert.deepEqual(versions, [
    ['srv', 'const a = 1;\nlisten(0);\n'],
    ['srv', "const a = 1;\nlisten(0, '127.0.0.1');\n"],
    ['app/main.py', 'x = 1\n'],
    ['app/main.py', 'x = 2\n'],
    ['srv', 'const b = 2;\n'],
  ]);
});

test('readExports() takes citation marks out and keeps the words around them', async () => {
  const [conversation] = await conversations('chatgpt-branches.json');
  assert.equal(
    conversation!.messages[2]!.parts[0]!.text,
    'Better :\n```python\ndef login(name, password):\n    return check(name, password)\n```\nSee .',
  );
});

test('readExports() joins a fence that Le Chat cut between two chunks', async () => {
  const [conversation] = await conversations('chat-lc-1.json');
  assert.equal(conversation!.messages[1]!.parts[0]!.text, 'Voici :\n```python\nimport os\nos.system(cmd)\n```\n');
});

for (const [name, expected] of [
  ['mojibake.json', ['Écris une fonction', 'Voilà : c’est prêt']],
  ['speaks-of-mojibake.json', ['Pourquoi « é » devient « Ã© » ?']],
  ['utf-16.json', ['hé']],
  ['windows-1252.json', ['café']],
  ['lone-surrogate.json', ['half \uFFFD emoji']],
  ['chat.html', ['</script> in a text', 'ok']],
  ['saved-page.html', ['Compare <a> and b', 'So:\n\n```js\nif (a < b) {\n  f();\n}\n```']],
  ['takeout-activity.json', ['Used an Assistant feature']],
] as const) {
  test(`readExports() gives the text of ${name} as it was meant`, async () => {
    const [conversation] = await conversations(name);
    assert.deepEqual(
      conversation!.messages.map(({ parts }) => parts[0]!.text),
      expected,
    );
  });
}
