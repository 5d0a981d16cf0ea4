import assert from 'node:assert/strict';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ZipFile } from 'yazl';
import type { RempartError } from '../../platform/base/errors.ts';
import type { ReadItem } from '../conversation.ts';
import { readExports } from './read-exports.ts';
import type { ReadOptions } from './read-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-archive-'));
after(() => rmSync(folder, { recursive: true }));
const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../../../test/fixtures/exports', name));

async function zip(name: string, members: readonly (readonly [string, Buffer | string])[]): Promise<string> {
  const file = new ZipFile();
  for (const [member, content] of members) file.addBuffer(Buffer.from(content), member);
  file.end();
  const path = join(folder, name);
  await pipeline(file.outputStream, createWriteStream(path));
  return path;
}

async function read(paths: string[], options: ReadOptions = {}): Promise<string[]> {
  const items: string[] = [];
  for await (const item of readExports(paths, options)) items.push(shown(item));
  return items;
}

function shown(item: ReadItem): string {
  const source = (item.kind === 'conversation' ? item.conversation.source : item.source).replace(`${folder}/`, '');
  if (item.kind === 'conversation') return `${source}: ${item.conversation.title}`;
  return `${source}: ${item.kind === 'broken' ? item.code : item.why}`;
}

const chat = (title: string) => JSON.stringify([{ uuid: title, name: title, chat_messages: [] }]);

