// A file is written whole or not at all.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gathered, writeWhole } from './write-whole.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-whole-'));
after(() => rmSync(dir, { recursive: true }));

test('writeWhole() makes folders, replaces what was there, and leaves it to its owner', () => {
  const file = join(dir, 'a', 'b', 'report.md');
  writeWhole(file, ['one ', 'é']);
  writeWhole(file, ['two']);
  assert.equal(readFileSync(file, 'utf8'), 'two');
  if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('writeWhole() leaves what was there, and no draft, when a piece fails', () => {
  const file = join(dir, 'kept.md');
  writeFileSync(file, 'before');
  function* failing() {
    yield 'x'.repeat(100_000);
    throw new Error('broken off');
  }
  assert.throws(() => writeWhole(file, failing()), /broken off/);
  assert.equal(readFileSync(file, 'utf8'), 'before');
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.startsWith('kept.md.')),
    [],
  );
});

test('gathered() changes nothing but the size of the pieces', () => {
  const pieces = Array.from({ length: 50 }, (_, n) => 'ab'.repeat(n));
  const together = [...gathered(pieces, 100)];
  assert.equal(together.join(''), pieces.join(''));
  assert.ok(together.length < 30 && together.every((piece) => piece !== ''));
});
