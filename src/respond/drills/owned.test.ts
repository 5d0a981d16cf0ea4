// What is left of a sandbox after a kill -9, with real processes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isSameProcess, processStartTime } from '../../platform/base/process-identity.ts';
import { threadUrl } from '../../platform/base/thread.ts';
import { until } from './drill.ts';
import { clearSandbox, makeSandboxRoot, ownProcess, sandboxPrefix, sweepSandboxes } from './owned.ts';

const folder = mkdtempSync(join(tmpdir(), 'rempart-owned-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function sleeper(): number {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  child.unref();
  return child.pid!;
}
const isGone = (pid: number) => until(() => !isSameProcess(pid, null), 60_000);

test('clearSandbox() ends what was started there and below, and removes the files', async () => {
  const root = makeSandboxRoot(join(folder, `${sandboxPrefix}one`));
  const below = join(root, '0');
  mkdirSync(below);
  const pids = [sleeper(), sleeper()];
  ownProcess(root, pids[0]!);
  ownProcess(below, pids[1]!);
  assert.deepEqual(clearSandbox(root).killed.toSorted(), pids.toSorted());
  for (const pid of pids) assert.ok(await isGone(pid));
  assert.equal(existsSync(root), false);
});

test('clearSandbox() leaves a process alone that only has the number of one of its own', async () => {
  const root = makeSandboxRoot(join(folder, `${sandboxPrefix}two`));
  const pid = sleeper();
  writeFileSync(join(root, 'owned.jsonl'), `${JSON.stringify({ kind: 'process', pid, started: '1' })}\n{"torn`);
  assert.deepEqual(clearSandbox(root).killed, []);
  assert.ok(isSameProcess(pid, null));
  process.kill(pid, 'SIGKILL');
});

test('sweepSandboxes() clears what a dead process left, and touches neither a living one’s nor anything else', async () => {
  const dead = join(folder, `${sandboxPrefix}dead`);
  const living = makeSandboxRoot(join(folder, `${sandboxPrefix}living`));
  mkdirSync(dead);
  writeFileSync(join(dead, 'holder.json'), JSON.stringify({ pid: process.pid, started: 'another start' }));
  const pid = sleeper();
  ownProcess(dead, pid);
  mkdirSync(join(folder, 'somebody-elses'));
  assert.deepEqual(sweepSandboxes(folder), [dead]);
  assert.ok(await isGone(pid));
  assert.deepEqual(
    [existsSync(dead), existsSync(living), existsSync(join(folder, 'somebody-elses'))],
    [false, true, true],
  );
  assert.notEqual(processStartTime(process.pid), null);
});

test('keeper-process clears the sandbox once the one that holds its pipe is killed', async () => {
  const root = makeSandboxRoot(join(folder, `${sandboxPrefix}kept`));
  const pid = sleeper();
  ownProcess(root, pid);
  const program = threadUrl('keeper-process', new URL('./owned.ts', import.meta.url).href).pathname;
  const keeper = spawn(process.execPath, [program, root], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  assert.ok(await until(() => keeper.pid !== undefined, 60_000));
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(existsSync(root));
  const ended = new Promise((resolve) => keeper.once('exit', resolve));
  keeper.stdin.destroy();
  await ended;
  assert.ok(await isGone(pid));
  assert.equal(existsSync(root), false);
});
