// Which model calls a fault hits, for how long, what the ledger keeps of them, and that a seed repeats it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { parseScript } from '../src/simulate/proxy/script.ts';
import { faulty, openAiFrames, rig } from './proxy-model-rig.ts';
import { askHttp, pause, startRig } from './proxy-rig.ts';

test('proxy ends the call upstream when its caller goes away, and says so in the ledger', async () => {
  let ended = false;
  const endless = createServer((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(openAiFrames[0]);
    res.once('close', () => {
      ended = true;
    });
  }).listen(0, '127.0.0.1');
  await once(endless, 'listening');
  const port = await rig.proxy('endless', (endless.address() as AddressInfo).port);
  await rig.ask('PUT', '/rempart/proxies/endless/protocol', { protocol: 'http' });
  const request = httpRequest({ host: '127.0.0.1', port, agent: false }).end();
  request.on('error', () => {});
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  await once(response, 'data');
  request.destroy();
  for (let i = 0; i < 3_000 && !ended; i++) await pause(10);
  assert.ok(ended);
  const { body } = await rig.ask('GET', '/rempart/proxies/endless/calls');
  assert.match(body, /"status":200,"outcome":"aborted"/);
  endless.close();
  endless.closeAllConnections();
});

test('proxy refuses a call with more than 16 MiB, and one whose upstream is away ends its connection', async () => {
  const { port } = await faulty({ type: 'status', match: { path: '/never' } });
  assert.equal((await askHttp(port, 'POST', '/v1/x', 'x'.repeat(17 * 1024 * 1024))).status, 413);
  const away = await rig.proxy('away', 1);
  await rig.ask('PUT', '/rempart/proxies/away/protocol', { protocol: 'http' });
  await assert.rejects(askHttp(away, 'POST', '/v1/x', {}));
});

test('script fails and passes calls by their number, counted apart per conversation, key or marker', async () => {
  const statuses = async (fault: object, bodies: [body: object, headers?: Record<string, string>][]) => {
    const { port } = await faulty({ type: 'status', ...fault });
    const seen: number[] = [];
    for (const [body, headers] of bodies)
      seen.push((await askHttp(port, 'POST', '/v1/chat/completions', body, headers)).status);
    return seen;
  };
  const asked = (text: string, ...later: string[]) => ({
    messages: [text, ...later].map((content) => ({ role: 'user', content })),
  });
  const script = 'fail 1-2, pass 3, fail 4+';
  assert.deepEqual(await statuses({ script }, [[{}], [{}], [{}], [{}], [{}]]), [500, 500, 200, 500, 500]);
  const conversations: [object][] = [[asked('a')], [asked('b')], [asked('a', 'more')], [asked('b', 'x')], [asked('c')]];
  assert.deepEqual(await statuses({ script: 'fail 1', per: 'conversation' }, conversations), [500, 500, 200, 200, 500]);
  const hash = createHash('sha256').update('sk-first').digest('hex');
  const keys: [object, Record<string, string>][] = [
    [{}, { authorization: 'Bearer sk-first' }],
    [{}, { authorization: 'Bearer sk-spare' }],
  ];
  assert.deepEqual(await statuses({ error: 'key-refused', match: { keyHash: hash.slice(0, 16) } }, keys), [401, 200]);
  const markers: [object][] = [
    [asked('see mkaaaaaaa1')],
    [asked('see mkaaaaaaa2')],
    [asked('see mkaaaaaaa1', 'mkaaaaaaa2')],
  ];
  assert.deepEqual(await statuses({ match: { marker: 'mkaaaaaaa1' } }, markers), [500, 200, 200]);
  assert.deepEqual(
    await statuses({ match: { contains: 'weather' } }, [[asked('the weather')], [asked('news')]]),
    [500, 200],
  );
});

test('parseScript() reads counted scripts and refuses what is none', () => {
  const fails = parseScript('fail 2–3, pass 5, fail 5+');
  assert.deepEqual([1, 2, 3, 4, 5, 6, 99].map(fails), [false, true, true, false, false, true, true]);
  for (const wrong of ['', 'fail', 'fail 0', 'fail 3-2', 'maybe 1', 'fail 1;pass 2'])
    assert.throws(() => parseScript(wrong), { name: 'Refusal', status: 400 }, wrong);
});

