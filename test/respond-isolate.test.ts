// network.isolate on a machine of its own: a network namespace, with a stranger and a zone beyond its wire.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { deploymentSchema } from '../src/platform/documents/deployment.ts';
import { createEvidence } from '../src/respond/actions/evidence.ts';
import { findFirewall } from '../src/respond/actions/network/firewall-tool.ts';
import { zonesOf } from '../src/respond/actions/network/isolation-rules.ts';
import { networkActions } from '../src/respond/actions/network/network-actions.ts';
import { makePlace, until } from './instance.ts';

const place = makePlace();
const [here, there] = [`rempart-h${process.pid}`, `rempart-t${process.pid}`];
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const through = ['ip', 'netns', 'exec', here];
const children: ChildProcess[] = [];
const deployment = deploymentSchema.parse({
  name: 'shop',
  services: [{ name: 'core', role: 'core', order: 1 }],
  zones: { private: { cidr: ['172.20.0.0/16', 'fd00:20::/64'], internal: true } },
});

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: path } });
const skip = whyNot();
function whyNot(): string | false {
  if (process.getuid?.() !== 0) return 'network namespaces are made as root only';
  if (spawnSync('nft', ['--version'], { env: { PATH: path } }).status !== 0) return 'nft is not installed';
  if (spawnSync('ip', ['netns', 'add', here], { env: { PATH: path } }).status === 0) return false;
  return 'this kernel makes no network namespace';
}

const program = `
const net = require('node:net');
const [what, ...args] = process.argv.slice(1);
const ask = ([host, port, localAddress]) => new Promise((resolve) => {
  const socket = net.connect({ host, port, localAddress, timeout: 3000 });
  const end = (isOpen) => { socket.destroy(); resolve(isOpen); };
  socket.on('connect', () => end(true)).on('timeout', () => end(false)).on('error', () => end(false));
});
if (what === 'listen') {
  for (const port of args) net.createServer((socket) => socket.pipe(socket)).listen(Number(port), '::', () => console.log(port));
} else if (what === 'ask') {
  Promise.all(JSON.parse(args[0]).map(ask)).then((all) => console.log(JSON.stringify(all)));
} else {
  const socket = net.connect({ host: args[0], port: Number(args[1]) }, () => socket.write('one'));
  socket.on('data', (data) => console.log(String(data)));
  process.stdin.on('data', (data) => socket.write(data));
  socket.on('error', () => socket.destroy()).on('close', () => process.exit());
}`;

/** Where, which port, and from which address of one's own. */
type Way = [host: string, port: number, from?: string];

function inside(space: string, ...args: string[]): string[] {
  return ['netns', 'exec', space, process.execPath, '-e', program, ...args];
}

async function areOpen(space: string, ways: readonly Way[]): Promise<boolean[]> {
  const child = spawn('ip', inside(space, 'ask', JSON.stringify(ways)), { env: { PATH: path } });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  return JSON.parse(said);
}

function listen(space: string, ...ports: number[]): Promise<void> {
  const child = spawn('ip', inside(space, 'listen', ...ports.map(String)), { env: { PATH: path } });
  children.push(child);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  return until(() => ports.every((port) => said.includes(String(port))));
}

before(async () => {
  if (skip !== false) return;
  ip('netns', 'add', there);
  ip('link', 'add', 'wire0', 'netns', here, 'type', 'veth', 'peer', 'name', 'wire1', 'netns', there);
  const addresses: [string, string, string[]][] = [
    [here, 'wire0', ['10.250.0.1/24', '2001:db8:250::1/64', '172.20.0.1/16', 'fd00:20::1/64']],
    [there, 'wire1', ['10.250.0.2/24', '2001:db8:250::2/64', '172.20.0.2/16', 'fd00:20::2/64']],
  ];
  for (const [space, wire, all] of addresses) {
    for (const address of all)
      ip('-n', space, 'address', 'add', address, 'dev', wire, ...(address.includes(':') ? ['nodad'] : []));
    for (const link of ['lo', wire]) ip('-n', space, 'link', 'set', link, 'up');
  }
  // As Docker's rules do on a real machine: connections are only tracked once some rule asks about them.
  const tracked = 'table inet tracked { chain c { type filter hook input priority 0; ct state established accept; }; }';
  execFileSync('ip', ['netns', 'exec', here, 'nft', tracked], { env: { PATH: path } });
  await Promise.all([listen(here, 22, 8080), listen(there, 9000, 587)]);
});

after(() => {
  for (const child of children) child.kill();
  if (skip === false)
    for (const space of [here, there]) spawnSync('ip', ['netns', 'del', space], { env: { PATH: path } });
  place.remove();
});

