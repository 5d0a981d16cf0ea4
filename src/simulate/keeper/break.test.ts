// Faults below HTTP and beside it: proved while they are on, gone afterwards.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { openUndoLog } from '../faults/process/undo-log.ts';
import { addToCgroup, createMemoryCgroup, removeCgroup } from '../faults/resource/cgroup.ts';
import type { Fact } from '../scenarios/evidence.ts';
import { startDatabaseRelay, tooManyOfMysql } from './database-relay.ts';
import { createKeeper } from './keeper.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-break-'));
const closers: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closers) await close();
  rmSync(root, { recursive: true, force: true });
});
let count = 0;
const linux = process.platform === 'linux';

async function prepared() {
  const undoDir = join(root, `undo-${++count}`);
  const facts: Fact[] = [];
  const record = (fact: Fact) => void facts.push(fact);
  const keeper = createKeeper({ now: () => performance.now(), undoLog: openUndoLog(undoDir), undoDir, record });
  closers.push(keeper.restoreAll);
  const keys = { primary: 'sk-a', spare: 'sk-b' };
  const at = { dialect: 'openai', real: null, host: '127.0.0.1', port: 0, keys, seed: 1, tokensPerSecond: 0 } as const;
  const { upstreamUrl } = await keeper.prepare(at);
  return { keeper, facts, upstreamUrl, undoDir };
}

function connecting(port: number, host: string, withinMs: number): Promise<'open' | 'refused' | 'waiting'> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const end = (what: 'open' | 'refused' | 'waiting') => {
      clearTimeout(timer);
      socket.destroy();
      resolve(what);
    };
    const timer = setTimeout(() => end('waiting'), withinMs);
    socket.on('error', () => end('refused')).once('connect', () => end('open'));
  });
}

test('inject() blackhole-connect: connecting neither succeeds nor fails, until it is cleared', {
  skip: !linux,
}, async () => {
  const { keeper, upstreamUrl } = await prepared();
  const { hostname, port } = new URL(upstreamUrl);
  const injected = await keeper.inject({ fault: { type: 'blackhole-connect' }, leaseMs: 10_000 });
  assert.equal(injected.proved, true, injected.impossible);
  assert.equal(await connecting(Number(port), hostname, 700), 'waiting');
  assert.equal((await keeper.clear({})).proved, true);
  assert.equal(await connecting(Number(port), hostname, 60_000), 'open');
});

test('inject() memory: resident up to the share of the budget and not beyond, given back when cleared', async () => {
  const { keeper, undoDir } = await prepared();
  const budgetBytes = 192 * 1024 ** 2;
  await keeper.inject({ fault: { type: 'memory', budgetBytes, share: 0.8 }, leaseMs: 10_000 });
  await sleep(1800);
  const { proved, proof, dose } = await keeper.clear({});
  assert.equal(proved, true, proof);
  assert.ok(Math.abs(Number(dose?.['share']) - 0.8) < 0.1, String(dose?.['share']));
  assert.equal(dose?.['where'], 'beside the target');
  const [pid] = /"pid":(\d+)/.exec(readFileSync(join(undoDir, 'undo.jsonl'), 'utf8'))?.slice(1) ?? [];
  assert.ok(pid !== undefined && !existsSync(`/proc/${pid}/statm`), 'the ballast has ended');
});

const probe = createMemoryCgroup(`rempart-test-${process.pid}`);
if (probe !== null) removeCgroup(probe.path);

test('inject() memory: in the memory group of a target that has its own, which is gone afterwards', {
  skip: probe === null,
}, async () => {
  const { keeper, undoDir } = await prepared();
  const idle = { command: ['node', '-e', 'setInterval(() => {}, 1000)'], cwd: root, env: {}, logs: [] };
  await keeper['start-target']({ ...idle, ownMemory: true });
  const [path = ''] = /"path":"([^"]+)"/.exec(readFileSync(join(undoDir, 'undo.jsonl'), 'utf8'))?.slice(1) ?? [];
  assert.ok(existsSync(path));
  await sleep(300);
  await keeper.inject({ fault: { type: 'memory', budgetBytes: 256 * 1024 ** 2, share: 0.8 }, leaseMs: 10_000 });
  await sleep(1800);
  const { proved, proof, dose } = await keeper.clear({});
  assert.equal(proved, true, proof);
  assert.equal(dose?.['where'], "in the target's cgroup");
  await keeper['stop-target']({});
  await keeper.clean({});
  assert.equal(existsSync(path), false);
});

test('inject() reconfigured: started with the other setting, then as before, with what both lives wrote', async () => {
  const { keeper, facts, upstreamUrl } = await prepared();
  const script = 'console.log("at " + process.env.URL); setInterval(() => {}, 1000)';
  const target = (url: string) => ({
    command: ['node', '-e', script],
    cwd: root,
    env: { URL: url, PATH: process.env['PATH'] ?? '' },
    logs: ['stdout'],
  });
  const text = async () => (await keeper.logs({})).logs[0]?.text ?? '';
  const until = async (expected: string) => {
    for (let i = 0; i < 3_000 && (await text()) !== expected; i++) await sleep(50);
    assert.equal(await text(), expected);
  };
  await keeper['start-target'](target(upstreamUrl));
  await until(`at ${upstreamUrl}\n`);
  const nowhere = { host: 'rempart-nowhere.invalid', port: 80 };
  const command = target('http://rempart-nowhere.invalid');
  const fault = { type: 'reconfigured', how: 'wrong-url', command, nowhere } as const;
  assert.equal((await keeper.inject({ fault, leaseMs: 10_000 })).proved, true);
  await until(`at ${upstreamUrl}\nat http://rempart-nowhere.invalid\n`);
  assert.equal((await keeper.clear({})).proved, true);
  await until(`at ${upstreamUrl}\nat http://rempart-nowhere.invalid\nat ${upstreamUrl}\n`);
  const states = facts.flatMap((fact) => (fact.kind === 'process' ? [fact.state] : []));
  assert.deepEqual(
    states,
    ['started', 'reconfigured', 'reconfigured'],
    'no exit is noted, since we ended it ourselves',
  );
});

