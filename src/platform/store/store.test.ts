// The conformance suite on node:sqlite and on a real PostgreSQL, and what only one of them can suffer.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { type Absence, conversation, message, testStore, until } from './store.conformance.ts';
import { openStore } from './store.ts';
import { startPostgres, type TestPostgres } from './test-postgres.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-store-'));
after(() => rmSync(root, { recursive: true, force: true }));

describe('sqlite', () => {
  const path = join(root, 'store.sqlite');
  testStore({
    name: 'node:sqlite',
    open: () => openStore({ path }),
    absences: [overwritten(path), lockedByAnother(path), renamed(path), withoutRights(path)],
  });

  test('openStore() keeps a row that is committed but not checkpointed through garbage and a close meanwhile', async () => {
    const own = join(root, 'unchecked.sqlite');
    const store = await openStore({ path: own });
    await store.db.insertInto('conversations').values(conversation('c')).execute();
    const fault = overwritten(own);
    fault.begin();
    await until(store, 'away');
    await store.close();
    assert.ok(existsSync(`${own}-wal`), 'the log is still there');

    // A process that starts on garbage must not harm it either.
    const second = await openStore({ path: own });
    assert.deepEqual({ ...second.health(), since: 0 }, { state: 'away', since: 0, cause: 'corrupted' });
    assert.ok(existsSync(`${own}-wal`));
    await fault.end();
    await until(second, 'open');
    const rows = await second.db.selectFrom('conversations').select('id').execute();
    assert.deepEqual(
      rows.map((row) => row.id),
      ['c'],
    );
    await second.close();
  });

  test('openStore() ends a transaction that was under way when the database went away', async () => {
    const own = join(root, 'transaction.sqlite');
    const store = await openStore({ path: own });
    await store.db.insertInto('conversations').values(conversation('c')).execute();
    const fault = renamed(own);
    await assert.rejects(
      store.db.transaction().execute(async (transaction) => {
        await transaction
          .insertInto('messages')
          .values(message('m1', 'c', 0))
          .execute();
        fault.begin();
        await until(store, 'away');
        await fault.end();
        await until(store, 'open');
        await transaction
          .insertInto('messages')
          .values(message('m2', 'c', 1))
          .execute();
      }),
      { code: 'ERR_STORE_AWAY' },
    );
    assert.deepEqual(await store.db.selectFrom('messages').selectAll().execute(), []);
    assert.equal(store.health().state, 'open');
    await store.close();
  });

  test('openStore() notices a lock by itself, without being asked anything', async () => {
    const own = join(root, 'idle.sqlite');
    const store = await openStore({ path: own });
    const lock = lockedByAnother(own);
    await lock.begin();
    await until(store, 'away');
    await lock.end();
    await until(store, 'open');
    await store.close();
  });

  test('close() leaves one file that holds everything, readable by its owner only', async () => {
    const own = join(root, 'closed.sqlite');
    const store = await openStore({ path: own });
    await store.db.insertInto('conversations').values(conversation('c')).execute();
    await store.close();
    for (const end of ['-wal', '-shm']) rmSync(own + end, { force: true });
    if (process.platform !== 'win32') assert.equal(statSync(own).mode & 0o777, 0o600);
    const again = await openStore({ path: own });
    assert.equal((await again.db.selectFrom('conversations').selectAll().execute()).length, 1);
    await again.close();
  });

  test('openStore() resolves without its database and opens it once it can', async () => {
    const own = join(root, 'not-yet', 'store.sqlite');
    writeFileSync(join(root, 'not-yet'), 'a file where a directory is needed');
    const store = await openStore({ path: own });
    assert.equal(store.health().state, 'away');
    await assert.rejects(store.db.selectFrom('settings').selectAll().execute(), { code: 'ERR_STORE_AWAY' });
    rmSync(join(root, 'not-yet'));
    await until(store, 'open');
    assert.deepEqual(await store.db.selectFrom('settings').selectAll().execute(), []);
    await store.close();
  });
});