const strangers = [
  ['10.250.0.1', '10.250.0.2', '172.20.0.1', '172.20.0.2'],
  ['2001:db8:250::1', '2001:db8:250::2', 'fd00:20::1', 'fd00:20::2'],
] as const;

/** What a stranger and a zone reach here, and this machine there and in itself, for each IP version. */
async function reach(): Promise<boolean[]> {
  const [fromThere, fromHere] = await Promise.all([
    areOpen(
      there,
      strangers.flatMap(([mine, theirs, myZone, zone]): Way[] => [
        [mine, 22, theirs],
        [mine, 8080, theirs],
        [myZone, 22, zone],
      ]),
    ),
    areOpen(
      here,
      strangers.flatMap(([mine, theirs, , zone]): Way[] => [
        [theirs, 9000],
        [zone, 9000],
        [mine.includes(':') ? '::1' : '127.0.0.1', 8080],
      ]),
    ),
  ]);
  return [...fromThere, ...fromHere];
}
const all = Array<boolean>(12).fill(true);
const isolated = [...Array(2).fill([true, false, false]), ...Array(2).fill([false, false, true])].flat() as boolean[];

function isolate(firewall: boolean) {
  const [action] = networkActions({
    deployment,
    firewall,
    sshPorts: [22],
    keep: [{ address: '10.250.0.2', port: 587 }],
    evidence: createEvidence(join(place.dir, 'evidence')),
    path,
    through,
  });
  return action!;
}

let count = 0;
const contextFor = () => ({
  incident: 'incident-1',
  run: 'run',
  idempotencyKey: `isolate-${count++}`,
  now: Date.now,
  signal: new AbortController().signal,
  outArgs: ['__done__'],
});

test('network.isolate only writes its rules down unless the configuration lets it load them', { skip }, async () => {
  const [action, context] = [isolate(false), contextFor()];
  const { before: state, effects } = await action.plan({}, context);
  assert.deepEqual(effects, [{ target: 'host', change: 'show-rules' }]);
  const done = await action.act({}, context, state);
  assert.deepEqual(done.out, { __done__: 'shown' });
  const files = done.evidence!['files'] as { file: string }[];
  assert.match(readFileSync(join(place.dir, 'evidence', files[0]!.file), 'utf8'), /table inet rempart_isolate/);
  assert.deepEqual(await reach(), all);
});

test('network.isolate leaves SSH, loopback, what is under way and what is kept, and undo opens all again', {
  skip,
}, async () => {
  const [action, context] = [isolate(true), contextFor()];
  const underWay = spawn('ip', inside(there, 'hold', '10.250.0.1', '8080'), { env: { PATH: path } });
  children.push(underWay);
  let said = '';
  underWay.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  await until(() => said.includes('one'));
  const plan = await action.plan({}, context);
  assert.equal((await action.probe({}, context, plan.before)).state, 'not-done');
  const done = await action.act({}, context, plan.before);
  assert.deepEqual(done.out, { __done__: 'applied' });
  assert.deepEqual(await reach(), isolated);
  assert.deepEqual(await areOpen(here, [['10.250.0.2', 587]]), [true]);
  underWay.stdin.write('two');
  await until(() => said.includes('two'));
  assert.equal((await action.probe({}, context, plan.before)).state, 'done');
  await action.act({}, context, plan.before);
  await action.undo!({}, context, plan.before);
  await action.undo!({}, context, plan.before);
  assert.deepEqual(await reach(), all);
});

test('findFirewall() isolates with iptables and ip6tables where there is no nft', { skip }, async (context) => {
  const programs = ['iptables', 'ip6tables', 'iptables-restore', 'ip6tables-restore', 'ip'].flatMap((name) =>
    path
      .split(':')
      .map((folder) => join(folder, name))
      .filter((file) => existsSync(file))
      .slice(0, 1),
  );
  if (programs.length < 5) return context.skip('iptables is not installed');
  const bin = join(place.dir, 'bin');
  execFileSync('mkdir', ['-p', bin]);
  for (const file of programs) execFileSync('ln', ['-s', file, join(bin, file.split('/').at(-1) ?? '')]);
  const tool = await findFirewall({ through, path: bin, signal: new AbortController().signal });
  assert.equal(tool.kind, 'iptables');
  const isolation = { zones: zonesOf(deployment), sshPorts: [22], keep: [] };
  await tool.load(isolation);
  await tool.load(isolation);
  assert.equal(await tool.isLoaded(), true);
  assert.deepEqual(await reach(), isolated);
  await tool.remove();
  await tool.remove();
  assert.equal(await tool.isLoaded(), false);
  assert.deepEqual(await reach(), all);
});
