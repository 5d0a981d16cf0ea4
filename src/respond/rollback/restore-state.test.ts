import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { decide, restoreState, undoRestore } from './restore-state.ts';
import { hour, stateRig } from './state-rig.ts';

const toml = { name: 'zeroia', path: 'zeroia.toml', format: 'toml' };
const facts = { key: 'step-1', incident: 'INC-20260310-120000' };
type Rig = ReturnType<typeof stateRig>;

async function restore(rig: Rig, name: string, before: number | null = null) {
  const state = rig.state(name);
  const { decision } = await decide(rig.parts, state, before);
  return restoreState(rig.parts, state, decision, facts);
}

const corrupted: [string, (path: string) => void, (path: string) => void][] = [
  [
    'broken syntax',
    (path) => writeFileSync(path, 'n = ['),
    (path) => assert.equal(readFileSync(path, 'utf8'), 'n = ['),
  ],
  ['nothing', (path) => rmSync(path), (path) => assert.equal(existsSync(path), false)],
  [
    'a link to another file',
    (path) => {
      rmSync(path);
      symlinkSync('/etc/hostname', path);
    },
    (path) => assert.equal(readlinkSync(path), '/etc/hostname'),
  ],
  [
    'a folder with a file in it',
    (path) => {
      rmSync(path);
      mkdirSync(path);
      writeFileSync(join(path, 'x'), 'x');
    },
    (path) => assert.equal(readFileSync(join(path, 'x'), 'utf8'), 'x'),
  ],
  [
    'a file too large to copy',
    (path) => truncateSync(path, 200_000_000_000),
    (path) => assert.equal(statSync(path).size, 200_000_000_000),
  ],
];
for (const [what, corrupt, check] of corrupted)
  test(`restoreState() replaces ${what} by the backup, and undoRestore() puts it back, twice if need be`, async (t) => {
    const rig = stateRig([toml]);
    t.after(rig.close);
    const path = rig.path('zeroia.toml');
    writeFileSync(path, 'n = 1\n');
    chmodSync(path, 0o640);
    await rig.backups.take(rig.state('zeroia'), 'asked');
    corrupt(path);
    const restored = await restore(rig, 'zeroia');
    assert.equal(restored.decision, 'backup');
    assert.equal(readFileSync(path, 'utf8'), 'n = 1\n');
    assert.equal(lstatSync(path).mode & 0o777, 0o640);
    // After a crash the step is begun again: what is evidence stays evidence.
    assert.deepEqual(await restore(rig, 'zeroia'), restored);
    // So it does when the crash came before it could be noted that it was done.
    rmSync(join(rig.data, 'evidence/states/step-1/zeroia.restored.json'));
    assert.deepEqual(await restore(rig, 'zeroia'), restored);
    assert.equal(await undoRestore(rig.parts, rig.state('zeroia'), facts), true);
    check(path);
    assert.equal(await undoRestore(rig.parts, rig.state('zeroia'), facts), false);
    check(path);
    assert.deepEqual(
      readdirSync(rig.folder).filter((name) => name.includes('.rempart-')),
      [],
    );
  });

test('restoreState() keeps the corrupted bytes as evidence, with their hash', async (t) => {
  const rig = stateRig([toml]);
  t.after(rig.close);
  writeFileSync(rig.path('zeroia.toml'), 'n = [');
  await restore(rig, 'zeroia');
  const dir = join(rig.data, 'evidence/states/step-1/zeroia');
  assert.equal(readFileSync(join(dir, 'content'), 'utf8'), 'n = [');
  const record = JSON.parse(readFileSync(join(dir, 'evidence.json'), 'utf8'));
  assert.equal(record.found, 'syntax');
  assert.equal(record.incident, facts.incident);
  assert.match(record.files[0].sha256, /^[0-9a-f]{64}$/);
});

test('restoreState() writes the minimal state when no backup is older than the first evidence', async (t) => {
  const rig = stateRig([{ ...toml, minimal: { decision: { justification: 'ours' }, extra: true } }]);
  t.after(rig.close);
  writeFileSync(rig.path('zeroia.toml'), 'n = 1\n');
  await rig.backups.take(rig.state('zeroia'), 'asked');
  rig.clock.time += hour;
  const restored = await restore(rig, 'zeroia', rig.clock.time - 2 * hour);
  assert.equal(restored.decision, 'minimal');
  const time = new Date(rig.clock.time).toISOString();
  assert.deepEqual(JSON.parse(JSON.stringify(parse(readFileSync(rig.path('zeroia.toml'), 'utf8')))), {
    decision: { last_decision: 'normal', confidence_score: 0.5, justification: 'ours', timestamp: time },
    metadata: { version: 'emergency_fallback', restore_time: time },
    extra: true,
  });
});

