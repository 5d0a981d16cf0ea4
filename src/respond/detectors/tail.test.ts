import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTail, type TailPlace, tailLimits } from './tail.ts';

function folder(t: { after(fn: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-tail-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function tailOf(path: string, from?: TailPlace, end = from === undefined, limits = tailLimits) {
  const tail = createTail(path, { ...(from === undefined ? {} : { from }), end }, limits);
  return {
    tail,
    async lines(): Promise<string[]> {
      const found: string[] = [];
      while (await tail.look(({ text }) => found.push(text))) {}
      return found;
    },
  };
}

test('createTail() passes over what stood there before, and hands out whole lines only', async (t) => {
  const path = join(folder(t), 'app.log');
  writeFileSync(path, 'old one\nold two\n');
  const { lines } = tailOf(path);
  assert.deepEqual(await lines(), []);
  appendFileSync(path, 'new one\nhal');
  assert.deepEqual(await lines(), ['new one']);
  appendFileSync(path, 'f\r\n');
  assert.deepEqual(await lines(), ['half']);
});

test('createTail() reads a file from its first line when it appears later', async (t) => {
  const path = join(folder(t), 'app.log');
  const { lines } = tailOf(path);
  assert.deepEqual(await lines(), []);
  writeFileSync(path, 'one\ntwo\n');
  assert.deepEqual(await lines(), ['one', 'two']);
});

test('createTail() loses no line when the file is renamed and made anew between two looks', async (t) => {
  const path = join(folder(t), 'app.log');
  writeFileSync(path, '');
  const { lines } = tailOf(path);
  await lines();
  appendFileSync(path, 'one\n');
  assert.deepEqual(await lines(), ['one']);
  appendFileSync(path, 'two\nthree, never ended');
  renameSync(path, `${path}.1`);
  writeFileSync(path, 'four\n');
  assert.deepEqual(await lines(), ['two', 'three, never ended', 'four']);
});

test('createTail() reads on in a file that was renamed and is made anew later', async (t) => {
  const path = join(folder(t), 'app.log');
  writeFileSync(path, 'zero\n');
  const { lines } = tailOf(path);
  await lines();
  appendFileSync(path, 'one\n');
  renameSync(path, `${path}.1`);
  assert.deepEqual(await lines(), ['one']);
  appendFileSync(`${path}.1`, 'two\n');
  assert.deepEqual(await lines(), ['two']);
  writeFileSync(path, 'three\n');
  assert.deepEqual(await lines(), ['three']);
});

test('createTail() begins anew after a truncation, also when the file has outgrown the place meanwhile', async (t) => {
  const path = join(folder(t), 'app.log');
  writeFileSync(path, 'first line\n');
  const { lines } = tailOf(path);
  await lines();
  truncateSync(path, 0);
  appendFileSync(path, 'a\n');
  assert.deepEqual(await lines(), ['a']);
  copyFileSync(path, `${path}.1`);
  truncateSync(path, 0);
  appendFileSync(path, 'longer than what stood there\nand more\n');
  assert.deepEqual(await lines(), ['longer than what stood there', 'and more']);
});

test('createTail() goes on from its place after a restart, also in the file that was rotated meanwhile', async (t) => {
  const path = join(folder(t), 'app.log');
  writeFileSync(path, 'zero\n');
  const before = tailOf(path);
  await before.lines();
  appendFileSync(path, 'one\ntwo, not ended');
  assert.deepEqual(await before.lines(), ['one']);
  const place = before.tail.place();
  appendFileSync(path, ' yet\n');
  assert.deepEqual(await tailOf(path, place).lines(), ['two, not ended yet']);
  renameSync(path, `${path}.1`);
  writeFileSync(path, 'three\n');
  assert.deepEqual(await tailOf(path, place).lines(), ['two, not ended yet', 'three']);
});

test('createTail() keeps the begin of a line of ten megabytes, and reads on behind it', async (t) => {
  const path = join(folder(t), 'app.log');
  writeFileSync(path, '');
  const { tail } = tailOf(path);
  await tail.look(() => {});
  appendFileSync(path, Buffer.concat([Buffer.alloc(10_000_000, 'x'), Buffer.from('\nnext\n')]));
  const found: { length: number; cutBytes: number }[] = [];
  while (await tail.look(({ text, cutBytes }) => found.push({ length: text.length, cutBytes }))) {}
  assert.deepEqual(found, [
    { length: 16_384, cutBytes: 10_000_000 - 16_384 },
    { length: 4, cutBytes: 0 },
  ]);
});

test('createTail() survives bytes that are no text', async (t) => {
  const path = join(folder(t), 'app.log');
  writeFileSync(path, '');
  const { tail, lines } = tailOf(path);
  await tail.look(() => {});
  appendFileSync(path, Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7_919) % 256)));
  appendFileSync(path, '\nafter\n');
  assert.equal((await lines()).at(-1), 'after');
});

test('createTail() passes over what lies too far back, and says how much', async (t) => {
  const path = join(folder(t), 'app.log');
  writeFileSync(path, '');
  const { tail, lines } = tailOf(path, undefined, true, { lineBytes: 100, lookBytes: 50, behindBytes: 100 });
  await tail.look(() => {});
  appendFileSync(path, Array.from({ length: 100 }, (_, index) => `line ${String(index).padStart(4, '0')}\n`).join(''));
  const found = await lines();
  assert.equal(tail.skippedBytes(), 900);
  assert.deepEqual(found, [
    'line 0091',
    'line 0092',
    'line 0093',
    'line 0094',
    'line 0095',
    'line 0096',
    'line 0097',
    'line 0098',
    'line 0099',
  ]);
});
