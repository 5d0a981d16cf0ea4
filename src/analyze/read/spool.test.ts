import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { spool } from './spool.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-spool-'));
const usual = process.env['TMPDIR'];
before(() => {
  process.env['TMPDIR'] = folder;
});
after(() => {
  if (usual === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = usual;
  rmSync(folder, { recursive: true });
});

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test('spool() gives what came as a file, and nothing is left of it', async () => {
  {
    using spooled = await spool(pieces('one ', 'two'), 100);
    assert.equal(readFileSync(spooled.path, 'utf8'), 'one two');
    assert.equal(spooled.whole, true);
  }
  assert.deepEqual(readdirSync(folder), []);
});

test('spool() has no name that a killed process could leave behind', {
  skip: process.platform === 'linux' ? false : 'only Linux reaches an open file without its name',
}, async () => {
  using spooled = await spool(pieces('one'), 100);
  assert.deepEqual(readdirSync(folder), []);
  assert.equal(readFileSync(spooled.path, 'utf8'), 'one');
});

test('spool() stops at its limit and says so', async () => {
  using spooled = await spool(pieces('one', 'two'), 4);
  assert.equal(spooled.whole, false);
  assert.equal(readFileSync(spooled.path, 'utf8'), 'one');
});

test('spool() leaves nothing where its source fails', async () => {
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('one');
    throw new Error('gone');
  }
  await assert.rejects(spool(failing(), 100), /gone/);
  assert.deepEqual(readdirSync(folder), []);
});
