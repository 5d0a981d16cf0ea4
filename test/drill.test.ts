// `rempart drill` from outside: what it reaches while it runs, what it leaves, and what is kept of it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { isSameProcess, parentOf } from '../src/platform/base/process-identity.ts';
import { drillSchema } from '../src/platform/documents/drill.ts';

const program = resolve(import.meta.dirname, '..', 'bin', 'rempart.js');
const folder = mkdtempSync(join(tmpdir(), 'rempart-test-drill-'));
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));

/** A temporary directory of its own for each: what is left there is seen. */
function drill(args: readonly string[], name: string, more: Record<string, string> = {}) {
  const temporary = mkdtempSync(join(folder, `${name}-`));
  const child = spawn(process.execPath, [program, 'drill', ...args], {
    cwd: temporary,
    stdio: ['ignore', 'pipe', 'pipe'],
    // No Podman on this path: the tests of real containers are beside their code.
    env: { PATH: join(temporary, 'nothing'), TMPDIR: temporary, LANG: 'C', ...more },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said.stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said.stderr += chunk;
  });
  const ended = new Promise<number | null>((done) => child.once('close', done));
  return { child, said, ended, temporary };
}

/** The process and all below it, by the kernel's list. */
function familyOf({ pid = 0 }: ChildProcess): number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map(all.map((name) => [Number(name), parentOf(Number(name))]));
  const belongs = (one: number | null | undefined): boolean =>
    one === pid || (one !== null && one !== undefined && one > 1 && belongs(parents.get(one)));
  return [...parents.keys()].filter(belongs);
}

/** Files that a process has open for writing, and the addresses that it is connected to. */
function reachOf(pid: number): { files: string[]; addresses: string[] } {
  const files: string[] = [];
  const addresses: string[] = [];
  try {
    const connected = new Map<string, string>();
    for (const table of ['tcp', 'tcp6'])
      for (const line of readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1)) {
        const fields = line.trim().split(/\s+/);
        if (fields[3] === '01' || fields[3] === '02') connected.set(fields[9] ?? '', fields[2] ?? '');
      }
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      const socket = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (socket !== undefined && connected.has(socket)) addresses.push(connected.get(socket) ?? '');
      if (!target.startsWith('/') || target.startsWith('/dev/')) continue;
      const flags = Number.parseInt(
        /flags:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0',
        8,
      );
      // O_WRONLY or O_RDWR
      if ((flags & 3) !== 0) files.push(target.replace(/ \(deleted\)$/, ''));
    }
  } catch {
    // It ended meanwhile.
  }
  return { files, addresses };
}

test('rempart drill passes, writes and connects nowhere outside its sandbox, leaves nothing, and is remembered', {
  skip: process.platform !== 'linux' && 'what a process has open is read from /proc',
}, async () => {
  // What a real deployment would have: an engine's socket and a proxy, which nobody may call.
  let called = 0;
  const trap = createServer((socket) => {
    called++;
    socket.destroy();
  });
  const socket = join(folder, 'real-engine.sock');
  await new Promise<void>((done) => trap.listen(socket, done));
  const data = join(folder, 'data');
  const { child, said, ended, temporary } = drill(
    ['--scenario', 'container-escape', '--json', '--data', data],
    'whole',
    { DOCKER_HOST: `unix://${socket}`, CONTAINER_HOST: `unix://${socket}`, OLLAMA_MODELS: join(folder, 'models') },
  );
  const files = new Set<string>();
  const addresses = new Set<string>();
  const looking = setInterval(() => {
    for (const pid of familyOf(child)) {
      const reach = reachOf(pid);
      for (const file of reach.files) files.add(file);
      for (const address of reach.addresses) addresses.add(address);
    }
  }, 50);
  assert.equal(await ended, 0, said.stderr + said.stdout);
  clearInterval(looking);
  trap.close();
  const document = drillSchema.parse(JSON.parse(said.stdout));
  const [one] = document.scenarios;
  assert.deepEqual([one?.result, one?.engine, document.passed], ['passed', 'processes', 1]);
  assert.ok((one?.detectedMs ?? 0) > 0 && (one?.containedMs ?? 0) >= (one?.detectedMs ?? 0));
  assert.equal(called, 0);
  assert.ok(files.size > 3, 'the look at open files saw something');
  const outside = [...files].filter((file) => !file.startsWith(temporary) && !file.startsWith(data));
  assert.deepEqual(outside, []);
  // 127.0.0.0/8, in the byte order of the kernel's table.
  const elsewhere = [...addresses].filter(
    (address) => !/^([0-9A-F]{6}7F|0{16}FFFF0{4}[0-9A-F]{6}7F|0{24}01000000):/.test(address),
  );
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(
    readdirSync(temporary).filter((name) => name.startsWith('rempart-drill-')),
    [],
  );
  assert.match(said.stderr, /container_escape .*passed, detected after/);

  const list = drill(['--list', '--json', '--data', data], 'list');
  assert.equal(await list.ended, 0, list.said.stderr);
  const { drills } = JSON.parse(list.said.stdout) as {
    drills: { scenario: string; last: { result: string } | null }[];
  };
  assert.equal(drills.find(({ scenario }) => scenario === 'container_escape')?.last?.result, 'passed');
  assert.equal(drills.filter(({ last }) => last !== null).length, 1);
});

test('rempart drill that is killed with -9 leaves no process and no file', {
  skip: process.platform === 'win32' && 'there is no SIGKILL',
}, async () => {
  const { child, ended, temporary } = drill(['--scenario', 'state_corruption', '--data', join(folder, 'd2')], 'killed');
  const sandboxes = () => readdirSync(temporary).filter((name) => name.startsWith('rempart-drill-'));
  const listed = () =>
    sandboxes().flatMap((name) =>
      readdirSync(join(temporary, name), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('owned.jsonl'))
        .flatMap((file) =>
          readFileSync(join(temporary, name, file), 'utf8')
            // A line that is just being written counts the next time.
            .split('\n')
            .slice(0, -1),
        )
        .map((line) => (JSON.parse(line) as { pid: number }).pid),
    );
  /** None while a folder goes under the look at it. */
  const owned = (): number[] => {
    try {
      return listed();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      return [];
    }
  };
  const until = async (look: () => boolean, seconds: number) => {
    const end = Date.now() + seconds * 1_000;
    while (!look() && Date.now() < end) await new Promise((done) => setTimeout(done, 50));
    return look();
  };
  // The lane and three containers at least.
  assert.ok(await until(() => owned().length >= 4, 300), 'the sandbox was begun');
  const pids = owned();
  child.kill('SIGKILL');
  await ended;
  assert.ok(await until(() => sandboxes().length === 0, 300), `left: ${sandboxes().join(', ')}`);
  for (const pid of pids) assert.ok(await until(() => !isSameProcess(pid, null), 120), `process ${pid} is left`);
});

test('rempart drill says what it does not know, and what a choice needs', async () => {
  const wrong = drill(['--scenario', 'container_escpe'], 'wrong');
  assert.equal(await wrong.ended, 2);
  assert.match(wrong.said.stderr, /did you mean "container_escape"/);
  const none = drill([], 'none');
  assert.equal(await none.ended, 2);
  assert.match(none.said.stderr, /--scenario NAME, or --all/);
  assert.equal(existsSync(join(none.temporary, '.rempart')), false);
});
