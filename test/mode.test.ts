// `rempart mode`: by hand with and without a running instance, durable, journalled, ended at its instant.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openDataDirectory } from '../src/platform/base/data-directory.ts';
import { createBus } from '../src/platform/shared/bus.ts';
import { type ModeState, openModes } from '../src/protect/modes.ts';
import { makePlace, run, startInstance } from './instance.ts';

const place = makePlace();
after(place.remove);
const cwd = place.dir;

const mode = (data: string, ...args: string[]) => run(['mode', ...args, '--data', data], { cwd });

test('mode turns on and off without an instance, and the journal has both', async () => {
  const on = await mode('alone', 'lockdown', 'on', '--for', '72h');
  assert.equal(on.code, 0, on.stderr);
  assert.match(on.stdout, /Mode lockdown is on until /);
  const listed = JSON.parse((await mode('alone', '--json')).stdout) as {
    schema: string;
    modes: { name: string; on: boolean; until: string | null }[];
  };
  assert.equal(listed.schema, 'rempart/mode@1');
  const lockdown = listed.modes.find(({ name }) => name === 'lockdown');
  assert.equal(lockdown?.on, true);
  const hours = (Date.parse(lockdown?.until ?? '') - Date.now()) / 3_600_000;
  assert.ok(hours > 71.9 && hours < 72.1, String(hours));
  assert.equal((await mode('alone', 'lockdown', 'off')).code, 0);
  const tail = await run(['journal', 'tail', '--data', 'alone'], { cwd });
  assert.match(tail.stdout, /mode lockdown on[\s\S]*mode lockdown off/);
  assert.equal((await run(['journal', 'verify', '--data', 'alone'], { cwd })).code, 0);
});

test('mode waits its turn where several commands are given at once without an instance', async () => {
  const names = ['safe', 'lockdown', 'heightened'];
  const all = await Promise.all(names.map((name) => mode('together', name, 'on')));
  for (const { code, stderr } of all) assert.equal(code, 0, stderr);
  const listed = JSON.parse((await mode('together', '--json')).stdout) as { modes: { name: string; on: boolean }[] };
  assert.equal(listed.modes.filter(({ name, on }) => names.includes(name) && on).length, names.length);
});

test('mode tells the modes while another command holds the data directory and does not answer', async () => {
  const held = await openDataDirectory(join(cwd, 'held'));
  const listed = await mode('held', '--json');
  assert.equal(listed.code, 0, listed.stderr);
  held.lock.release();
});

for (const [args, says] of [
  [['sleep', 'on'], /safe, lockdown, heightened/],
  [['safe'], /on\|off/],
  [['safe', 'maybe'], /on, off/],
  [['safe', 'on', 'now'], /now/],
  [['safe', 'on', '--for', 'soon'], /90s/],
  [['safe', 'on', '--for', '0h'], /90s/],
  [['safe', 'on', '--for', '9999d'], /90s/],
  [['safe', 'off', '--for', '1h'], /"on"/],
] as const)
  test(`mode exits with 2 and one sentence at "${args.join(' ')}"`, async () => {
    const ended = await mode('wrong', ...args);
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, says);
    assert.match(ended.stderr, /ERR_USAGE/);
  });

