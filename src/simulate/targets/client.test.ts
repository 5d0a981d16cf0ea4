// Replies of every shape, whole, streamed, cut and missing, read from strings and from servers that misbehave.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of a profile
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTargetClient, readAnswer } from './client.ts';
import { parseJsonObject, stringsOf } from './json-text.ts';

const whole = { answer: '/reply', conversation: '/id' };

const answers: [body: string, answer: string | null, conversation: string | null][] = [
  ['{"reply":"hello","id":"c1"}', 'hello', 'c1'],
  ['{"reply":"hello","id":7}', 'hello', '7'],
  ['{"reply":"hello"}', 'hello', null],
  ['{"reply":"  ","id":"c1"}', null, 'c1'],
  ['{"reply":null}', null, null],
  ['{"reply":{"text":"hello"}}', null, null],
  ['{"error":"no"}', null, null],
  ['{"reply":"hel', null, null],
  ['<html>', null, null],
  ['null', null, null],
  ['', null, null],
];
for (const [body, answer, conversation] of answers) {
  test(`readAnswer() finds ${JSON.stringify(answer)} of ${JSON.stringify(conversation)} in ${body || 'nothing'}`, () => {
    assert.deepEqual(readAnswer(body, whole), { answer, conversation, ended: true });
  });
}

test('readAnswer() takes the whole body where the pointer is empty', () => {
  assert.equal(readAnswer('plain words', { answer: '' }).answer, 'plain words');
  assert.equal(readAnswer(' \n', { answer: '' }).answer, null);
});

const piece = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
const pieces = fc.array(piece, { minLength: 1, maxLength: 20 }).filter((list) => list.join('').trim() !== '');
const openaiFrame = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const ollamaFrame = (content: string) => `${JSON.stringify({ message: { content }, done: false })}\n`;

for (const end of ['\n', '\r\n']) {
  test(`readAnswer() joins an OpenAI stream with ${JSON.stringify(end)} and sees its end`, () => {
    fc.assert(
      fc.property(pieces, (list) => {
        const head = `: ping\n\ndata: ${JSON.stringify({ choices: [{ delta: { role: 'assistant' } }] })}\n\n`;
        const body = `${head}${list.map(openaiFrame).join('')}data: [DONE]\n\n`.replaceAll('\n', end);
        assert.deepEqual(readAnswer(body, { answer: '', stream: 'openai' }), {
          answer: list.join(''),
          conversation: null,
          ended: true,
        });
      }),
    );
  });
}

test('readAnswer() never takes an OpenAI stream that was cut anywhere for one that ended', () => {
  fc.assert(
    fc.property(pieces, fc.double({ min: 0, max: 0.999, noNaN: true }), (list, at) => {
      const body = `${list.map(openaiFrame).join('')}data: [DONE]`;
      const cut = readAnswer(body.slice(0, Math.floor(at * body.length)), { answer: '', stream: 'openai' });
      assert.equal(cut.ended, false);
      assert.ok(list.join('').startsWith(cut.answer ?? ''));
    }),
  );
});

test('readAnswer() joins an Ollama stream of either API and sees its end', () => {
  const chat = `${ollamaFrame('a ')}${ollamaFrame('b')}{"message":{"content":""},"done":true}\n`;
  assert.deepEqual(readAnswer(chat, { answer: '', stream: 'ollama' }), {
    answer: 'a b',
    conversation: null,
    ended: true,
  });
  const generate = '{"response":"a ","done":false}\n{"response":"b","done":true}\n';
  assert.equal(readAnswer(generate, { answer: '', stream: 'ollama' }).answer, 'a b');
});

test('readAnswer() never takes an Ollama stream that was cut anywhere for one that ended', () => {
  fc.assert(
    fc.property(pieces, fc.double({ min: 0, max: 0.999, noNaN: true }), (list, at) => {
      const body = `${list.map(ollamaFrame).join('')}{"message":{"content":""},"done":true}`;
      const cut = readAnswer(body.slice(0, Math.floor(at * body.length)), { answer: '', stream: 'ollama' });
      assert.equal(cut.ended, false);
      assert.ok(list.join('').startsWith(cut.answer ?? ''));
    }),
  );
});

