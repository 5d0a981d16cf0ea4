// Commands that meet on one data directory: each waits for the other, and none is told that an instance does not answer.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { serveControl } from '../platform/base/control-socket.ts';
import { openDataDirectory } from '../platform/base/data-directory.ts';
import { holdData, instanceAnswers } from './hold-data.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-hold-'));
after(() => rmSync(root, { recursive: true }));

test('holdData() waits until another command lets the directory go', async () => {
  const dir = join(root, 'busy');
  const first = await openDataDirectory(dir);
  let isFree = false;
  const second = holdData(dir, 60_000);
  setTimeout(() => {
    isFree = true;
    first.lock.release();
  }, 150);
  const held = await second;
  assert.equal(isFree, true);
  held?.lock.release();
});

test('holdData() says who holds the directory and neither lets go nor answers', async () => {
  const dir = join(root, 'mute');
  const first = await openDataDirectory(dir);
  await assert.rejects(holdData(dir, 50), { code: 'ERR_DATA_LOCKED', facts: { dir, pid: process.pid } });
  first.lock.release();
});

test('instanceAnswers() waits for an instance that holds the directory and does not answer yet', async () => {
  const dir = join(root, 'starting');
  const instance = await openDataDirectory(dir);
  const answered = instanceAnswers(dir, 60_000);
  const control = await serveControl(dir, {});
  assert.equal(await answered, true);
  assert.equal(await holdData(dir), null);
  await control.close();
  instance.lock.release();
  assert.equal(await instanceAnswers(dir), false);
});
