// Archives that were cut into files: joined once, and the part that is missing named.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { chat, folder, read, zip } from './archive.fixture.ts';
import { readExports } from './read-exports.ts';

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
