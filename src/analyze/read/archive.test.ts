// Exports in archives: their shards, archives within archives, and the guards against what is too much, damaged or hostile.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { chat, fixture, folder, read, zip } from './archive.fixture.ts';
import { readExports } from './read-exports.ts';

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

test('readExports() says of an archive that nothing in it was a file to read', async () => {
  const empty = await zip('nothing.zip', []);
  const junk = await zip('junk.zip', [['__MACOSX/._conversations.json', 'junk']]);
  assert.deepEqual(await read([empty, junk], { lang: 'en' }), [
    'nothing.zip: an archive without a file to read',
    'junk.zip: an archive without a file to read',
  ]);
});
