// The undo log across crashes: on disk before anything is broken, replayed in the right order, never twice, never on a stranger.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isSameProcess, processStartTime } from '../../../platform/base/process-identity.ts';
import { endGroup, openUndoLog, replayUndoLog, type Undo } from './undo-log.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-undo-'));
after(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const fresh = () => join(root, String(++count));
const soon = () => new Date(Date.now() + 60_000);

/** A folder of its own as a thing to be undone. */
function folder(): { path: string; undo: Undo } {
  const path = join(root, `folder-${++count}`);
  mkdirSync(path);
  return { path, undo: { kind: 'directory', path } };
}

/** A process in a group of its own that would live for a minute. */
function sleeper() {
  const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { detached: true, stdio: 'ignore' });
  const pid = child.pid ?? -1;
  return { pid, startTime: processStartTime(pid), ended: once(child, 'exit'), end: () => child.kill('SIGKILL') };
}

test('replayUndoLog() has nothing to do where there is no log', () => {
  assert.deepEqual(replayUndoLog(fresh()), []);
});

test('write() has its entry on disk when it returns; undone, it is not replayed', () => {
  const dir = fresh();
  const log = openUndoLog(dir);
  const [kept, done] = [folder(), folder()];
  log.write(kept.undo, soon());
  const undone = log.write(done.undo, soon());
  assert.equal(readFileSync(join(dir, 'undo.jsonl'), 'utf8').split('\n').length, 3);
  undone();
  log.close();
  assert.deepEqual(replayUndoLog(dir), [{ what: `directory ${kept.path}`, ok: true }]);
  assert.ok(!existsSync(kept.path) && existsSync(done.path));
  assert.ok(!existsSync(join(dir, 'undo.jsonl')), 'the log is emptied once everything went well');
});

test('replayUndoLog() is idempotent: interrupted or repeated, it comes to the same', () => {
  const dir = fresh();
  const log = openUndoLog(dir);
  const one = folder();
  log.write(one.undo, soon());
  log.close();
  const bytes = readFileSync(join(dir, 'undo.jsonl'));
  assert.equal(replayUndoLog(dir).length, 1);
  writeFileSync(join(dir, 'undo.jsonl'), bytes); // as if it had died before it emptied the log
  assert.deepEqual(replayUndoLog(dir), []);
  assert.deepEqual(replayUndoLog(dir), []);
});

test('replayUndoLog() passes over a last line torn at any byte and undoes the rest', () => {
  const dir = fresh();
  const file = join(dir, 'undo.jsonl');
  const log = openUndoLog(dir);
  const [first, second] = [folder(), folder()];
  log.write(first.undo, soon());
  const whole = readFileSync(file).length;
  log.write(second.undo, soon());
  log.close();
  const bytes = readFileSync(file);
  for (let at = whole; at < bytes.length - 1; at += 7) {
    mkdirSync(first.path, { recursive: true });
    writeFileSync(file, bytes.subarray(0, at));
    assert.deepEqual(replayUndoLog(dir), [{ what: `directory ${first.path}`, ok: true }], `cut at ${at}`);
    assert.ok(existsSync(second.path));
  }
});

test('openUndoLog() writes no entry behind a torn line, where it would be torn too', () => {
  const dir = fresh();
  openUndoLog(dir).close();
  appendFileSync(join(dir, 'undo.jsonl'), '{"id":"x","undo":{"kind":"dire');
  const log = openUndoLog(dir);
  const one = folder();
  log.write(one.undo, soon());
  log.close();
  assert.deepEqual(replayUndoLog(dir), [{ what: `directory ${one.path}`, ok: true }]);
});

test('write() gives each life of the program entries of its own, so that one life never closes the entry of another', () => {
  const dir = fresh();
  const [first, second] = [folder(), folder()];
  const before = openUndoLog(dir);
  before.write(first.undo, soon());
  before.close();
  const next = openUndoLog(dir); // the same process number, as in a container that was started again
  next.write(second.undo, soon())();
  next.close();
  assert.deepEqual(replayUndoLog(dir), [{ what: `directory ${first.path}`, ok: true }]);
});

test('replayUndoLog() ends processes first, then undoes the newest first', async () => {
  const dir = fresh();
  const log = openUndoLog(dir);
  const [older, newer] = [folder(), folder()];
  const { pid, startTime, ended } = sleeper();
  log.write({ kind: 'process', what: 'target', pid, startTime }, soon());
  log.write(older.undo, soon());
  log.write(newer.undo, soon());
  log.close();
  assert.deepEqual(
    replayUndoLog(dir).map(({ what }) => what),
    [`target (process ${pid})`, `directory ${newer.path}`, `directory ${older.path}`],
  );
  assert.deepEqual(await ended, [null, 'SIGKILL']);
});

test('replayUndoLog() keeps the log when something could not be undone, undoes the rest, and says both', () => {
  const dir = fresh();
  const log = openUndoLog(dir);
  const one = folder();
  log.write(one.undo, soon());
  const copy = join(root, 'copy-of-a-database');
  writeFileSync(copy, 'bytes');
  const lost = { path: join(root, 'gone', 'db.sqlite'), copy, sha256: '', size: 5 };
  log.write({ kind: 'database', file: lost.path, copies: [lost], folder: join(root, 'no-such') }, soon());
  log.close();
  assert.deepEqual(replayUndoLog(dir), [
    { what: `database ${lost.path}`, ok: false },
    { what: `directory ${one.path}`, ok: true },
  ]);
  assert.ok(existsSync(join(dir, 'undo.jsonl')));
});

test('endGroup() never ends a process that has the number but another start time', async () => {
  const stranger = sleeper();
  const ours = { pid: stranger.pid, startTime: String(Number(stranger.startTime) - 1) };
  assert.equal(endGroup(ours.pid, ours.startTime), false);
  const dir = fresh();
  const log = openUndoLog(dir);
  log.write({ kind: 'process', what: 'target', ...ours }, soon());
  log.close();
  assert.deepEqual(replayUndoLog(dir), []);
  assert.ok(isSameProcess(stranger.pid, stranger.startTime), 'the stranger lives');
  stranger.end();
  await stranger.ended;
});

test('endGroup() ends the members of a group whose leader is gone', async () => {
  const leader = spawn(
    process.execPath,
    [
      '-e',
      `const { spawn } = require('node:child_process');
       const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
       process.stdout.write(String(child.pid), () => process.exit());`,
    ],
    { detached: true, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const pid = leader.pid ?? -1;
  const startTime = processStartTime(pid);
  let text = '';
  leader.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(leader, 'close');
  const member = Number(text);
  const memberStart = processStartTime(member);
  assert.ok(isSameProcess(member, memberStart));
  assert.equal(endGroup(pid, startTime), true);
  for (let i = 0; i < 3_000 && isSameProcess(member, memberStart); i++) await new Promise((r) => setTimeout(r, 20));
  assert.ok(!isSameProcess(member, memberStart));
  assert.equal(endGroup(pid, startTime), false, 'a second time there is nobody left');
});
