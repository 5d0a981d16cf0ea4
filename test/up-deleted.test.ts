import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

const ticksPerSecond = 100;

/** Processor seconds that a process and its threads have had. */
function cpuOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

test('up does not spin when its folder is deleted under it, and still ends when it is told to', async (t) => {
  if (process.platform !== 'linux') return t.skip('processor time is read from /proc');
  const folder = mkdtempSync(join(tmpdir(), 'rempart-deleted-'));
  const bin = join(import.meta.dirname, '..', 'bin', 'rempart.js');
  const child = spawn(process.execPath, [bin, 'up', '--json', '--port', '0', '--console-port', '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await pause(3_000);
  rmSync(folder, { recursive: true, force: true });
  // What follows the journal notices within this time.
  await pause(2_000);
  const before = cpuOf(child.pid!);
  await pause(5_000);
  const busy = (cpuOf(child.pid!) - before) / 5;
  assert.ok(busy < 0.5, `it took ${busy} of a core`);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  assert.notEqual(await Promise.race([ended, pause(15_000, 'still there')]), 'still there');
});
