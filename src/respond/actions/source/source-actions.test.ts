import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ActionContext } from '../../engine/action.ts';
import { sourceActions } from './source-actions.ts';

const context: ActionContext = {
  incident: null,
  run: 'run_1',
  idempotencyKey: 'abcdef0123456789abcdef0123456789',
  now: Date.now,
  signal: new AbortController().signal,
  outArgs: ['__clean__'],
};

function rig(t: { after(work: () => void): void }) {
  const root = mkdtempSync(join(tmpdir(), 'rempart-source-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args]);
  const actions = sourceActions({
    folders: [root],
    apart: [join(root, '.rempart')],
    scratch: join(root, '.rempart/scratch'),
    path: process.env['PATH'] ?? '',
  });
  const find = (name: string) => {
    const action = actions.find((one) => one.name === name);
    assert(action !== undefined);
    return action;
  };
  return { root, git, previous: find('source.previous'), clean: find('source.verify-clean') };
}

test('source.previous goes to the commit before, knows that it did, and comes back', async (t) => {
  const { root, git, previous, clean } = rig(t);
  git('init', '-q', '-b', 'main');
  for (const text of ['one', 'two']) {
    writeFileSync(join(root, 'compose.yml'), text);
    git('add', '-A');
    git('commit', '-qm', text);
  }
  const isClean = async () => (await clean.act({}, context, {})).out;
  assert.deepEqual(await isClean(), { __clean__: 'true' });
  writeFileSync(join(root, 'compose.yml'), 'three');
  assert.deepEqual(await isClean(), { __clean__: 'false' });
  const { before } = await previous.plan({}, context);
  assert.equal((await previous.probe({}, context, before)).state, 'not-done');
  await previous.act({}, context, before);
  assert.equal(readFileSync(join(root, 'compose.yml'), 'utf8'), 'one');
  assert.equal((await previous.probe({}, context, before)).state, 'done');
  assert.deepEqual(await isClean(), { __clean__: 'true' });
  await previous.undo?.({}, context, before);
  await previous.undo?.({}, context, before);
  assert.equal(readFileSync(join(root, 'compose.yml'), 'utf8'), 'three');
});

test('source.previous says so where there is no work tree', async (t) => {
  const { previous } = rig(t);
  await assert.rejects(previous.plan({}, context), { code: 'ERR_SOURCE_UNUSABLE' });
});
