// `rempart proxy` says where it listens, speaks there, and ends when it is told to.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { getPriority } from 'node:os';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { type Lang, sayer } from '../platform/i18n/say.ts';
import type { CommandInput } from './command.ts';
import { proxy } from './proxy.ts';

function inputFor(options: CommandInput['options'], signal: AbortSignal, json: boolean, lang: Lang = 'en') {
  const stdout = new PassThrough({ encoding: 'utf8' });
  const stderr = new PassThrough({ encoding: 'utf8' });
  const places = { data: '.', configFile: 'rempart.yaml', configAsked: false, env: {} };
  return { args: [], options, lang, say: sayer(lang), json, stdout, stderr, signal, ...places };
}

test('proxy() prints one JSON document, speaks at its address and exits 0 when stopped', async () => {
  const stop = new AbortController();
  const input = inputFor({ admin: '127.0.0.1:0', seed: '42' }, stop.signal, true);
  const ended = proxy.run(input);
  const [line] = await once(input.stdout, 'data');
  const { schema, url, seed } = JSON.parse(line);
  assert.deepEqual([schema, seed], ['rempart/proxy@1', 42]);
  const version = (await (await fetch(`${url}/version`)).json()) as { version: string };
  assert.match(version.version, /^2\.\d+\.\d+\+rempart\./);
  const said = String(input.stderr.read() ?? '');
  assert.equal(said.includes('priority'), getPriority() >= 0, said);
  stop.abort();
  assert.equal(await ended, 0);
  await assert.rejects(fetch(`${url}/version`));
});

test('proxy() warns in the language asked for when it is offered beyond this machine', async () => {
  const stop = new AbortController();
  const input = inputFor({ admin: '0.0.0.0:0' }, stop.signal, false, 'fr');
  const ended = proxy.run(input);
  const [text] = await once(input.stdout, 'data');
  assert.match(text, /proxy de pannes est en marche/);
  assert.match(String(input.stderr.read()), /ouverte sur 0\.0\.0\.0/);
  stop.abort();
  await ended;
});

test('proxy() names the busy port and the flag that changes it', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as { port: number };
  const input = inputFor({ admin: `127.0.0.1:${port}` }, new AbortController().signal, false);
  await assert.rejects(proxy.run(input), {
    code: 'ERR_PORT_BUSY',
    facts: { port, host: '127.0.0.1', flag: '--admin' },
  });
  blocker.close();
});

test('proxy() refuses an address that is none', async () => {
  for (const admin of ['8474', 'localhost', 'a:b', '127.0.0.1:70000', '']) {
    const input = inputFor({ admin }, new AbortController().signal, false);
    await assert.rejects(proxy.run(input), { code: 'ERR_USAGE' }, admin);
  }
});
