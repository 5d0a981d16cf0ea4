// Exporters that wrap or name things in their own way, alone and among damage.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readExports } from '../read/read-exports.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-exporters-'));
after(() => rmSync(folder, { recursive: true }));

async function read(text: string) {
  const path = join(folder, 'export.json');
  writeFileSync(path, text);
  const items: string[] = [];
  for await (const item of readExports([path])) {
    if (item.kind !== 'conversation') items.push(item.kind === 'broken' ? item.code : item.why);
    else
      items.push(
        `${item.conversation.title}: ${item.conversation.messages.map(({ author, parts }) => `${author} ${parts.map(({ kind, text: said }) => `${kind} ${said}`).join(', ')}`).join(' | ')}`,
      );
  }
  return items;
}

const wrapped = (title: string) => ({
  id: title,
  chat: {
    title,
    messages: [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'a' },
    ],
  },
});

test('readExports() reads a list whose elements wrap their conversations, also behind a damaged one', async () => {
  const [one, two] = ['one', 'two'].map((title) => JSON.stringify(wrapped(title)));
  assert.deepEqual(await read(`[${one},${two}]`), [
    'one: user prose q | assistant prose a',
    'two: user prose q | assistant prose a',
  ]);
  assert.deepEqual(await read(`[${one},{"id":"x","chat":{"messages":[{"role":,]}},${two}]`), [
    'one: user prose q | assistant prose a',
    'ERR_EXPORT_CORRUPT',
    'two: user prose q | assistant prose a',
  ]);
});

test('readExports() finds no conversation in a list of other objects', async () => {
  assert.deepEqual(await read('[{"name":"a","tags":["x"]},{"name":"b"}]'), ['no conversation in it']);
});

test('readExports() believes who created a message rather than the name beside it', async () => {
  const messages = [
    { sender: 'Ada', isCreatedByUser: true, text: 'q' },
    { sender: 'Some model', isCreatedByUser: false, text: 'a' },
  ];
  assert.deepEqual(await read(JSON.stringify({ title: 't', messages })), ['t: user prose q | assistant prose a']);
});

test('readExports() reads as code what an exporter cut out as such', async () => {
  const chats = [
    { type: 'prompt', message: [{ type: 'p', data: 'q' }] },
    {
      type: 'response',
      message: [
        { type: 'p', data: 'so' },
        { type: 'pre', language: 'python', data: 'x = 1' },
      ],
    },
  ];
  assert.deepEqual(await read(JSON.stringify({ meta: { title: 't' }, chats })), [
    't: user prose q | assistant prose so, code x = 1',
  ]);
});
