import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createBackups, type Taken } from './backups.ts';
import { day, hour, stateRig } from './state-rig.ts';

const toml = { name: 'zeroia', path: 'zeroia.toml', format: 'toml' };

function manifestOf(taken: Taken) {
  assert.equal(taken.kind, 'taken', taken.kind === 'skipped' ? taken.why : '');
  if (taken.kind !== 'taken') throw new Error('not taken');
  return taken.manifest;
}

/** Each kept object of a state, by path. */
function objectsIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => /[0-9a-f]{64}$/.test(name))
    .map((name) => join(dir, name));
}

test('take() keeps the bytes of each format and verify() finds them good', async (t) => {
  const rig = stateRig([
    toml,
    { name: 'settings', path: 's.json', format: 'json' },
    { name: 'rules', path: 'r.yaml', format: 'yaml' },
    { name: 'notes', path: 'n.txt', format: 'text' },
    { name: 'memory', path: 'm.sqlite', format: 'sqlite' },
    { name: 'folder', path: 'd', format: 'directory' },
  ]);
  t.after(rig.close);
  writeFileSync(rig.path('zeroia.toml'), 'a = 1\n');
  writeFileSync(rig.path('s.json'), '{"a":1}');
  writeFileSync(rig.path('r.yaml'), 'a: 1\n');
  writeFileSync(rig.path('n.txt'), 'é\n');
  mkdirSync(rig.path('d/below'), { recursive: true });
  writeFileSync(rig.path('d/below/x'), 'x');
  symlinkSync('below/x', rig.path('d/link'));
  const database = new DatabaseSync(rig.path('m.sqlite'));
  database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES ('in the log')");
  for (const state of rig.backups.states) {
    const manifest = manifestOf(await rig.backups.take(state, 'asked'));
    assert.equal(await rig.backups.verify(state, manifest), null, state.name);
  }
  const place = rig.path('copy.sqlite');
  const [listed] = await rig.backups.list(rig.state('memory'));
  assert(listed?.kind === 'backup');
  await rig.backups.layOut(rig.state('memory'), listed.manifest, place);
  database.close();
  const copy = new DatabaseSync(place, { readOnly: true });
  assert.deepEqual(
    copy
      .prepare('SELECT a FROM t')
      .all()
      .map((row) => ({ ...row })),
    [{ a: 'in the log' }],
  );
  copy.close();
});

const hostile: [string, (path: string) => void, string][] = [
  ['a symbolic link', (path) => symlinkSync('/etc/passwd', path), 'symlink'],
  ['a folder', (path) => mkdirSync(path), 'not-a-file'],
  ['nothing at all', () => undefined, 'missing'],
  ['no text', (path) => writeFileSync(path, ''), 'empty'],
  ['broken syntax', (path) => writeFileSync(path, 'a = [1'), 'syntax'],
  ['zeros where text should be', (path) => writeFileSync(path, 'a = 1\n\0\0\0'), 'syntax'],
  ['bytes that are no UTF-8', (path) => writeFileSync(path, Buffer.from([0x61, 0xff])), 'syntax'],
  [
    'a sparse file that claims to be huge',
    (path) => {
      writeFileSync(path, 'a = 1\n');
      truncateSync(path, 200_000_000_000);
    },
    'too-large',
  ],
];
for (const [what, make, why] of hostile)
  test(`take() refuses ${what} as ${why} and keeps nothing`, async (t) => {
    const rig = stateRig([toml]);
    t.after(rig.close);
    make(rig.path('zeroia.toml'));
    assert.deepEqual(await rig.backups.take(rig.state('zeroia'), 'schedule'), { kind: 'skipped', why });
    assert.deepEqual(await rig.backups.list(rig.state('zeroia')), []);
  });

test('take() refuses a folder whose link leads outside', async (t) => {
  const rig = stateRig([{ name: 'folder', path: 'd', format: 'directory' }]);
  t.after(rig.close);
  mkdirSync(rig.path('d/deep'), { recursive: true });
  symlinkSync('../../zeroia.toml', rig.path('d/deep/link'));
  assert.deepEqual(await rig.backups.take(rig.state('folder'), 'asked'), { kind: 'skipped', why: 'link-outside' });
});

test('take() refuses a file that it may not read', {
  skip: process.getuid?.() === 0 && 'root reads everything',
}, async (t) => {
  const rig = stateRig([toml]);
  t.after(rig.close);
  writeFileSync(rig.path('zeroia.toml'), 'a = 1\n');
  chmodSync(rig.path('zeroia.toml'), 0o000);
  assert.deepEqual(await rig.backups.take(rig.state('zeroia'), 'asked'), { kind: 'skipped', why: 'unreadable' });
});

