// The first starts of a newcomer: nothing shown once is lost, an interrupted start ends, a terminal is for people.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcp } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, test } from 'node:test';
import { up } from '../src/commands/up.ts';
import { sayer } from '../src/platform/i18n/say.ts';
import { makePlace, run, start, startInstance, until } from './instance.ts';

const place = makePlace();
after(place.remove);
const cwd = place.dir;

test('up on a busy port keeps no password: the next start shows it, with a key', async () => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  for (const flags of [
    ['--port', String(port), '--console-port', '0'],
    ['--port', '0', '--console-port', String(port)],
  ]) {
    const { code } = await run(['up', ...flags, '--data', 'busy'], { cwd });
    assert.equal(code, 3);
    assert.ok(!existsSync(join(cwd, 'busy', 'admin-password.json')));
  }
  other.close();
  const app = await startInstance(['--data', 'busy'], { cwd });
  assert.match(app.password ?? '', /^[a-z0-9-]{23}$/);
  assert.match(app.apiKey ?? '', /^rmp_/);
  assert.equal((await app.stop()).code, 0);
});

test('up makes a first key whenever there is none, whatever the password', async () => {
  const first = await startInstance(['--data', 'nokey'], { cwd });
  await first.stop();
  for (const file of ['store.sqlite', 'store.sqlite-wal', 'store.sqlite-shm', 'keys.json'])
    if (existsSync(join(cwd, 'nokey', file))) writeFileSync(join(cwd, 'nokey', file), '');
  const second = await startInstance(['--data', 'nokey'], { cwd });
  assert.equal(second.password, undefined);
  assert.match(second.apiKey ?? '', /^rmp_/);
  await second.stop();
});

test('up with a database that nobody serves starts all the same, and says so', async () => {
  const app = await startInstance(['--data', 'nodb'], { cwd, env: { DATABASE_URL: 'postgres://u:p@127.0.0.1:9/d' } });
  assert.equal((JSON.parse(app.stdout()) as { storeAway: boolean }).storeAway, true);
  const health = (await (await fetch(`${app.gatewayUrl}/health`)).json()) as { store: string };
  assert.equal(health.store, 'away');
  assert.match(app.password ?? '', /^[a-z0-9-]{23}$/);
  assert.equal((await app.stop()).code, 0);
});

test('up interrupted while it starts ends, whatever holds it up, and leaves the directory free', async () => {
  // A database that accepts and then says nothing holds the start up.
  const mute = createTcp();
  mute.listen(0, '127.0.0.1');
  await once(mute, 'listening');
  const { port } = mute.address() as AddressInfo;
  const env = { DATABASE_URL: `postgres://u:p@127.0.0.1:${port}/d` };
  const reached = once(mute, 'connection');
  const running = start(['up', '--port', '0', '--console-port', '0', '--data', 'held'], { cwd, env });
  await reached;
  running.child.kill('SIGTERM');
  const { code, stdout } = await running.ended;
  assert.equal(code, 130);
  assert.equal(stdout, '');
  assert.ok(!existsSync(join(cwd, 'held', 'lock')));
  assert.ok(!existsSync(join(cwd, 'held', 'admin-password.json')));
  mute.close();
});

test('up in a terminal writes its technical log to a file and says where', async () => {
  const [stdout, stderr] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY: true })];
  const stop = new AbortController();
  const data = join(cwd, 'terminal');
  const ended = up.run({
    args: [],
    options: { port: '0', 'console-port': '0' },
    lang: 'en',
    say: sayer('en'),
    json: false,
    data,
    configFile: join(cwd, 'none.yaml'),
    configAsked: false,
    stdout,
    stderr,
    signal: stop.signal,
    env: { DATABASE_URL: 'postgres://u:p@127.0.0.1:9/d' },
  });
  let shown = '';
  stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString('utf8');
  });
  await until(() => shown.includes('Rempart is running'));
  stop.abort();
  assert.equal(await ended, 0);
  assert.ok(shown.includes(`The technical log is in ${join(data, 'log', 'rempart.log')}.`), shown);
  assert.match(shown, /The database cannot be reached: conversations are kept on this machine/);
  assert.match(readFileSync(join(data, 'log', 'rempart.log'), 'utf8'), /"signal":"database-down"/);
  assert.doesNotMatch(String(stderr.read()), /^\{/m);
});
