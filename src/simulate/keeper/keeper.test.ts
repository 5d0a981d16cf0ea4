// The keeper's leases: a fault that nobody clears ends by itself, clearing is told once, and everything is put back whatever was on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isSameProcess } from '../../platform/base/process-identity.ts';
import type { Fault } from '../faults/fault.ts';
import { databaseAnswers } from '../faults/process/database-files.ts';
import { openUndoLog, replayUndoLog } from '../faults/process/undo-log.ts';
import { createKeeper } from './keeper.ts';
import type { PrepareOptions } from './protocol.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-keeper-'));
const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers) await close();
  rmSync(root, { recursive: true, force: true });
});
let count = 0;

async function prepared() {
  const undoDir = join(root, `undo-${++count}`);
  const undoLog = openUndoLog(undoDir);
  const keeper = createKeeper({ now: () => performance.now(), undoLog, undoDir, record: () => undefined });
  closers.push(keeper.restoreAll);
  const options: PrepareOptions = {
    dialect: 'openai',
    real: null,
    host: '127.0.0.1',
    port: 0,
    keys: { primary: 'sk-a', spare: 'sk-b' },
    seed: 1,
    tokensPerSecond: 0,
  };
  const { upstreamUrl } = await keeper.prepare(options);
  const file = join(root, `db-${count}.sqlite`);
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode=WAL; CREATE TABLE t (text TEXT); INSERT INTO t VALUES ('kept')");
  db.close();
  const status = () =>
    fetch(`${upstreamUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sk-a' },
      body: '{"model":"m","messages":[{"role":"user","content":"mkaaaaaaaa"}]}',
    }).then(
      (answer) => answer.status,
      () => 'refused',
    );
  return { keeper, undoDir, file, status };
}

const unavailable: Fault = { type: 'status', name: 'unavailable', error: 'overloaded', keys: 'all' };
const pending = (undoDir: string) => {
  const lines = readFileSync(join(undoDir, 'undo.jsonl'), 'utf8').trimEnd().split('\n');
  return (
    lines.filter((line) => line.includes('"undo"')).length - lines.filter((line) => line.includes('"done"')).length
  );
};

test('inject() breaks calls until clear(), which proves that calls were touched', async () => {
  const { keeper, status } = await prepared();
  assert.equal(await status(), 200);
  assert.equal((await keeper.inject({ fault: unavailable, leaseMs: 10_000 })).proved, true);
  assert.equal(await status(), 503);
  const cleared = await keeper.clear({});
  assert.equal(cleared.proved, true);
  assert.equal(await status(), 200);
});

test('clear() proves nothing of a fault that touched no call, or of none', async () => {
  const { keeper } = await prepared();
  await keeper.inject({ fault: unavailable, leaseMs: 10_000 });
  assert.equal((await keeper.clear({})).proved, false);
  assert.equal((await keeper.clear({})).proved, false);
});

test('inject() refuses a second fault while one is on', async () => {
  const { keeper } = await prepared();
  await keeper.inject({ fault: unavailable, leaseMs: 10_000 });
  await assert.rejects(keeper.inject({ fault: { type: 'silent' }, leaseMs: 10_000 }));
  await keeper.clear({});
});

for (const [name, fault] of [
  ['status', unavailable],
  ['refused', { type: 'refused' }],
] as const satisfies [string, Fault][]) {
  test(`inject() ${name}: a lease that nobody clears ends by itself at its deadline`, async () => {
    const { keeper, status } = await prepared();
    await keeper.inject({ fault, leaseMs: 3_000 });
    assert.notEqual(await status(), 200);
    for (let looks = 0; (await status()) !== 200; looks++) {
      assert.ok(looks < 600, 'it ends by itself');
      await sleep(100);
    }
    assert.equal(typeof (await keeper.clear({})).t, 'number', 'clearing late is no error');
  });
}

for (const how of ['stopped', 'corrupted', 'locked'] as const) {
  test(`inject() database ${how}: proved by a connection of our own, back at the deadline, nothing left in the undo log`, async () => {
    const { keeper, file, undoDir } = await prepared();
    const injected = await keeper.inject({ fault: { type: 'database', how, file }, leaseMs: 4_000 });
    assert.equal(injected.proved, true, injected.proof);
    assert.equal(databaseAnswers(file).ok, false);
    assert.equal(pending(undoDir), 1);
    for (let i = 0; i < 3_000 && !databaseAnswers(file).ok; i++) await sleep(100);
    const db = new DatabaseSync(file);
    assert.equal(db.prepare('SELECT text FROM t').get()?.['text'], 'kept');
    db.close();
    const cleared = await keeper.clear({});
    // The holder of a lock has the same deadline and may be first: then the lock was already gone when it was looked at.
    if (how !== 'locked') assert.equal(cleared.proved, true);
    assert.equal(pending(undoDir), 0);
    assert.deepEqual(replayUndoLog(undoDir), []);
  });
}

test('inject() database: impossible where the target made none, and nothing is on then', async () => {
  const { keeper } = await prepared();
  const fault: Fault = { type: 'database', how: 'stopped', file: join(root, 'none.sqlite') };
  assert.ok((await keeper.inject({ fault, leaseMs: 1000 })).impossible);
  assert.equal((await keeper.inject({ fault: unavailable, leaseMs: 1000 })).impossible, undefined);
  await keeper.clear({});
});

test('restoreAll() in the middle of a database fault puts it back and ends the target with its children', async () => {
  const { keeper, file, undoDir } = await prepared();
  const program = `const { spawn } = require('node:child_process');
    spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
    process.on('SIGTERM', () => {}); setTimeout(() => {}, 60000);`;
  const { pid } = await keeper['start-target']({ command: ['node', '-e', program], cwd: root, env: {}, logs: [] });
  await keeper.inject({ fault: { type: 'database', how: 'stopped', file }, leaseMs: 60_000 });
  assert.ok(isSameProcess(pid, null));
  await keeper.restoreAll();
  assert.equal(databaseAnswers(file).ok, true);
  assert.equal(isSameProcess(pid, null), false);
  assert.equal(pending(undoDir), 0);
});

test('keeper-process: restores and ends when its runner’s pipe ends, even in the middle of a command', async () => {
  const undoDir = join(root, 'pipe');
  const child = spawn(process.execPath, [join(import.meta.dirname, 'keeper-process.ts'), undoDir, '0'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (let i = 0; i < 3_000 && !existsSync(join(undoDir, 'keeper.json')); i++) await sleep(50);
  const args = {
    dialect: 'openai',
    real: null,
    host: '127.0.0.1',
    port: 0,
    keys: { primary: 'a', spare: 'b' },
    seed: 1,
  };
  child.stdin.end(`${JSON.stringify({ id: 1, command: 'prepare', args: { ...args, tokensPerSecond: 0 } })}\n`);
  const late = setTimeout(() => child.kill('SIGKILL'), 120_000);
  assert.equal(await ended, 0, 'it ended by itself');
  clearTimeout(late);
  assert.ok(!existsSync(join(undoDir, 'keeper.json')) && !existsSync(join(undoDir, 'undo.jsonl')));
});
