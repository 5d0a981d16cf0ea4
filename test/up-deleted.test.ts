// An instance whose folder is deleted under it, at work or while it starts: it does not spin, and ends when it is told to.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from './instance.ts';

const ticksPerSecond = 100;

/** Processor seconds that a process and its threads have had. */
function cpuOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function upIn(folder: string, t: TestContext): ChildProcess & { told(): boolean } {
  const bin = join(import.meta.dirname, '..', 'bin', 'rempart.js');
  const child = spawn(process.execPath, [bin, 'up', '--json', '--port', '0', '--console-port', '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  let told = false;
  child.stdout.once('data', () => {
    told = true;
  });
  return Object.assign(child, { told: () => told });
}

async function endsWhenTold(child: ChildProcess): Promise<void> {
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  if (!isOver()) child.kill('SIGTERM');
  await until(isOver);
}

test('up does not spin when its folder is deleted under it, and still ends when it is told to', async (t) => {
  if (process.platform !== 'linux') return t.skip('processor time is read from /proc');
  const folder = mkdtempSync(join(tmpdir(), 'rempart-deleted-'));
  const child = upIn(folder, t);
  await until(child.told);
  await pause(1_000);
  rmSync(folder, { recursive: true, force: true });
  // What follows the journal notices within this time.
  await pause(2_000);
  const before = cpuOf(child.pid!);
  await pause(3_000);
  const busy = (cpuOf(child.pid!) - before) / 3;
  assert.ok(busy < 0.7, `it took ${busy} of a core`);
  await endsWhenTold(child);
});

for (const afterMs of [0, 150, 400])
  test(`up ends when it is told to, also when its folder was deleted ${afterMs} ms after it began to start`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'rempart-deleted-'));
    const child = upIn(folder, t);
    await until(() => existsSync(join(folder, '.rempart', 'lock')));
    await pause(afterMs);
    rmSync(folder, { recursive: true, force: true });
    await pause(1_000);
    await endsWhenTold(child);
  });