test('inject() reconfigured: not proved when calls reach the provider all the same, impossible when nowhere answers', async () => {
  const { keeper, upstreamUrl } = await prepared();
  const there = createServer();
  await new Promise<void>((resolve) => there.listen(0, '127.0.0.1', resolve));
  closers.push(async () => there.close());
  const idle = { command: ['node', '-e', 'setInterval(() => {}, 1000)'], cwd: root, env: {}, logs: [] };
  await keeper['start-target'](idle);
  const live = { host: '127.0.0.1', port: (there.address() as AddressInfo).port };
  const fault = { type: 'reconfigured', how: 'proxy-dead', command: idle, nowhere: live } as const;
  assert.notEqual((await keeper.inject({ fault, leaseMs: 10_000 })).impossible, undefined);
  there.close();
  await keeper.inject({ fault, leaseMs: 10_000 });
  await fetch(`${upstreamUrl}/v1/models`, { headers: { authorization: 'Bearer sk-a' } }).then((answer) =>
    answer.text(),
  );
  assert.equal((await keeper.clear({})).proved, false);
});

async function relayed(kind: 'postgres' | 'mysql') {
  const behind = createTcp(
    (socket) => void socket.on('data', (bytes) => socket.write(bytes)).on('error', () => undefined),
  );
  await new Promise<void>((resolve) => behind.listen(0, '127.0.0.1', resolve));
  const server = { host: '127.0.0.1', port: (behind.address() as AddressInfo).port };
  const relay = await startDatabaseRelay({ host: '127.0.0.1', server, kind });
  closers.push(relay.close, async () => behind.close());
  return relay;
}

test('startDatabaseRelay() carries bytes, refuses when stopped, ending what was open, and carries again', async () => {
  const relay = await relayed('postgres');
  const socket = connect(relay.port, relay.host);
  socket.write('ping');
  assert.equal(await new Promise((resolve) => socket.once('data', (bytes) => resolve(bytes.toString()))), 'ping');
  const ended = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
  await relay.stop();
  await ended;
  assert.equal(await connecting(relay.port, relay.host, 1000), 'refused');
  await relay.pass();
  assert.equal(await connecting(relay.port, relay.host, 1000), 'open');
  assert.ok(relay.carried() >= 1);
});

test('startDatabaseRelay() exhausted: a real PostgreSQL client reads SQLSTATE 53300', async () => {
  const relay = await relayed('postgres');
  relay.exhaust();
  for (const ssl of [false, true]) {
    const client = new pg.Client({ host: relay.host, port: relay.port, user: 'u', database: 'd', ssl });
    client.on('error', () => undefined);
    const error = await client.connect().then(
      () => null,
      (reason: { code?: string; message: string }) => reason,
    );
    if (ssl) assert.match(error?.message ?? '', /SSL/);
    else assert.equal(error?.code, '53300');
  }
});

test('startDatabaseRelay() exhausted: MySQL clients are greeted with error 1040 in a whole packet', async () => {
  const relay = await relayed('mysql');
  relay.exhaust();
  const socket = connect(relay.port, relay.host).on('error', () => undefined);
  const bytes = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  assert.deepEqual(bytes, tooManyOfMysql());
  assert.equal(bytes.readUIntLE(0, 3), bytes.length - 4);
  assert.equal(bytes.readUInt16LE(5), 1040);
});

test('restoreAll() in the middle of a cut closes for good: nothing opens again and keeps the keeper', async () => {
  const { keeper, upstreamUrl } = await prepared();
  const { hostname, port } = new URL(upstreamUrl);
  const relay = await relayed('postgres');
  await relay.stop();
  await relay.close();
  await relay.pass();
  assert.equal(await connecting(relay.port, relay.host, 1000), 'refused');
  const injecting = keeper.inject({ fault: { type: 'refused' }, leaseMs: 10_000 });
  await keeper.restoreAll();
  await injecting;
  await keeper.restoreAll();
  assert.equal(await connecting(Number(port), hostname, 1000), 'refused');
});

test('removeCgroup() ends who stayed in the group, even one that left the group of the target’s processes', async (t) => {
  const group = createMemoryCgroup(`rempart-test-${process.pid}`);
  if (group === null) return t.skip('this machine lets nobody make a memory group here');
  const stray = spawn('/bin/sleep', ['60'], { detached: true, stdio: 'ignore' });
  addToCgroup(group, stray.pid ?? -1);
  assert.equal(removeCgroup(group.path), true);
  assert.equal(existsSync(group.path), false);
});
