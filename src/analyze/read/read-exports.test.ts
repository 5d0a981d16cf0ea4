// What readExports() makes of whatever it is given: files, folders, standard input, pages, and what is no conversation.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { RempartError } from '../../platform/base/errors.ts';
import { chat, fixture, folder, read, zip } from './archive.fixture.ts';

test('readExports() reads the page of an export only where the data beside it is missing', async () => {
  const page = fixture('chat.html');
  const data = '[{"title":"In a page","id":"p-1","mapping":{}}]';
  const both = await zip('both.zip', [
    ['chat.html', page],
    ['conversations.json', data],
  ]);
  assert.deepEqual(await read([both]), [
    'both.zip!conversations.json: In a page',
    'both.zip!chat.html: the conversations of "both.zip!conversations.json" once more, as a page'.replace(
      '"both',
      `"${folder}/both`,
    ),
  ]);
  assert.deepEqual(await read([await zip('page.zip', [['chat.html', page]])]), ['page.zip!chat.html: In a page']);
});

for (const [name, content, says] of [
  ['texts', '["a","b"]', 'no conversation in it'],
  ['numbers', '[1,2,3]', 'no conversation in it'],
  ['mixed', '["a",{"b":1},null]', 'no conversation in it'],
  ['many', JSON.stringify(Array.from({ length: 2_000 }, (_, i) => `tag { ${i} "{"`)), 'no conversation in it'],
  ['tags', '{"tags":["a","b"]}', 'no conversation in it'],
  ['package', '{"name":"x","version":"1.0.0","scripts":{"test":"node"}}', 'no conversation in it'],
  ['cut', '[{"uuid":"u","name":"Cut","chat_messages":[', 'ERR_EXPORT_CUT_OFF'],
  ['short', '[{"uu', 'ERR_EXPORT_CUT_OFF'],
  ['opened', '[', 'ERR_EXPORT_CUT_OFF'],
  ['damaged', '[{"uuid":"u","name":"Bad","chat_messages":[}]', 'ERR_EXPORT_CORRUPT'],
] as const) {
  test(`readExports() says ${says} of a file with ${name}`, async () => {
    const path = join(folder, `${name}.json`);
    writeFileSync(path, content);
    assert.deepEqual(await read([path]), [`${name}.json: ${says}`]);
  });
}

test('readExports() reads standard input: JSON, an archive, nothing', async () => {
  const archive = readFileSync(await zip('piped.zip', [['conversations.json', chat('piped')]]));
  assert.deepEqual(await read(['-'], { stdin: Readable.from([Buffer.from(chat('json'))]) }), ['-: json']);
  assert.deepEqual(await read(['-'], { stdin: Readable.from([archive]) }), ['-!conversations.json: piped']);
  assert.deepEqual(await read(['-'], { stdin: Readable.from([]) }), ['-: an empty file']);
});

test('readExports() walks a folder in order, reads what is packed with gzip and follows no links', async () => {
  const inside = join(folder, 'inside');
  mkdirSync(join(inside, 'b'), { recursive: true });
  writeFileSync(join(inside, 'b', 'x.json'), chat('in b'));
  writeFileSync(join(inside, 'c.json.gz'), gzipSync(chat('packed')));
  writeFileSync(join(inside, 'a.json'), chat('in a'));
  symlinkSync(inside, join(inside, 'b', 'circle'));
  assert.deepEqual(await read([inside]), ['inside/a.json: in a', 'inside/b/x.json: in b', 'inside/c.json.gz: packed']);
});

test('readExports() refuses a path that is not there before it reads the others', async () => {
  await assert.rejects(
    read([join(folder, 'nothing')]),
    (error: RempartError) => error.code === 'ERR_EXPORT_MISSING' && error.exit === 3,
  );
});

test('readExports() never drops a conversation that comes twice', async () => {
  const path = await zip('twice.zip', [
    ['conversations.json', chat('same')],
    ['copy/conversations.json', chat('same')],
  ]);
  assert.equal((await read([path, path])).length, 4);
});

test('readExports() cuts the list of conversations within an object like one that stands alone, whatever it weighs', async () => {
  const conversations = ['one', 'two', 'three'].map((name) => ({
    uuid: name,
    name,
    chat_messages: [],
    pad: 'x'.repeat(900),
  }));
  const path = join(folder, 'envelope.json');
  writeFileSync(path, `\ufeff${JSON.stringify({ version: 2, exported: '2025-01-01', conversations, by: 'a tool' })}`);
  const small = { limits: { conversationBytes: 2_000 } };
  assert.deepEqual(await read([path], small), ['envelope.json: one', 'envelope.json: two', 'envelope.json: three']);
  // An object that goes on before its list is read as a whole.
  writeFileSync(path, JSON.stringify({ meta: { version: 2 }, conversations }));
  assert.deepEqual(await read([path]), ['envelope.json: one', 'envelope.json: two', 'envelope.json: three']);
});