test('share hits the same calls again with the same seed, and others with another', async () => {
  const pattern = async (seed: number): Promise<string> => {
    const own = await startRig({ seed });
    const { port } = await faulty({ type: 'status', share: 0.5 }, own, 'm1001');
    let seen = '';
    for (let i = 0; i < 24; i++) seen += (await askHttp(port, 'POST', '/v1/x', {})).status === 500 ? 'x' : '.';
    await own.close();
    return seen;
  };
  const [first, again, other] = [await pattern(3), await pattern(3), await pattern(4)];
  assert.equal(again, first);
  assert.notEqual(other, first);
  assert.ok(first.includes('x') && first.includes('.'));
});

test('leases end a fault on calls by themselves and are renewed', async () => {
  const { port, name } = await faulty({ type: 'status', ttlMs: 1_500 });
  const renewed = await rig.ask('PUT', `/rempart/proxies/${name}/faults/status/lease`, { ttlMs: 4_000 });
  assert.match(renewed.body, /"until":"\d{4}-/);
  await pause(1_600);
  assert.equal((await askHttp(port, 'POST', '/v1/x', {})).status, 500);
  for (let looks = 0; (await askHttp(port, 'POST', '/v1/x', {})).status !== 200; looks++) {
    assert.ok(looks < 600, 'it ends by itself');
    await pause(100);
  }
  assert.equal((await rig.ask('GET', `/rempart/proxies/${name}/faults`)).body, '[]\n');
});

test('ledger keeps who called and what happened, keys only as hashes', async () => {
  const { port, name } = await faulty({ type: 'status', name: 'sometimes', script: 'fail 2' });
  const body = { conversation_id: 'c-7', messages: [{ role: 'user', content: 'about mk0123abcd' }] };
  for (let i = 0; i < 2; i++)
    await askHttp(port, 'POST', '/v1/chat/completions', body, { authorization: 'Bearer sk-very-secret' });
  const { body: text } = await rig.ask('GET', `/rempart/proxies/${name}/calls`);
  assert.doesNotMatch(text, /sk-very-secret/);
  const calls = JSON.parse(text) as Record<string, unknown>[];
  const keyHash = createHash('sha256').update('sk-very-secret').digest('hex');
  const facts = { marker: 'mk0123abcd', conversation: 'c-7', keyHash };
  for (const [at, call] of calls.entries()) {
    const expected =
      at === 0
        ? { ...facts, fault: null, status: 200, outcome: 'passed' }
        : { ...facts, fault: 'sometimes', status: 500, outcome: 'faulted' };
    for (const [key, value] of Object.entries(expected)) assert.equal(call[key], value, `${at} ${key}`);
    assert.equal(call['ordinal'], at + 1);
  }
});

test('toxics and faults on calls work on one proxy together, and POST /reset ends both', async () => {
  const { port, name } = await faulty({ type: 'status' });
  await rig.ask('POST', `/proxies/${name}/toxics`, { type: 'latency', attributes: { latency: 120 } });
  const began = performance.now();
  assert.equal((await askHttp(port, 'POST', '/v1/x', {})).status, 500);
  assert.ok(performance.now() - began >= 110);
  await rig.ask('POST', '/reset');
  assert.equal((await askHttp(port, 'POST', '/v1/x', {})).status, 200);
});

const refusals: [fault: object, says: RegExp][] = [
  [{ type: 'nonsense' }, /"error":".*"/],
  [{ type: 'stall' }, /delayMs/],
  [{ type: 'cut', where: 'nowhere' }, /where/],
  [{ type: 'silent', surprise: 1 }, /surprise/],
  [{ type: 'silent', script: 'fail x' }, /is not like/],
  [{ type: 'silent', ttlMs: 0 }, /ttlMs/],
  [{ type: 'wrong-content-type', contentType: 'a\r\nb: c' }, /contentType/],
];
test('POST /rempart/proxies/{p}/faults refuses what it does not understand, and says where', async () => {
  await rig.proxy('strict', 9);
  for (const [fault, says] of refusals) {
    const answer = await rig.ask('POST', '/rempart/proxies/strict/faults', fault);
    assert.equal(answer.status, 400, JSON.stringify(fault));
    assert.match(answer.body, says);
  }
});
