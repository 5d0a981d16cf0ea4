// The control socket: who may open it, long paths, and errors that keep their code on the way.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { callControl, serveControl } from './control-socket.ts';
import { RempartError } from './errors.ts';

const root = mkdtempSync(join(tmpdir(), 'rempart-control-'));
after(() => rmSync(root, { recursive: true }));
const handlers = {
  add: (args: { [name: string]: unknown }) => Number(args['a']) + Number(args['b']),
  fail: () => {
    throw new RempartError('ERR_PORT_BUSY', { port: 1, host: 'h', flag: '--port' });
  },
  crash: () => {
    throw new Error('a secret inside');
  },
};

for (const [title, dir] of [
  ['an ordinary path', join(root, 'short')],
  ['a path longer than a socket address', join(root, 'long'.repeat(30), 'and-longer')],
] as const) {
  test(`callControl() reaches the instance that serves ${title}`, async () => {
    mkdirSync(dir, { recursive: true });
    await assert.rejects(callControl(dir, 'add'), { code: 'ERR_CONTROL_UNREACHABLE' });
    const served = await serveControl(dir, handlers);
    assert.equal(await callControl(dir, 'add', { a: 2, b: 3 }), 5);
    await assert.rejects(callControl(dir, 'fail'), {
      code: 'ERR_PORT_BUSY',
      facts: { port: 1, host: 'h', flag: '--port' },
    });
    await assert.rejects(callControl(dir, 'crash'), (error: Error) => {
      return (error as RempartError).code === 'ERR_INTERNAL' && !JSON.stringify(error).includes('secret');
    });
    await assert.rejects(callControl(dir, 'toString'), { code: 'ERR_CONTROL_COMMAND' });
    await served.close();
    assert.equal(existsSync(join(dir, 'control.path')), false);
    await assert.rejects(callControl(dir, 'add'), { code: 'ERR_CONTROL_UNREACHABLE' });
  });
}

test('serveControl() gives the socket to its owner alone and starts over a dead one', async () => {
  if (process.platform === 'win32') return;
  const dir = join(root, 'owner');
  mkdirSync(dir);
  const first = await serveControl(dir, handlers);
  assert.equal(statSync(join(dir, 'control.sock')).mode & 0o777, 0o600);
  // As after kill -9: the file is still there and nobody listens.
  const second = await serveControl(dir, handlers);
  assert.equal(await callControl(dir, 'add', { a: 1, b: 1 }), 2);
  await second.close();
  await first.close();
});

test('serveControl() answers what is not a command with an error and goes on', async () => {
  const dir = join(root, 'garbage');
  mkdirSync(dir);
  const served = await serveControl(dir, handlers);
  const socket = createConnection(join(dir, 'control.sock'));
  socket.write('nonsense\n[]\n{"command":"add","args":{"a":1,"b":1}}\n');
  let text = '';
  for await (const chunk of socket) {
    text += chunk;
    if (text.split('\n').length > 3) break;
  }
  const codes = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).code ?? JSON.parse(line).result);
  assert.deepEqual(codes.sort(), [2, 'ERR_BODY_INVALID', 'ERR_BODY_JSON']);
  await served.close();
});
