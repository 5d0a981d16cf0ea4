// Killing what launched Rempart ends Rempart: nothing it broke or holds stays behind with nobody waiting for it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isSameProcess } from '../src/platform/base/process-identity.ts';
import { makePlace, startInstance } from './instance.ts';

const root = join(import.meta.dirname, '..');
const rempart = join(root, 'bin', 'rempart.js');

async function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', (chunk) => resolve(String(chunk)));
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it said anything`)));
  });
}

async function ends(pid: number): Promise<boolean> {
  for (let i = 0; i < 3_000 && isSameProcess(pid, null); i++) await new Promise((resolve) => setTimeout(resolve, 100));
  return !isSameProcess(pid, null);
}

test('watchLauncher() ends the program when the wrapper that started its Node is killed', async () => {
  const wrapper = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { spawn } from 'node:child_process';
       const child = spawn(process.execPath, [${JSON.stringify(rempart)}, 'standin', '--port', '0', '--json'], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
       child.stdout.once('data', () => console.log(child.pid));
       setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const pid = Number(await firstLine(wrapper));
  assert.ok(isSameProcess(pid, null));
  wrapper.kill('SIGKILL');
  assert.ok(await ends(pid), 'the program outlived its wrapper');
});

test('watchLauncher() ends the program when the npm two generations up is killed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'rempart-launcher-'));
  const script = join(dir, 'npm.mjs');
  // As npm does it: a shell between, and npm's own variables in the environment.
  writeFileSync(
    script,
    `import { spawn } from 'node:child_process';
     const child = spawn('sh', ['-c', '"$0" "$@"; true', process.execPath, ${JSON.stringify(rempart)}, 'standin', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, npm_command: 'exec' } });
     child.stdout.once('data', () => console.log(child.pid));
     setInterval(() => {}, 1000);`,
  );
  const npm = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const shell = Number(await firstLine(npm));
  assert.ok(isSameProcess(shell, null));
  npm.kill('SIGKILL');
  // The shell waits for the program: its end is the program's end.
  assert.ok(await ends(shell), 'the program outlived npm');
  rmSync(dir, { recursive: true });
});

test('bin/rempart.js gives an instance two of glibc’s arenas, in the process that was started, unless told otherwise', {
  skip: process.platform !== 'linux' && 'arenas and /proc are Linux’s',
}, async () => {
  for (const [env, expected] of [
    [{}, '2'],
    [{ MALLOC_ARENA_MAX: '3' }, '3'],
  ] as const) {
    const place = makePlace();
    const instance = await startInstance([], { cwd: place.dir, env });
    const own = readFileSync(`/proc/${instance.child.pid}/environ`, 'utf8').split('\0');
    assert.deepEqual(
      own.filter((one) => one.startsWith('MALLOC_ARENA_MAX=')),
      [`MALLOC_ARENA_MAX=${expected}`],
    );
    assert.equal((await instance.stop()).code, 0);
    place.remove();
  }
});
