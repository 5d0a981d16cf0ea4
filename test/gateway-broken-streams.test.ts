// Streams that break on either side: what the client is told, and what is tried again.
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { impatient, kinds, rigBefore } from './failing-rig.ts';
import { answering, type Behaviour, beginSse, chunk, until, userKey } from './gateway-rig.ts';

const dying: readonly [string, Behaviour][] = [
  [
    'breaks',
    (_req, res) => {
      beginSse(res);
      res.write(chunk('par half'));
      setTimeout(() => res.destroy(), 20);
    },
  ],
  [
    'ends without its terminator',
    (_req, res) => {
      beginSse(res);
      res.end(chunk('par half'));
    },
  ],
  [
    'falls silent',
    (_req, res) => {
      beginSse(res);
      res.write(chunk('par half'));
    },
  ],
  [
    'turns to nonsense',
    (_req, res) => {
      beginSse(res);
      res.write(chunk('par half'));
      res.write('data: <html>\n\n');
    },
  ],
  [
    'sends an error frame',
    (_req, res) => {
      beginSse(res);
      res.write(chunk('par half'));
      res.end('data: {"error":{"message":"secret words"}}\n\n');
    },
  ],
];

for (const [how, behaviour] of dying)
  test(`createGateway() ends a stream that ${how} with a typed error frame, in both dialects`, async () => {
    const { rig, upstream } = await rigBefore(behaviour, how === 'falls silent' ? { options: impatient } : {});
    const sse = await rig.chat('hi', { stream: true });
    assert.match(sse.text, /"content":"par "/);
    // What was still held might have been the first half of a secret.
    assert.ok(!sse.text.includes('half'), sse.text);
    const frames = sse.text.trim().split('\n\n');
    assert.equal((JSON.parse(frames.at(-1)!.slice(6)) as { error: { code: string } }).error.code, 'ERR_STREAM_CUT');
    assert.ok(!sse.text.includes('[DONE]'));
    const ndjson = await rig.ask('/api/chat', { model: 'm', messages: [{ role: 'user', content: 'hi' }] });
    const last = JSON.parse(ndjson.text.trim().split('\n').at(-1)!) as { error: string; code: string };
    assert.equal(last.code, 'ERR_STREAM_CUT');
    assert.ok(last.error.length > 10);
    assert.ok(!ndjson.text.includes('"done":true'));
    assert.doesNotMatch(sse.text + ndjson.text, /secret words/);
    assert.equal(upstream.bodies.length, 2, 'nothing is tried again after the first word');
    assert.equal((rig.journalled.at(-1)!['unmapped'] as { kind: string }).kind, 'cut');
  });

for (const [how, close] of [
  ['stays open', () => {}],
  ['breaks', (res: Parameters<Behaviour>[1]) => setTimeout(() => res.destroy(), 20)],
] as const)
  test(`createGateway() takes a stream for whole whose connection ${how} after its last word`, async () => {
    const { rig } = await rigBefore((_req, res) => {
      beginSse(res);
      res.write(`${chunk('all of it')}data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`);
      res.write('data: [DONE]\n\n');
      close(res);
    });
    const { text } = await rig.chat('hi', { stream: true });
    assert.match(text, /data: \[DONE\]\n\n$/);
    assert.doesNotMatch(text, /ERR_/);
    assert.equal((rig.journalled.at(-1)!['unmapped'] as { kind: string }).kind, 'answered');
  });

test('createGateway() retries a stream that dies before its first word', async () => {
  const { rig } = await rigBefore((req, res, body, nth) => {
    if (nth > 1) answering()(req, res, body, nth);
    else {
      beginSse(res);
      res.write('data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n');
      setTimeout(() => res.destroy(), 10);
    }
  });
  const answer = await rig.chat('hi', { stream: true });
  assert.match(answer.text, /\[DONE\]/);
});

for (const stream of [false, true])
  test(`createGateway() cancels the upstream once its client has left, ${stream ? 'streamed' : 'whole'}`, async () => {
    let isClosed = false;
    const { rig, upstream } = await rigBefore((_req, res) => {
      if (stream) {
        beginSse(res);
        res.write(chunk('a'));
      }
      res.on('close', () => {
        isClosed = true;
      });
    });
    const client = httpRequest(`${rig.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${userKey}` },
    });
    client.on('error', () => {});
    client.end(JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'hi' }] }));
    if (stream) await new Promise((resolve) => client.on('response', (res) => res.once('data', resolve)));
    else await until(() => upstream.bodies.length === 1);
    client.destroy();
    await until(() => isClosed);
    await until(() => rig.journalled.length === 2);
    assert.equal((rig.journalled[1]!['unmapped'] as { kind: string }).kind, 'aborted');
    assert.deepEqual(kinds(rig), [], "the client's leaving is not the provider's fault");
  });