test('take() refuses a database whose pages are damaged', async (t) => {
  const rig = stateRig([{ name: 'memory', path: 'm.sqlite', format: 'sqlite' }]);
  t.after(rig.close);
  const database = new DatabaseSync(rig.path('m.sqlite'));
  database.exec('CREATE TABLE t (a); CREATE INDEX i ON t (a)');
  const insert = database.prepare('INSERT INTO t VALUES (?)');
  database.exec('BEGIN');
  for (let n = 0; n < 2_000; n++) insert.run(`row ${n}`);
  database.exec('COMMIT');
  database.close();
  const bytes = readFileSync(rig.path('m.sqlite'));
  bytes.fill(0xab, 8_192, 20_480);
  writeFileSync(rig.path('m.sqlite'), bytes);
  assert.deepEqual(await rig.backups.take(rig.state('memory'), 'asked'), { kind: 'skipped', why: 'damaged' });
});

test('take() asks the schema about the document', async (t) => {
  const rig = stateRig([{ ...toml, schema: 'schema.json' }]);
  t.after(rig.close);
  writeFileSync(rig.path('schema.json'), '{"type":"object","required":["decision"]}');
  writeFileSync(rig.path('zeroia.toml'), 'other = 1\n');
  assert.deepEqual(await rig.backups.take(rig.state('zeroia'), 'asked'), { kind: 'skipped', why: 'schema' });
  writeFileSync(rig.path('zeroia.toml'), 'decision = "normal"\n');
  manifestOf(await rig.backups.take(rig.state('zeroia'), 'asked'));
  writeFileSync(rig.path('schema.json'), '{');
  assert.deepEqual(await rig.backups.take(rig.state('zeroia'), 'asked'), { kind: 'skipped', why: 'schema-unreadable' });
});