test('mode says in French what it does', async () => {
  const ended = await run(['mode', 'safe', 'on', '--data', 'fr', '--lang', 'fr'], { cwd });
  assert.match(ended.stdout, /Le mode safe est actif jusqu'à sa désactivation/);
});

test('mode exits with 3 where the file of modes is damaged, and nothing starts on a guess', async () => {
  await mode('damaged', 'safe', 'on');
  writeFileSync(join(cwd, 'damaged', 'modes.json'), '{"schema":"rempart/modes@1","modes":{"safe":');
  for (const args of [[], ['safe', 'off']]) {
    const ended = await mode('damaged', ...args);
    assert.equal(ended.code, 3);
    assert.match(ended.stderr, /ERR_MODES_UNREADABLE/);
  }
  const up = await run(['up', '--port', '0', '--console-port', '0', '--data', 'damaged'], { cwd });
  assert.equal(up.code, 3);
  assert.match(up.stderr, /ERR_MODES_UNREADABLE/);
});

test('openModes() ends a mode at its instant, also over a restart, and tells of it', async () => {
  const file = join(cwd, 'timed.json');
  const first = openModes(file, { now: Date.now });
  const until = first.set({ name: 'heightened', on: true, by: 'test', forMs: 3_000 }).until ?? 0;
  first.close();
  const second = openModes(file, { now: Date.now });
  assert.equal(second.state('heightened').until, until);
  const told: [ModeState, string][] = [];
  second.onChange((state, why) => told.push([state, why]));
  assert.equal(second.active('heightened'), true);
  await new Promise((resolve) => setTimeout(resolve, until - Date.now() + 300));
  assert.equal(second.active('heightened'), false);
  assert.deepEqual(told, [[{ name: 'heightened', on: false }, 'expired']]);
  second.close();
});

test('openModes() has on one thread what was set on another', async () => {
  const file = join(cwd, 'shared.json');
  const buses = [createBus(`modes-${process.pid}`), createBus(`modes-${process.pid}`)] as const;
  const [one, other] = [
    openModes(file, { now: Date.now, bus: buses[0] }),
    openModes(file, { now: Date.now, bus: buses[1] }),
  ];
  one.set({ name: 'safe', on: true, by: 'test' });
  for (let i = 0; i < 3_000 && !other.active('safe'); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(other.active('safe'), true);
  for (const end of [one, other, ...buses]) end.close();
});

test('openModes() keeps a mode that was turned on in force where the disk refuses it, and says so', () => {
  const modes = openModes(join(cwd, 'no-folder', 'modes.json'), { now: Date.now });
  writeFileSync(join(cwd, 'no-folder'), '');
  assert.throws(() => modes.set({ name: 'safe', on: true, by: 'test' }), { code: 'ERR_MODES_UNWRITABLE' });
  assert.equal(modes.active('safe'), true);
  assert.throws(() => modes.set({ name: 'safe', on: false, by: 'test' }), { code: 'ERR_MODES_UNWRITABLE' });
  assert.equal(modes.active('safe'), true);
  modes.close();
});

test('up is changed by mode while it runs: lockdown shuts out users, safe leaves the stand-in, both are seen and outlive kill -9', async () => {
  const one = await startInstance(['--data', 'live'], { cwd });
  const ask = (url: string, key = one.apiKey) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }),
    });
  assert.equal((await ask(one.gatewayUrl)).status, 200);
  assert.equal((await mode('live', 'lockdown', 'on')).code, 0);
  const refused = await ask(one.gatewayUrl);
  assert.equal(refused.status, 503);
  assert.equal(((await refused.json()) as { error: { code: string } }).error.code, 'ERR_LOCKDOWN');
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  for (const path of ['/v1/models', '/api/tags', '/chat/conversations'])
    assert.equal(
      (await fetch(one.gatewayUrl + path, { headers: { authorization: `Bearer ${one.apiKey}` } })).status,
      503,
      path,
    );
  const chat = await fetch(`${one.gatewayUrl}/chat`, {
    method: 'POST',
    headers: { authorization: `Bearer ${one.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ message: 'hello' }),
  });
  assert.equal(chat.status, 503);
  const made = await run(['keys', 'create', '--subject', 'boss', '--role', 'admin', '--data', 'live', '--json'], {
    cwd,
  });
  const { key } = JSON.parse(made.stdout) as { key: string };
  assert.equal((await ask(one.gatewayUrl, key)).status, 200);
  const ready = (await (await fetch(`${one.consoleUrl}/readyz`)).json()) as { status: string; modes: string[] };
  assert.deepEqual(ready.modes, ['lockdown']);
  assert.equal(ready.status, 'degraded');
  const health = (await (await fetch(`${one.gatewayUrl}/health`)).json()) as { status: string };
  assert.equal(health.status, 'degraded');
  one.child.kill('SIGKILL');
  await one.ended;
  const two = await startInstance(['--data', 'live'], { cwd });
  assert.equal((await ask(two.gatewayUrl)).status, 503);
  assert.equal((await mode('live', 'lockdown', 'off')).code, 0);
  assert.equal((await ask(two.gatewayUrl)).status, 200);
  await two.stop();
  const dir = join(cwd, 'live', 'journal', 'gateway');
  const journal = readdirSync(dir).map((file) => readFileSync(join(dir, file), 'utf8'));
  assert.match(journal.join(''), /ERR_LOCKDOWN/);
});
