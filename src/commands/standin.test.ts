// `rempart standin` says where it listens, answers there, and ends when it is told to.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { RempartError } from '../platform/base/errors.ts';
import { type Lang, sayer } from '../platform/i18n/say.ts';
import type { CommandInput } from './command.ts';
import { standin } from './standin.ts';

function inputFor(options: CommandInput['options'], signal: AbortSignal, json: boolean, lang: Lang = 'en') {
  const stdout = new PassThrough({ encoding: 'utf8' });
  const stderr = new PassThrough();
  const places = { data: '.', configFile: 'rempart.yaml', configAsked: false, env: {} };
  return { args: [], options, lang, say: sayer(lang), json, stdout, stderr, signal, ...places };
}

test('standin() prints one JSON document, answers at its address and exits 0 when stopped', async () => {
  const stop = new AbortController();
  const input = inputFor({ port: '0' }, stop.signal, true);
  const ended = standin.run(input);
  const [line] = await once(input.stdout, 'data');
  const { schema, url } = JSON.parse(line);
  assert.equal(schema, 'rempart/standin@1');
  assert.equal((await fetch(`${url}/v1/models`)).status, 200);
  stop.abort();
  assert.equal(await ended, 0);
  await assert.rejects(fetch(`${url}/v1/models`));
});

test('standin() names the base address of each API in the language asked for', async () => {
  const stop = new AbortController();
  const input = inputFor({ port: '0' }, stop.signal, false, 'fr');
  const ended = standin.run(input);
  const [text] = await once(input.stdout, 'data');
  stop.abort();
  await ended;
  assert.match(text, /doublure/);
  assert.match(text, /OpenAI +http:\/\/127\.0\.0\.1:\d+\/v1\n/);
  assert.match(text, /Mistral +http:\/\/127\.0\.0\.1:\d+\/mistral\n/);
});

test('standin() names the busy port and the flag that changes it', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address() as { port: number };
  const input = inputFor({ port: String(port) }, new AbortController().signal, false);
  await assert.rejects(standin.run(input), (error: unknown) => {
    assert.ok(error instanceof RempartError);
    assert.deepEqual([error.code, error.facts['port'], error.facts['flag']], ['ERR_PORT_BUSY', port, '--port']);
    return true;
  });
  blocker.close();
});

test('standin() refuses a port that is no port', async () => {
  for (const port of ['-1', '70000', 'x', '']) {
    const input = inputFor({ port }, new AbortController().signal, false);
    await assert.rejects(standin.run(input), { code: 'ERR_USAGE' }, port);
  }
});
