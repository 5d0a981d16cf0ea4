// One data directory, one writer: who holds the lock, and whose lock is only a leftover.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { lockHolder, openDataDirectory } from './data-directory.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-data-'));
after(() => rmSync(root, { recursive: true }));
const windows = process.platform === 'win32';

test('openDataDirectory() makes a directory for its owner alone and locks it until released', async () => {
  const data = await openDataDirectory(join(root, 'a', 'b'));
  assert.equal(data.path('journal', 'x'), join(root, 'a', 'b', 'journal', 'x'));
  if (!windows) assert.equal(statSync(data.dir).mode & 0o777, 0o700);
  assert.equal(lockHolder(data.dir), process.pid);
  await assert.rejects(openDataDirectory(data.dir), (error: { code?: string; facts?: { pid?: number } }) => {
    return error.code === 'ERR_DATA_LOCKED' && error.facts?.pid === process.pid;
  });
  data.lock.release();
  assert.equal(lockHolder(data.dir), null);
  (await openDataDirectory(data.dir)).lock.release();
});

test('openDataDirectory() refuses what another living process holds and takes over once it was killed', async () => {
  const dir = join(root, 'child');
  const source = `import { openDataDirectory } from ${JSON.stringify(join(import.meta.dirname, 'data-directory.ts'))};
    await openDataDirectory(process.argv[1]); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await assert.rejects(openDataDirectory(dir), { code: 'ERR_DATA_LOCKED', facts: { dir, pid: child.pid! } });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const data = await openDataDirectory(dir);
  assert.equal(lockHolder(dir), process.pid);
  data.lock.release();
});

test('openDataDirectory() takes over from a pid that now belongs to another process', async () => {
  if (windows) return;
  const dir = join(root, 'reused');
  (await openDataDirectory(dir)).lock.release();
  writeFileSync(join(dir, 'lock'), JSON.stringify({ pid: process.pid, started: 'another-boot/1' }));
  const data = await openDataDirectory(dir);
  assert.notEqual(JSON.parse(readFileSync(join(dir, 'lock'), 'utf8')).started, 'another-boot/1');
  data.lock.release();
});

test('openDataDirectory() takes over a lock that a crash left empty', async () => {
  const dir = join(root, 'empty');
  (await openDataDirectory(dir)).lock.release();
  writeFileSync(join(dir, 'lock'), '');
  const data = await openDataDirectory(dir);
  data.lock.release();
  assert.equal(existsSync(join(dir, 'lock')), false);
});

test('release() leaves the lock of a later holder alone', async () => {
  const dir = join(root, 'later');
  const data = await openDataDirectory(dir);
  const later = JSON.stringify({ pid: spawnSync(process.execPath, ['-v']).pid, started: 'x' });
  writeFileSync(join(dir, 'lock'), later);
  data.lock.release();
  assert.equal(readFileSync(join(dir, 'lock'), 'utf8'), later);
});
