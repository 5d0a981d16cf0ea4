// Answers in forms that nobody asked for and HTTP allows: compressed ones, and others that come before them.
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { brotliCompressSync, createGzip, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import {
  answering,
  type Behaviour,
  chunk,
  completion,
  lastChunk,
  type Rig,
  startRig,
  startUpstream,
  until,
} from './gateway-rig.ts';

const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends) await end();
});

async function before(behaviour: Behaviour): Promise<Rig> {
  const upstream = await startUpstream(behaviour);
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, key: 'k' }]);
  ends.push(rig.close, upstream.close);
  return rig;
}

const stream = chunk('one ') + chunk('two ') + chunk('three') + lastChunk;
const wordsOf = (text: string) => [...text.matchAll(/"content":"([^"]*)"/g)].map(([, word]) => word).join('');

const packings: readonly (readonly [coding: string, pack: (text: string) => Buffer, how?: string])[] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP', gzipSync],
  ['deflate', deflateSync],
  ['deflate', deflateRawSync, ' without its first two bytes'],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
  ['identity', Buffer.from],
];
for (const [coding, pack, how = ''] of packings)
  test(`an answer that comes as ${coding}${how}, though nobody asked for that, is read, whole and streamed`, async () => {
    const rig = await before((_req, res, body) => {
      const asked = JSON.parse(body) as { stream?: boolean };
      const type = asked.stream ? 'text/event-stream' : 'application/json';
      const bytes = pack(asked.stream ? stream : JSON.stringify(completion('one two three')));
      res.writeHead(200, { 'content-type': type, 'content-encoding': coding });
      // In pieces that fit nothing.
      for (let at = 0; at < bytes.length; at += 7) res.write(bytes.subarray(at, at + 7));
      res.end();
    });
    const whole = await rig.chat('hi');
    assert.equal(whole.status, 200, whole.text);
    assert.equal(wordsOf(whole.text), 'one two three');
    assert.equal(whole.headers['content-encoding'], undefined);
    const streamed = await rig.chat('hi', { stream: true });
    assert.equal(wordsOf(streamed.text), 'one two three');
    assert.match(streamed.text, /\[DONE\]/);
  });

test('an error that comes compressed is understood', async () => {
  const rig = await before((_req, res) => {
    const said = JSON.stringify({ error: { message: 'x', type: 'invalid_request_error', code: 'model_not_found' } });
    res.writeHead(404, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    res.end(gzipSync(said));
  });
  const { status, text } = await rig.chat('hi');
  assert.equal(status, 404, text);
  assert.match(text, /ERR_MODEL_UNKNOWN/);
});

test('a compressed stream is passed on as it comes, not at its end', async () => {
  let finish = () => {};
  const rig = await before((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
    const packed = createGzip();
    packed.pipe(res);
    packed.write(chunk('one ') + chunk('two ') + chunk('three '));
    packed.flush();
    finish = () => packed.end(chunk('four') + lastChunk);
  });
  const answer = await fetch(`${rig.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer a-key-given-in-the-configuration', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
  });
  let text = '';
  for await (const piece of answer.body!) {
    text += Buffer.from(piece).toString();
    if (text.includes('two') && !text.includes('four')) finish();
  }
  assert.equal(wordsOf(text), 'one two three four');
});

test('a small body that unpacks to a huge one is not read to its end', async () => {
  // All of it would be an answer.
  const packed = gzipSync(JSON.stringify(completion('x')) + ' '.repeat(17 * 1_048_576));
  const rig = await before((_req, res) => {
    res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    res.end(packed);
  });
  const { status, text } = await rig.chat('hi');
  assert.equal(status, 503, text.slice(0, 200));
  assert.match(text, /ERR_PROVIDER_UNAVAILABLE/);
});

for (const [what, coding, bytes] of [
  ['damaged', 'gzip', Buffer.from('this was never packed')],
  ['cut off', 'br', brotliCompressSync(JSON.stringify(completion('x'.repeat(500)))).subarray(0, 20)],
  ['in a coding that nobody knows', 'compress', Buffer.from('{}')],
  ['in two codings', 'gzip, br', gzipSync('{}')],
] as const)
  test(`a body that is ${what} is a provider's failure, told as one`, async () => {
    const rig = await before((_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding });
      res.end(bytes);
    });
    const { status, text } = await rig.chat('hi');
    assert.equal(status, 503, text);
    assert.match(text, /ERR_PROVIDER_UNAVAILABLE/);
  });

const beforehand: readonly (readonly [string, Behaviour])[] = [
  ['100 Continue', (_req, res) => res.writeContinue()],
  ['102 Processing', (_req, res) => res.writeProcessing()],
  ['103 Early Hints', (_req, res) => res.writeEarlyHints({ link: '</x>; rel=preload' })],
];
for (const [what, say] of beforehand)
  test(`${what} before an answer is passed over, once and twice, whole and streamed, on one connection`, async () => {
    const connections = new Set<unknown>();
    const rig = await before((req, res, body, nth) => {
      connections.add(req.socket);
      say(req, res, body, nth);
      if (nth > 1) say(req, res, body, nth);
      answering('hello there')(req, res, body, nth);
    });
    for (let nth = 0; nth < 3; nth++) {
      const whole = await rig.chat('hi');
      assert.equal(whole.status, 200, whole.text);
      assert.equal(wordsOf((await rig.chat('hi', { stream: true })).text), 'hello there');
    }
    assert.equal(connections.size, 1);
  });

test('100 Continue in pieces of its own and together with the answer is passed over, and a text that says so stays', async () => {
  const said = 'HTTP/1.1 100 Continue';
  const body = JSON.stringify(completion(said));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => {
      const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
      const at = body.indexOf(said);
      socket.write(`${said}\r\n\r\n${said}\r\nx: y\r\n\r\n${head}${body.slice(0, at)}`);
      // A piece that begins as an answer would.
      setTimeout(() => socket.write(body.slice(at)), 100);
    });
  });
  server.listen(0, '127.0.0.1');
  await until(() => server.listening);
  const { port } = server.address() as { port: number };
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: `http://127.0.0.1:${port}` }]);
  ends.push(rig.close, async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { status, text } = await rig.chat('hi');
  assert.equal(status, 200, text);
  assert.equal(wordsOf(text), said);
});