test('restoreState() writes a flat minimal state for a profile that names its decision in one word', async (t) => {
  const rig = stateRig([{ name: 's', path: 's.json', format: 'json', minimal: { decision: 'wait' } }]);
  t.after(rig.close);
  await restore(rig, 's');
  const time = new Date(rig.clock.time).toISOString();
  assert.deepEqual(JSON.parse(readFileSync(rig.path('s.json'), 'utf8')), {
    decision: 'wait',
    confidence: 0.5,
    justification: 'emergency_rollback_default_state',
    timestamp: time,
    version: 'emergency_fallback',
    restore_time: time,
  });
});

test('decide() refuses when there is neither a backup nor a minimal state', async (t) => {
  const rig = stateRig([{ name: 'memory', path: 'm.sqlite', format: 'sqlite' }]);
  t.after(rig.close);
  await assert.rejects(decide(rig.parts, rig.state('memory'), null), { code: 'ERR_STATE_NO_BACKUP' });
});

test('restoreState() refuses a minimal state that does not match the schema, and leaves what was there', async (t) => {
  const rig = stateRig([{ ...toml, schema: 'schema.json' }]);
  t.after(rig.close);
  writeFileSync(rig.path('schema.json'), '{"required":["plan"]}');
  writeFileSync(rig.path('zeroia.toml'), 'n = [');
  await assert.rejects(restore(rig, 'zeroia'), { code: 'ERR_STATE_INVALID' });
  assert.equal(readFileSync(rig.path('zeroia.toml'), 'utf8'), 'n = [');
});

test('restoreState() of a database leaves no log behind that would be played into it, and undoRestore() brings its log back', async (t) => {
  const rig = stateRig([{ name: 'memory', path: 'm.sqlite', format: 'sqlite' }]);
  t.after(rig.close);
  const path = rig.path('m.sqlite');
  const rows = () => {
    const database = new DatabaseSync(path);
    const found = database
      .prepare('SELECT a FROM t ORDER BY a')
      .all()
      .map((row) => row['a']);
    database.close();
    return found;
  };
  const writer = new DatabaseSync(path);
  writer.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES ('before')");
  await rig.backups.take(rig.state('memory'), 'asked');
  writer.exec("INSERT INTO t VALUES ('after')");
  assert(existsSync(`${path}-wal`));
  await restore(rig, 'memory');
  // Still open in a process that was not stopped: its handle is on the file that was there.
  writer.close();
  rmSync(`${path}-shm`, { force: true });
  assert.deepEqual(rows(), ['before']);
  await undoRestore(rig.parts, rig.state('memory'), facts);
  assert.deepEqual(rows(), ['after', 'before']);
});

test('restoreState() does not write through a second name of the file', async (t) => {
  const rig = stateRig([toml]);
  t.after(rig.close);
  writeFileSync(rig.path('zeroia.toml'), 'n = 1\n');
  await rig.backups.take(rig.state('zeroia'), 'asked');
  rmSync(rig.path('zeroia.toml'));
  writeFileSync(rig.path('other.toml'), 'n = 2\n');
  linkSync(rig.path('other.toml'), rig.path('zeroia.toml'));
  await restore(rig, 'zeroia');
  assert.equal(readFileSync(rig.path('other.toml'), 'utf8'), 'n = 2\n');
});

test('restoreState() puts a folder back whole: what was added goes, what was removed returns, and undoRestore() reverses that', async (t) => {
  const rig = stateRig([{ name: 'd', path: 'd', format: 'directory' }]);
  t.after(rig.close);
  mkdirSync(rig.path('d/sub'), { recursive: true });
  writeFileSync(rig.path('d/sub/a'), 'a');
  writeFileSync(rig.path('d/run'), '#!/bin/sh\n');
  chmodSync(rig.path('d/run'), 0o755);
  symlinkSync('sub/a', rig.path('d/link'));
  await rig.backups.take(rig.state('d'), 'asked');
  rmSync(rig.path('d/sub/a'));
  writeFileSync(rig.path('d/added'), 'x');
  await restore(rig, 'd');
  assert.deepEqual(readdirSync(rig.path('d')).sort(), ['link', 'run', 'sub']);
  assert.equal(readFileSync(rig.path('d/link'), 'utf8'), 'a');
  assert.equal(statSync(rig.path('d/run')).mode & 0o777, 0o755);
  await undoRestore(rig.parts, rig.state('d'), facts);
  assert.deepEqual(readdirSync(rig.path('d')).sort(), ['added', 'link', 'run', 'sub']);
});

test('undoRestore() keeps what was written after the rollback before it takes it away', async (t) => {
  const rig = stateRig([toml]);
  t.after(rig.close);
  writeFileSync(rig.path('zeroia.toml'), 'n = [');
  await restore(rig, 'zeroia');
  writeFileSync(rig.path('zeroia.toml'), 'written = "since"\n');
  await undoRestore(rig.parts, rig.state('zeroia'), facts);
  const kept = join(rig.data, 'evidence/states/step-1-undo/zeroia/content');
  assert.equal(readFileSync(kept, 'utf8'), 'written = "since"\n');
});