describe('postgres', () => {
  let server: TestPostgres;
  let url = '';
  before(async () => {
    server = await startPostgres('store', ['max_connections=20', 'superuser_reserved_connections=3']);
    url = server.url;
  });
  after(() => server?.stop());

  testStore({
    name: 'PostgreSQL',
    open: () => openStore({ url }),
    absences: [
      {
        name: 'stopped',
        causes: ['stopped', 'unreachable'],
        begin: () => server.halt(),
        end: () => server.resume(),
      },
    ],
  });

  test('openStore() on PostgreSQL is back at once after all its connections were terminated', async () => {
    const store = await openStore({ url });
    const changes: string[] = [];
    store.onChange((health) => changes.push(health.state));
    const admin = new pg.Client(url);
    await admin.connect();
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()');
    await admin.end();
    // It may be back before anybody could look at it being away.
    while (!changes.includes('open')) await pause(5);
    await store.db.selectFrom('settings').selectAll().execute();
    assert.deepEqual(changes, ['away', 'open']);
    await store.close();
  });

  test('openStore() on PostgreSQL waits for a connection when others hold them all', async () => {
    const held: pg.Client[] = [];
    for (let full = false; !full; ) {
      const client = new pg.Client(url);
      client.on('error', () => undefined);
      await client.connect().then(
        () => held.push(client),
        () => {
          full = true;
        },
      );
    }
    const store = await openStore({ url });
    await until(store, 'away', 'connections-exhausted');
    await Promise.all(held.map((client) => client.end()));
    await until(store, 'open');
    await store.close();
  });

  test('openStore() on PostgreSQL refuses a wrong password as "refused" and tries on', async () => {
    const store = await openStore({ url: url.replace('only-for', 'wrong-for') });
    await until(store, 'away', 'refused');
    await store.close();
  });
});

/** By a process of its own: closing a descriptor of the database in this one would drop the store's locks on it (POSIX). */
function overwritten(path: string): Absence {
  const run = (what: 'break' | 'mend'): void => {
    const { status, signal, stderr } = spawnSync(process.execPath, [
      join(import.meta.dirname, 'garbage-child.ts'),
      path,
      what,
    ]);
    assert.ok(status === 0 || signal === 'SIGKILL', stderr.toString());
  };
  return {
    name: 'overwritten in place with garbage, then restored',
    causes: ['corrupted'],
    begin: () => run('break'),
    end: () => run('mend'),
  };
}

function lockedByAnother(path: string): Absence {
  let child: ChildProcess;
  return {
    name: 'locked by another process',
    causes: ['locked'],
    async begin() {
      const source = `const { DatabaseSync } = require('node:sqlite');
        const db = new DatabaseSync(process.argv[1], { timeout: 5000 });
        db.exec('BEGIN EXCLUSIVE'); console.log('locked'); setInterval(() => {}, 1000);`;
      child = spawn(process.execPath, ['--no-warnings', '-e', source, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout!, 'data');
    },
    async end() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function renamed(path: string): Absence {
  return {
    name: 'renamed and put back',
    causes: ['missing', 'unreachable'],
    begin: () => renameSync(path, `${path}.away`),
    end: () => renameSync(`${path}.away`, path),
  };
}

/** chmod means nothing to root; the immutable flag does, where the file system has it. */
function withoutRights(path: string): Absence {
  const asRoot = process.getuid?.() === 0;
  const chattr = (flag: string, file: string): boolean => spawnSync('chattr', [flag, file]).status === 0;
  const trial = join(root, 'trial');
  writeFileSync(trial, '');
  const works = !asRoot || (chattr('+i', trial) && chattr('-i', trial));
  return {
    name: 'without write permission',
    causes: ['readonly', 'unreachable'],
    begin: () => (asRoot ? void chattr('+i', path) : chmodSync(path, 0o400)),
    end: () => (asRoot ? void chattr('-i', path) : chmodSync(path, 0o600)),
    skip: works ? false : 'this file system has no immutable flag, and root ignores permissions',
  };
}
