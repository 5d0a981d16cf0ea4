// Files that lie beside a chat go to the message that they were sent in.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder, shown, zip } from './archive.fixture.ts';
import { readExports } from './read-exports.ts';

const sent = (name: string) =>
  JSON.stringify([
    {
      chatId: 'c',
      role: 'user',
      content: 'Look at this.',
      createdAt: '2025-01-01T00:00:00Z',
      files: [{ type: 'text', name }],
    },
    { chatId: 'c', role: 'assistant', content: 'I see.', createdAt: '2025-01-01T00:00:09Z' },
  ]);

async function attachments(path: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const item of readExports([path])) {
    if (item.kind !== 'conversation') found.push(shown(item));
    else {
      for (const { author, parts } of item.conversation.messages)
        for (const part of parts) if (part.kind === 'attachment') found.push([author, part.name, part.text]);
      found.push(item.conversation.unread.unknownTypes);
    }
  }
  return found;
}

test('readExports() gives a file that lies beside a chat to the message it was sent in, from an archive and a folder', async () => {
  const members = [
    ['chat-1-files/app.py', 'print(1)'],
    ['chat-1-files/lost.txt', 'nobody names it'],
    ['chat-1-files/photo.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0])],
    ['chat-1.json', sent('app.py')],
  ] as const;
  const path = await zip('lechat.zip', members);
  const joined = [['user', 'app.py', 'print(1)'], { 'file lost.txt': 1 }];
  assert.deepEqual(await attachments(path), [...joined, 'lechat.zip: 1 images, sounds or other binary files']);
  const unpacked = join(folder, 'lechat');
  mkdirSync(join(unpacked, 'chat-1-files'), { recursive: true });
  for (const [name, content] of members) writeFileSync(join(unpacked, name), content);
  assert.deepEqual(await attachments(unpacked), [
    ...joined,
    'lechat/chat-1-files/photo.png: an image, sound or other binary file',
  ]);
});