test('readAnswer() takes a stream of plain text as it is', () => {
  assert.deepEqual(readAnswer('some words', { answer: '', stream: 'text' }), {
    answer: 'some words',
    conversation: null,
    ended: true,
  });
  assert.equal(readAnswer('', { answer: '', stream: 'text' }).answer, null);
});

test('parseJsonObject() gives null instead of an exception, for any text', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseJsonObject(text)));
  assert.equal(parseJsonObject('{'), null);
});

test('stringsOf() collects every string of a body but no key, and a body that is no JSON whole', () => {
  assert.deepEqual(stringsOf('{"a":"x","b":[{"c":"y"},1,null,"z"]}'), ['x', 'y', 'z']);
  assert.deepEqual(stringsOf('not json'), ['not json']);
  assert.deepEqual(stringsOf('  '), []);
});

/** A server that misbehaves as told; gives the client's reply and what the server saw. */
async function exchange(listener: RequestListener, options: { timeoutMs?: number; body?: string } = {}) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = createTargetClient(() => performance.now());
  const request = {
    method: 'POST' as const,
    url: 'http://127.0.0.1:${port}/chat',
    headers: { 'x-a': '${question}' },
    ...(options.body === undefined ? {} : { body: { message: options.body } }),
  };
  try {
    return await client.send(
      request,
      { port: String(port), question: 'why' },
      { timeoutMs: options.timeoutMs ?? 5000, headers: { 'x-b': '2' } },
    );
  } finally {
    await client.close();
    server.closeAllConnections();
    server.close();
  }
}

test('send() sends what the profile says and notes status, headers, body and times', async () => {
  let seen = '';
  const reply = await exchange(
    (req, res) => {
      req.setEncoding('utf8').on('data', (chunk: string) => {
        seen += chunk;
      });
      req.on('end', () => {
        seen += ` ${req.method} ${req.url} ${req.headers['x-a']} ${req.headers['x-b']} ${req.headers['content-type']}`;
        res.writeHead(429, { 'retry-after': '3', 'set-cookie': ['a=1', 'b=2'] }).end('later');
      });
    },
    { body: '${question}' },
  );
  assert.equal(seen, '{"message":"why"} POST /chat why 2 application/json');
  assert.deepEqual([reply.status, reply.body, reply.error], [429, 'later', null]);
  assert.equal(reply.headers['retry-after'], '3');
  assert.equal(reply.headers['set-cookie'], 'a=1, b=2');
  assert.ok(reply.endT >= reply.t);
});

test('send() keeps what came before a connection broke, and says that it broke', async () => {
  const reply = await exchange((_req, res) => {
    res.writeHead(200, { 'content-length': '100' }).write('{"reply":"half');
    setTimeout(() => res.socket?.resetAndDestroy(), 50);
  });
  assert.deepEqual([reply.status, reply.body], [200, '{"reply":"half']);
  assert.notEqual(reply.error, null);
});

test('send() says timeout of a server that accepts and never answers', async () => {
  const reply = await exchange(() => undefined, { timeoutMs: 150 });
  assert.deepEqual([reply.status, reply.body, reply.error], [null, '', 'timeout']);
  assert.ok(reply.endT - reply.t < 2000);
});

test('send() says timeout of a stream that stalls, with what it had', async () => {
  const reply = await exchange((_req, res) => void res.writeHead(200).write('data: a\n\n'), { timeoutMs: 200 });
  assert.deepEqual([reply.status, reply.body, reply.error], [200, 'data: a\n\n', 'timeout']);
});

test('send() keeps no more than 64 KiB, and no half of a character', async () => {
  const reply = await exchange((_req, res) => {
    const bytes = Buffer.from('é'.repeat(200_000));
    for (let at = 0; at < bytes.length; at += 4095) res.write(bytes.subarray(at, at + 4095));
    res.end();
  });
  assert.equal(reply.body.length, 65_536);
  assert.equal(reply.body.replaceAll('é', ''), '');
});

test('send() says that nobody listens', async () => {
  const client = createTargetClient(() => performance.now());
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const reply = await client.send({ method: 'GET', url: `http://127.0.0.1:${port}/`, headers: {} }, {});
  await client.close();
  assert.deepEqual([reply.status, reply.error], [null, 'ECONNREFUSED']);
});