test('readExports() reads the shards of an archive in their order, and lists what holds no conversation', async () => {
  const path = await zip('shards.zip', [
    ['export/conversations-10.json', chat('ten')],
    ['export/conversations-2.json', chat('two')],
    ['__MACOSX/export/._conversations-2.json', 'junk'],
    ['export/users.json', fixture('users.json')],
    ['export/picture.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0])],
    ['export/sound.wav', Buffer.from([0x52, 0x49, 0x46, 0x46, 0, 0, 0])],
  ]);
  assert.deepEqual(await read([path]), [
    'shards.zip!export/conversations-2.json: two',
    'shards.zip!export/conversations-10.json: ten',
    'shards.zip!export/users.json: no conversation in it',
    'shards.zip: 2 images, sounds or other binary files',
  ]);
});

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

test('readExports() reads archives within archives down to a limit', async () => {
  const inner = readFileSync(await zip('inner.zip', [['conversations.json', chat('deep')]]));
  const middle = readFileSync(
    await zip('middle.zip', [
      ['part1of2.zip', inner],
      ['b.json', chat('beside')],
    ]),
  );
  const path = await zip('outer.zip', [['middle.zip', middle]]);
  assert.deepEqual(await read([path]), [
    'outer.zip!middle.zip!b.json: beside',
    'outer.zip!middle.zip!part1of2.zip!conversations.json: deep',
  ]);
  assert.deepEqual(await read([path], { limits: { nesting: 2 } }), [
    'outer.zip!middle.zip!b.json: beside',
    'outer.zip!middle.zip!part1of2.zip: ERR_EXPORT_ARCHIVE',
  ]);
});

test('readExports() counts what archives within archives hold over all of them, says once for each file that it is too much, and goes on', async () => {
  const inner = readFileSync(
    await zip(
      'three.zip',
      ['a', 'b', 'c'].map((name) => [`${name}.json`, chat(name)] as const),
    ),
  );
  const twice = readFileSync(
    await zip('twice-three.zip', [
      ['y.zip', inner],
      ['z.zip', inner],
    ]),
  );
  const path = await zip('fan.zip', [
    ['1.zip', inner],
    ['2.zip', twice],
    ['3.zip', inner],
    ['4.json', chat('beside')],
  ]);
  const limits = { nestedEntries: 8 };
  const three = ['a', 'b', 'c'].map((name) => `fan.zip!1.zip!${name}.json: ${name}`);
  const again = await zip('again.zip', [['1.zip', inner]]);
  assert.deepEqual(await read([path, again, await zip('plain.zip', [['p.json', chat('plain')]])], { limits }), [
    ...three,
    ...['a', 'b', 'c'].map((name) => `fan.zip!2.zip!y.zip!${name}.json: ${name}`),
    'fan.zip!2.zip!z.zip: ERR_EXPORT_ARCHIVE',
    'fan.zip!4.json: beside',
    'again.zip!1.zip: ERR_EXPORT_ARCHIVE',
    'plain.zip!p.json: plain',
  ]);
});

test('readExports() knows a bomb of blanks, and blanks alone are no empty file', async () => {
  const path = await zip('blanks.zip', [
    ['bomb.json', Buffer.alloc(40 * 2 ** 20, ' ')],
    ['late.json', `${'\n'.repeat(20_000)}${chat('late')}`],
    ['none.json', ' '.repeat(20_000)],
    ['nothing.json', ''],
  ]);
  assert.deepEqual(await read([path]), [
    'blanks.zip!bomb.json: ERR_EXPORT_BOMB',
    'blanks.zip!late.json: late',
    'blanks.zip!none.json: nothing but white space',
    'blanks.zip!nothing.json: an empty file',
  ]);
});

test('readExports() says that there is no room to unpack an archive within an archive', {
  skip: process.platform === 'win32' ? 'its temporary folder has another variable' : false,
}, async () => {
  const inner = readFileSync(await zip('in.zip', [['a.json', chat('a')]]));
  const path = await zip('roomless.zip', [
    ['a.zip', inner],
    ['b.json', chat('b')],
  ]);
  const usual = process.env['TMPDIR'];
  process.env['TMPDIR'] = join(folder, 'gone');
  try {
    const said: string[] = [];
    for await (const item of readExports([path]))
      said.push(item.kind === 'broken' ? item.why : item.kind === 'conversation' ? item.conversation.source : item.why);
    assert.match(said[0]!, /roomless\.zip!a\.zip.*no room to unpack it in ".*gone"/);
    assert.match(said[1]!, /b\.json$/);
  } finally {
    if (usual === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = usual;
  }
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

test('readExports() stops a member that inflates like a bomb and reads the others', async () => {
  const bomb = Buffer.concat([
    Buffer.from('[{"uuid":"b","name":"'),
    Buffer.alloc(40 * 2 ** 20, 'a'),
    Buffer.from('"}]'),
  ]);
  const path = await zip('bomb.zip', [
    ['a.json', bomb],
    ['b.json', chat('after')],
  ]);
  assert.deepEqual(await read([path]), ['bomb.zip!a.json: ERR_EXPORT_BOMB', 'bomb.zip!b.json: after']);
});

test('readExports() refuses an archive with too many members', async () => {
  const path = await zip('many.zip', [
    ['a.json', chat('a')],
    ['b.json', chat('b')],
  ]);
  assert.deepEqual(await read([path], { limits: { entries: 1 } }), ['many.zip: ERR_EXPORT_ARCHIVE']);
});

test('readExports() reads no member whose name leads out of the archive, and one that only looks so', async () => {
  const path = await zip('names.zip', [
    ['xx/evil.json', chat('evil')],
    ['good..json', chat('good')],
  ]);
  const bytes = readFileSync(path);
  for (let at = bytes.indexOf('xx/evil.json'); at >= 0; at = bytes.indexOf('xx/evil.json', at + 1))
    bytes.write('../evil.json', at);
  writeFileSync(path, bytes);
  assert.deepEqual(await read([path]), [
    'names.zip!../evil.json: its name leads out of the archive',
    'names.zip!good..json: good',
  ]);
});

test('readExports() says that a member is encrypted', async () => {
  const path = await zip('locked.zip', [
    ['a.json', chat('a')],
    ['b.json', chat('b')],
  ]);
  const bytes = readFileSync(path);
  // General purpose bit 0 of the first central directory entry (APPNOTE 4.4.4).
  const entry = bytes.indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02]));
  bytes.writeUInt16LE(bytes.readUInt16LE(entry + 8) | 1, entry + 8);
  writeFileSync(path, bytes);
  assert.deepEqual(await read([path]), ['locked.zip!a.json: ERR_EXPORT_ENCRYPTED', 'locked.zip!b.json: b']);
});

test('readExports() says that an archive is cut off, and that its data is damaged', async () => {
  const path = await zip('torn.zip', [['a.json', chat('a'.repeat(2_000))]]);
  const bytes = readFileSync(path);
  writeFileSync(join(folder, 'half.zip'), bytes.subarray(0, bytes.length / 2));
  assert.deepEqual(await read([join(folder, 'half.zip')]), ['half.zip: ERR_EXPORT_ARCHIVE']);
  bytes.fill(0xff, 40, 60);
  writeFileSync(path, bytes);
  assert.deepEqual(await read([path]), ['torn.zip!a.json: ERR_EXPORT_ARCHIVE']);
});

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

/** As an archiver writes an archive over several disks: every entry tells its disk and its offset there. */
function spanned(whole: Buffer, at: number): Buffer[] {
  const bytes = Buffer.from(whole);
  const end = bytes.length - 22;
  let entry = bytes.readUInt32LE(end + 16);
  bytes.writeUInt16LE(1, end + 4);
  bytes.writeUInt16LE(1, end + 6);
  bytes.writeUInt32LE(entry - at, end + 16);
  while (bytes.readUInt32LE(entry) === 0x02014b50) {
    const offset = bytes.readUInt32LE(entry + 42);
    if (offset >= at) {
      bytes.writeUInt16LE(1, entry + 34);
      bytes.writeUInt32LE(offset - at, entry + 42);
    }
    entry += 46 + bytes.readUInt16LE(entry + 28) + bytes.readUInt16LE(entry + 30) + bytes.readUInt16LE(entry + 32);
  }
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

test('readExports() joins an archive that was cut into files, once, and names the part that is missing', async () => {
  const long = Array.from({ length: 300 }, (_, i) => String((i * 7_919) % 997)).join(' ');
  const whole = readFileSync(
    await zip('whole.zip', [
      ['a.json', chat(`first ${long}`)],
      ['b.json', chat(`second ${long}`)],
    ]),
  );
  const [start, rest] = spanned(whole, 700) as [Buffer, Buffer];
  const cut = join(folder, 'cut');
  mkdirSync(cut);
  writeFileSync(join(cut, 'x.z01'), start);
  writeFileSync(join(cut, 'x.zip'), rest);
  for (const [i, from] of [0, 500, 1_000].entries())
    writeFileSync(join(cut, `y.zip.00${i + 1}`), whole.subarray(from, i === 2 ? undefined : from + 500));
  const titles = (name: string) => [`cut/${name}!a.json: first`, `cut/${name}!b.json: second`];
  const shortened = (items: readonly string[]) => items.map((item) => item.replace(/(?<=first|second) .*/, ''));
  assert.deepEqual(shortened(await read([cut])), [...titles('x.zip'), ...titles('y.zip')]);
  assert.deepEqual(shortened(await read([join(cut, 'x.z01'), join(cut, 'x.zip')])), titles('x.zip'));
  assert.deepEqual(shortened(await read([join(cut, 'y.zip.002')])), titles('y.zip'));
  rmSync(join(cut, 'y.zip.002'));
  rmSync(join(cut, 'x.zip'));
  const said: string[] = [];
  for await (const item of readExports([cut])) if (item.kind === 'broken') said.push(item.why);
  assert.equal(said.length, 2);
  assert.ok(said[0]!.includes('x.zip') && said[1]!.includes('y.zip.002'));
  const three = Buffer.from(rest);
  three.writeUInt16LE(2, three.length - 18);
  writeFileSync(join(cut, 'x.zip'), three);
  for await (const item of readExports([join(cut, 'x.zip')])) if (item.kind === 'broken') said.push(item.why);
  assert.ok(said[2]!.includes('x.z02'));
  writeFileSync(join(cut, 'x.zip'), rest.subarray(0, rest.length - 30));
  assert.equal((await read([join(cut, 'x.zip')]))[0], 'cut/x.zip: ERR_EXPORT_ARCHIVE');
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