test('choose() takes the newest good backup and says why each newer one was passed over', async (t) => {
  const rig = stateRig([toml]);
  t.after(rig.close);
  const state = rig.state('zeroia');
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) {
    writeFileSync(rig.path('zeroia.toml'), `n = ${n}\n`);
    ids.push(manifestOf(await rig.backups.take(state, 'schedule')).id);
    rig.clock.time += hour;
  }
  const manifestFile = (n: number) => join(state.backups, 'manifests', `${ids[n]}.json`);
  // 4: its manifest says another time. 3: its bytes were changed. 2 was taken after the first evidence.
  writeFileSync(manifestFile(4), readFileSync(manifestFile(4), 'utf8').replace(/"takenAt": "2026/, '"takenAt": "2025'));
  const listed = await rig.backups.list(state);
  const third = listed.find(({ id }) => id === ids[3]);
  assert(third?.kind === 'backup' && third.manifest.entries[0]?.kind === 'file');
  const { sha256 } = third.manifest.entries[0];
  writeFileSync(join(state.backups, 'objects', sha256.slice(0, 2), sha256), 'n = 9\n');
  const choice = await rig.backups.choose(state, { before: rig.clock.time - 3 * hour });
  assert.deepEqual(choice.skipped, [
    { id: ids[4], why: 'signature' },
    { id: ids[3], why: 'after-evidence' },
    { id: ids[2], why: 'after-evidence' },
  ]);
  assert.equal(choice.kind === 'backup' && choice.manifest.id, ids[1]);
  assert.deepEqual((await rig.backups.choose(state)).skipped.at(-1), { id: ids[3], why: 'checksum' });
});

test('choose() passes over backups that are older than seven days, or from the future', async (t) => {
  const rig = stateRig([toml]);
  t.after(rig.close);
  writeFileSync(rig.path('zeroia.toml'), 'n = 1\n');
  const { id } = manifestOf(await rig.backups.take(rig.state('zeroia'), 'asked'));
  rig.clock.time += 7 * day + 1;
  assert.deepEqual(await rig.backups.choose(rig.state('zeroia')), { kind: 'none', skipped: [{ id, why: 'too-old' }] });
  rig.clock.time -= 8 * day;
  assert.deepEqual(await rig.backups.choose(rig.state('zeroia')), {
    kind: 'none',
    skipped: [{ id, why: 'from-future' }],
  });
});

test('choose() does not believe a manifest that is signed with another key', async (t) => {
  const rig = stateRig([toml]);
  const other = stateRig([toml]);
  t.after(rig.close);
  t.after(other.close);
  for (const { path, backups, state } of [rig, other]) {
    writeFileSync(path('zeroia.toml'), 'n = 1\n');
    manifestOf(await backups.take(state('zeroia'), 'asked'));
  }
  writeFileSync(join(rig.data, 'backups.key.pem'), readFileSync(join(other.data, 'backups.key.pem')));
  const anew = createBackups({ states: rig.backups.states, data: rig.data, now: rig.now });
  const choice = await anew.choose(rig.state('zeroia'));
  assert.deepEqual(
    choice.skipped.map(({ why }) => why),
    ['signature'],
  );
});

test('take() clears away old backups with their bytes, but never the only one that can be restored', async (t) => {
  const rig = stateRig([toml], { keep: 2, keepDays: 1 });
  t.after(rig.close);
  const state = rig.state('zeroia');
  for (let n = 0; n < 5; n++) {
    writeFileSync(rig.path('zeroia.toml'), `n = ${n}\n`);
    manifestOf(await rig.backups.take(state, 'schedule'));
    rig.clock.time += 2 * day;
  }
  assert.equal((await rig.backups.list(state)).length, 2);
  assert.equal(objectsIn(join(state.backups, 'objects')).length, 2);
});

test('take() spares the newest backup that can be restored when the one that would stay cannot be', async (t) => {
  const rig = stateRig([toml], { keep: 1, keepDays: 0 });
  t.after(rig.close);
  const state = rig.state('zeroia');
  writeFileSync(rig.path('zeroia.toml'), 'n = 1\n');
  rig.clock.time += 30 * day;
  const later = manifestOf(await rig.backups.take(state, 'asked'));
  // The clock was wrong, and is put right.
  rig.clock.time -= 30 * day;
  writeFileSync(rig.path('zeroia.toml'), 'n = 2\n');
  const { id } = manifestOf(await rig.backups.take(state, 'asked'));
  assert.deepEqual(
    (await rig.backups.list(state)).map((one) => one.id),
    [later.id, id],
  );
  const choice = await rig.backups.choose(state);
  assert.equal(choice.kind === 'backup' && choice.manifest.id, id);
});

test('take() does not change the other name of a file that has two', async (t) => {
  const rig = stateRig([toml]);
  t.after(rig.close);
  writeFileSync(rig.path('elsewhere.toml'), 'n = 1\n');
  linkSync(rig.path('elsewhere.toml'), rig.path('zeroia.toml'));
  manifestOf(await rig.backups.take(rig.state('zeroia'), 'asked'));
  assert.equal(readFileSync(rig.path('elsewhere.toml'), 'utf8'), 'n = 1\n');
  assert.equal(existsSync(join(rig.data, 'scratch')) ? readdirSync(join(rig.data, 'scratch')).length : 0, 0);
});

test('choose() takes a copy that somebody made beside its checksum, and says why it does not take the others', async (t) => {
  const rig = stateRig([{ ...toml, backups: 'backup' }]);
  t.after(rig.close);
  mkdirSync(rig.path('backup'));
  const put = (name: string, text: string, ageMs: number, sum?: string) => {
    writeFileSync(rig.path('backup', name), text);
    utimesSync(rig.path('backup', name), new Date(rig.clock.time - ageMs), new Date(rig.clock.time - ageMs));
    if (sum !== undefined) writeFileSync(rig.path('backup', `${name}.sha256`), sum);
  };
  const sumOf = (text: string, name: string) => `${createHash('sha256').update(text).digest('hex')}  /backup/${name}\n`;
  put('zeroia_backup_1.toml', 'n = 1\n', 3 * hour, sumOf('n = 1\n', 'zeroia_backup_1.toml'));
  put('zeroia_backup_2.toml', 'n = 2\n', 2 * hour);
  put('zeroia_backup_3.toml', 'n = [', hour, sumOf('n = [', 'zeroia_backup_3.toml'));
  put('zeroia_backup_4.toml', 'n = 4\n', 0, sumOf('other', 'zeroia_backup_4.toml'));
  put('another.toml', 'n = 5\n', 0, sumOf('n = 5\n', 'another.toml'));
  const choice = await rig.backups.choose(rig.state('zeroia'));
  assert(choice.kind === 'backup');
  assert.equal(Date.parse(choice.manifest.takenAt), rig.clock.time - 3 * hour);
  assert.deepEqual(choice.skipped, [
    { id: 'zeroia_backup_4.toml', why: 'checksum' },
    { id: 'zeroia_backup_3.toml', why: 'syntax' },
    { id: 'zeroia_backup_2.toml', why: 'no-checksum' },
  ]);
  await rig.backups.layOut(rig.state('zeroia'), choice.manifest, rig.path('out'));
  assert.equal(readFileSync(rig.path('out'), 'utf8'), 'n = 1\n');
  assert.equal((await rig.backups.list(rig.state('zeroia'))).length, 1);
  await rig.backups.choose(rig.state('zeroia'));
  assert.equal((await rig.backups.list(rig.state('zeroia'))).length, 1, 'taken over once');
});

test('choose() prefers a backup of its own to any copy that somebody put there', async (t) => {
  const rig = stateRig([{ ...toml, backups: 'backup' }]);
  t.after(rig.close);
  mkdirSync(rig.path('backup'));
  writeFileSync(rig.path('zeroia.toml'), 'n = 1\n');
  const { id } = manifestOf(await rig.backups.take(rig.state('zeroia'), 'schedule'));
  rig.clock.time += hour;
  const planted = 'decision = "planted"\n';
  writeFileSync(rig.path('backup/zeroia_new.toml'), planted);
  writeFileSync(rig.path('backup/zeroia_new.toml.sha256'), createHash('sha256').update(planted).digest('hex'));
  utimesSync(rig.path('backup/zeroia_new.toml'), new Date(rig.clock.time), new Date(rig.clock.time));
  const choice = await rig.backups.choose(rig.state('zeroia'));
  assert.equal(choice.kind === 'backup' && choice.manifest.id, id);
  // With nothing of its own from before the first evidence, what was put there since is not believed either.
  const before = await rig.backups.choose(rig.state('zeroia'), { before: rig.clock.time - 2 * hour });
  assert.equal(before.kind, 'none');
  assert.deepEqual(
    before.skipped.map(({ why }) => why),
    ['after-evidence', 'after-evidence'],
  );
});
