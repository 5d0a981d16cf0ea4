// SQLite broken under a handle that another process holds open, and every committed row back afterwards.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { copyDatabase, databaseAnswers, isRestored, overwriteDatabase, restoreDatabase } from './database-files.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-database-'));
const started = new Set<ChildProcess>();
after(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});
let count = 0;

// Another program with the database open all the while, as a chatbot has it: it answers each SQL with rows or with the error.
const program = `
  import { DatabaseSync } from 'node:sqlite';
  import { createInterface } from 'node:readline';
  const db = new DatabaseSync(process.argv[1], { timeout: 200 });
  for await (const sql of createInterface({ input: process.stdin })) {
    let said;
    try { said = { rows: db.prepare(sql).all() }; } catch (error) { said = { error: error.errstr ?? error.message }; }
    console.log(JSON.stringify(said));
  }`;

async function openElsewhere(file: string) {
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', program, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  started.add(child);
  const lines = createInterface({ input: child.stdout });
  const ask = async (sql: string): Promise<{ rows?: Record<string, unknown>[]; error?: string }> => {
    const said = once(lines, 'line');
    child.stdin.write(`${sql}\n`);
    return JSON.parse((await said)[0] as string);
  };
  return {
    ask,
    rows: async () => (await ask('SELECT text FROM t ORDER BY id')).rows?.map((row) => row['text']),
    close: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function chatbot(mode: 'wal' | 'delete' | 'persist') {
  const file = join(root, `db-${++count}.sqlite`);
  const bot = await openElsewhere(file);
  await bot.ask(`PRAGMA journal_mode=${mode}`);
  await bot.ask('PRAGMA wal_autocheckpoint=0');
  await bot.ask('CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)');
  for (const text of ['one', 'two']) await bot.ask(`INSERT INTO t (text) VALUES ('${text}')`);
  return { file, bot, copies: join(root, `copies-${count}`) };
}

const hashes = (file: string) =>
  [file, `${file}-wal`].map((path) =>
    existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : null,
  );

for (const mode of ['wal', 'delete', 'persist'] as const) {
  for (const how of ['stopped', 'corrupted'] as const) {
    test(`overwriteDatabase() makes a handle open elsewhere fail (${how}, ${mode}); restoreDatabase() brings every row back`, async () => {
      const { file, bot, copies } = await chatbot(mode);
      assert.deepEqual(await bot.rows(), ['one', 'two']);
      const { undo, release } = copyDatabase(file, copies);
      const before = hashes(file);
      overwriteDatabase(undo, how);
      release();
      const [read, write] = [await bot.ask('SELECT * FROM t'), await bot.ask("INSERT INTO t (text) VALUES ('lost')")];
      assert.ok(read.error !== undefined, JSON.stringify(read));
      assert.ok(write.error !== undefined, JSON.stringify(write));
      if (how === 'corrupted' && mode !== 'wal') assert.match(read.error, /malformed|not a database/);
      assert.equal(databaseAnswers(file).ok, false);
      assert.equal(restoreDatabase(undo), true);
      assert.ok(isRestored(undo));
      assert.deepEqual(hashes(file), before);
      assert.deepEqual(await bot.rows(), ['one', 'two']);
      await bot.ask("INSERT INTO t (text) VALUES ('three')");
      assert.deepEqual(await bot.rows(), ['one', 'two', 'three']);
      assert.equal(databaseAnswers(file).ok, true);
      await bot.close();
      const db = new DatabaseSync(file);
      assert.equal(db.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
      assert.equal(db.prepare('SELECT count(*) AS n FROM t').get()?.['n'], 3);
      db.close();
    });
  }
}

test('restoreDatabase() brings rows back that stood in the WAL alone, also after the program that wrote them was killed', async () => {
  const { file, bot, copies } = await chatbot('wal');
  // A reader elsewhere holds an old snapshot, so that no checkpoint can carry the rows into the main file.
  const reader = await openElsewhere(file);
  await reader.ask('BEGIN');
  await reader.ask('SELECT * FROM t');
  await bot.ask("INSERT INTO t (text) VALUES ('only in the WAL')");
  const { undo, release } = copyDatabase(file, copies);
  assert.ok(!readFileSync(file).includes('only in the WAL'));
  overwriteDatabase(undo, 'stopped');
  release();
  await bot.kill();
  await reader.kill();
  restoreDatabase(undo);
  const next = await openElsewhere(file);
  assert.deepEqual(await next.rows(), ['one', 'two', 'only in the WAL']);
  await next.close();
});

test('restoreDatabase() brings everything back when all handles were closed meanwhile, WAL removed with them', async () => {
  const { file, bot, copies } = await chatbot('wal');
  const { undo, release } = copyDatabase(file, copies);
  overwriteDatabase(undo, 'stopped');
  release();
  await bot.close();
  assert.equal(databaseAnswers(file).ok, false);
  restoreDatabase(undo);
  const next = await openElsewhere(file);
  assert.deepEqual(await next.rows(), ['one', 'two']);
  await next.close();
});

test('restoreDatabase() a second time changes nothing: what was written since stays', async () => {
  const { file, bot, copies } = await chatbot('delete');
  const { undo, release } = copyDatabase(file, copies);
  overwriteDatabase(undo, 'stopped');
  release();
  restoreDatabase(undo);
  await bot.ask("INSERT INTO t (text) VALUES ('since')");
  assert.equal(restoreDatabase(undo), false);
  assert.deepEqual(await bot.rows(), ['one', 'two', 'since']);
  await bot.close();
});

test('restoreDatabase() can be done again after it died half-way', async () => {
  const { file, bot, copies } = await chatbot('wal');
  const { undo, release } = copyDatabase(file, copies);
  const before = hashes(file);
  for (let i = 0; i < 3; i++) overwriteDatabase(undo, 'corrupted'); // as if only some of it had been put back
  release();
  restoreDatabase(undo);
  assert.deepEqual(hashes(file), before);
  await bot.close();
});

for (const mode of ['wal', 'delete'] as const)
  test(`copyDatabase() lets no commit slip in between copy and overwriting (${mode})`, async () => {
    const { file, bot, copies } = await chatbot(mode);
    const { undo, release } = copyDatabase(file, copies);
    assert.match((await bot.ask("INSERT INTO t (text) VALUES ('between')")).error ?? '', /locked/);
    overwriteDatabase(undo, 'stopped');
    release();
    restoreDatabase(undo);
    await bot.close();
  });

test('overwriteDatabase() keeps every size, so that nobody who has the shm mapped is killed', async () => {
  const { file, bot, copies } = await chatbot('wal');
  const sizes = () => ['', '-wal', '-shm'].map((part) => statSync(file + part).size);
  const { undo, release } = copyDatabase(file, copies);
  const before = sizes();
  overwriteDatabase(undo, 'corrupted');
  assert.deepEqual(sizes(), before);
  release();
  restoreDatabase(undo);
  assert.deepEqual(sizes(), before);
  await bot.close();
});

test('copyDatabase() throws when a writer does not let go, and leaves the database alone', async () => {
  const { file, bot, copies } = await chatbot('delete');
  await bot.ask('BEGIN IMMEDIATE');
  const before = hashes(file);
  assert.throws(() => copyDatabase(file, copies));
  assert.deepEqual(hashes(file), before);
  await bot.ask('ROLLBACK');
  assert.deepEqual(await bot.rows(), ['one', 'two']);
  await bot.close();
});

test('restoreDatabase() takes a journal away that came into being during the fault: it would be played back', async () => {
  const { file, bot, copies } = await chatbot('delete');
  const { undo, release } = copyDatabase(file, copies);
  overwriteDatabase(undo, 'corrupted');
  release();
  writeFileSync(`${file}-journal`, Buffer.alloc(512, 'CORRUPTED DATA '));
  restoreDatabase(undo);
  assert.equal(existsSync(`${file}-journal`), false);
  assert.deepEqual(await bot.rows(), ['one', 'two']);
});
