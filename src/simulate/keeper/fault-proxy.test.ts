// The fault proxy on real sockets before the real stand-in: each fault as the target meets it, and what the ledger says of it.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dialect } from '../../platform/wire/dialect.ts';
import type { CallFault } from '../faults/fault.ts';
import type { EvidenceOf } from '../scenarios/evidence.ts';
import { startStandin } from '../standin/standin.ts';
import { startFaultProxy } from './fault-proxy.ts';

const keys = { primary: 'sk-primary-0123456789', spare: 'sk-spare-0123456789' };
const closers: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closers.reverse()) await close();
});

type Ledger = Omit<EvidenceOf<'upstream'>, 'id'>[];
async function rig(options: { dialect?: Dialect; upstream?: string } = {}) {
  const dialect = options.dialect ?? 'openai';
  const standin = await startStandin({ dialect, keys: [{ key: keys.primary }, { key: keys.spare }] });
  const ledger: Ledger = [];
  const proxy = await startFaultProxy({
    host: '127.0.0.1',
    port: 0,
    upstream: options.upstream ?? standin.url,
    dialect,
    keys,
    now: () => performance.now(),
    record: (call) => ledger.push(call),
  });
  closers.push(proxy.close, standin.close);
  const ask = (marker: string, rest: { key?: string; stream?: boolean; earlier?: string; signal?: AbortSignal } = {}) =>
    fetch(`${proxy.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(rest.key === '' ? {} : { authorization: `Bearer ${rest.key ?? keys.primary}` }),
      },
      body: JSON.stringify({
        model: 'm',
        ...(rest.stream === undefined ? {} : { stream: rest.stream }),
        messages: [
          ...(rest.earlier === undefined ? [] : [{ role: 'user', content: rest.earlier }]),
          { role: 'user', content: `question ${marker}` },
        ],
      }),
      ...(rest.signal === undefined ? {} : { signal: rest.signal }),
    });
  return { proxy, ledger, ask };
}

/** What can be read of an answer until it ends or breaks. */
async function readUntilEnd(response: Response): Promise<{ text: string; broke: boolean }> {
  let text = '';
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
    return { text, broke: false };
  } catch {
    return { text, broke: true };
  }
}

async function ledgerHas(ledger: Ledger, count: number): Promise<Ledger> {
  for (let i = 0; i < 3_000 && ledger.length < count; i++) await sleep(20);
  return ledger;
}

test('startFaultProxy() relays untouched without fault, and notes key, marker, status and times', async () => {
  const { ask, ledger, proxy } = await rig();
  const answer = await ask('mkaaaaaaaa', { earlier: 'earlier mkbbbbbbbb' });
  assert.equal(answer.status, 200);
  assert.equal(typeof ((await answer.json()) as { id: string }).id, 'string');
  const [call] = await ledgerHas(ledger, 1);
  const { marker, key, fault, status, outcome, stream } = call!;
  assert.deepEqual(
    { marker, key, fault, status, outcome, stream },
    { marker: 'mkaaaaaaaa', key: 'primary', fault: null, status: 200, outcome: 'passed', stream: false },
  );
  assert.ok(call!.endT >= call!.t);
  assert.equal(proxy.touched(), 0);
});

for (const [given, expected] of [
  [keys.primary, 'primary'],
  [keys.spare, 'spare'],
  ['sk-another', 'other'],
  ['', 'none'],
] as const) {
  test(`startFaultProxy() notes the key "${expected}" and never the key itself`, async () => {
    const { ask, ledger } = await rig();
    await (await ask('mkaaaaaaaa', { key: given })).arrayBuffer();
    const [call] = await ledgerHas(ledger, 1);
    assert.equal(call?.key, expected);
    assert.ok(!JSON.stringify(ledger).includes('sk-'));
  });
}

const down: Extract<CallFault, { type: 'status' }> = {
  type: 'status',
  name: 'unavailable',
  error: 'overloaded',
  keys: 'all',
};
for (const [dialect, shape] of [
  ['openai', /^\{"error":\{"message":"[^"]+","type":"service_unavailable_error"/],
  ['mistral', /^\{"object":"error","message":"/],
  ['ollama', /^\{"error":"server busy/],
] as const) {
  test(`setFault() answers with a status in the words of ${dialect}, with retry-after`, async () => {
    const { ask, proxy, ledger } = await rig({ dialect });
    proxy.setFault({ ...down, retryAfterSeconds: 7 });
    const answer = await ask('mkaaaaaaaa');
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '7');
    assert.match(await answer.text(), shape);
    const [call] = await ledgerHas(ledger, 1);
    assert.deepEqual([call?.fault, call?.status, call?.outcome], ['unavailable', 503, 'faulted']);
    assert.equal(proxy.touched(), 1);
    proxy.setFault(null);
    assert.equal((await ask('mkbbbbbbbb')).status, 200);
  });
}

test('setFault() refuses only the primary key when told so', async () => {
  const { ask, proxy, ledger } = await rig();
  proxy.setFault({ type: 'status', name: 'revoked-401', error: 'key-refused', keys: 'primary' });
  assert.equal((await ask('mkaaaaaaaa')).status, 401);
  assert.equal((await ask('mkaaaaaaaa', { key: keys.spare })).status, 200);
  assert.deepEqual(
    (await ledgerHas(ledger, 2)).map(({ key, fault }) => [key, fault]),
    [
      ['primary', 'revoked-401'],
      ['spare', null],
    ],
  );
});

test('setFault() silent: accepts and never answers; noted once the caller gives up', async () => {
  const { ask, proxy, ledger } = await rig();
  proxy.setFault({ type: 'silent' });
  await assert.rejects(ask('mkaaaaaaaa', { signal: AbortSignal.timeout(300) }));
  const [call] = await ledgerHas(ledger, 1);
  assert.deepEqual([call?.fault, call?.status, call?.outcome], ['silent', null, 'faulted']);
  assert.ok(call!.endT - call!.t >= 250);
});

test('setFault() mid-request: the first attempt of each message is reset, the second is relayed', async () => {
  const { ask, proxy, ledger } = await rig();
  proxy.setFault({ type: 'mid-request' });
  for (const marker of ['mkaaaaaaaa', 'mkbbbbbbbb']) {
    await assert.rejects(ask(marker), (error) =>
      /ECONNRESET|UND_ERR_SOCKET/.test(String((error as { cause?: { code?: string } }).cause?.code)),
    );
    assert.equal((await ask(marker, { earlier: 'mkcccccccc' })).status, 200);
  }
  assert.deepEqual(
    (await ledgerHas(ledger, 4)).map(({ marker, fault, status }) => [marker, fault, status]),
    [
      ['mkaaaaaaaa', 'mid-request', null],
      ['mkaaaaaaaa', null, 200],
      ['mkbbbbbbbb', 'mid-request', null],
      ['mkbbbbbbbb', null, 200],
    ],
  );
});

test('setFault() mid-stream: a stream breaks off inside a frame after its first events', async () => {
  const { ask, proxy, ledger } = await rig();
  const whole = await readUntilEnd(await ask('mkaaaaaaaa', { stream: true }));
  assert.equal(whole.broke, false);
  proxy.setFault({ type: 'mid-stream', afterEvents: 3 });
  const { text, broke } = await readUntilEnd(await ask('mkaaaaaaaa', { stream: true }));
  assert.equal(broke, true);
  const frames = text.split('\n\n');
  assert.equal(frames.filter((frame) => frame.startsWith('data: {')).length, 4, text);
  assert.ok(!text.includes('[DONE]'));
  assert.ok(!text.endsWith('\n'), 'the last frame is torn');
  const [, call] = await ledgerHas(ledger, 2);
  assert.deepEqual([call?.fault, call?.status, call?.outcome, call?.stream], ['mid-stream', 200, 'faulted', true]);
});

test('setFault() mid-stream: an answer in one body breaks off half-way and keeps the length that it promised', async () => {
  const { ask, proxy } = await rig();
  proxy.setFault({ type: 'mid-stream', afterEvents: 3 });
  const answer = await ask('mkaaaaaaaa');
  assert.equal(answer.status, 200);
  const promised = Number(answer.headers.get('content-length'));
  const { text, broke } = await readUntilEnd(answer);
  assert.equal(broke, true);
  assert.ok(text.length > 0 && Buffer.byteLength(text) < promised, `${text.length} of ${promised}`);
  assert.throws(() => JSON.parse(text));
});

test('refuse() closes the listener, listen() opens the same port again', async () => {
  const { ask, proxy } = await rig();
  const open = await ask('mkaaaaaaaa');
  await open.arrayBuffer();
  await proxy.refuse();
  await assert.rejects(
    ask('mkbbbbbbbb'),
    (error) => (error as { cause?: { code?: string } }).cause?.code === 'ECONNREFUSED',
  );
  await proxy.listen();
  assert.equal((await ask('mkcccccccc')).status, 200);
});

test('refuse() cuts what was under way', async () => {
  const { ask, proxy } = await rig();
  proxy.setFault({ type: 'silent' });
  const waiting = assert.rejects(ask('mkaaaaaaaa'));
  await sleep(100);
  await proxy.refuse();
  await waiting;
  await proxy.listen();
});

test('setFault() leaves what is no chat message alone where it breaks connections', async () => {
  const { proxy } = await rig();
  proxy.setFault({ type: 'mid-request' });
  const models = await fetch(`${proxy.url}/v1/models`, { headers: { authorization: `Bearer ${keys.primary}` } });
  assert.equal(models.status, 200);
});

test('startFaultProxy() passes the upstream’s own refusal on and notes an upstream that is away as aborted', async () => {
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const { port } = gone.address() as AddressInfo;
  await new Promise((resolve) => gone.close(resolve));
  const refused = await rig();
  assert.equal((await refused.ask('mkaaaaaaaa', { key: 'sk-unknown' })).status, 401);
  assert.deepEqual(
    (await ledgerHas(refused.ledger, 1)).map(({ status, outcome }) => [status, outcome]),
    [[401, 'passed']],
  );
  const { ask, ledger } = await rig({ upstream: `http://127.0.0.1:${port}` });
  await assert.rejects(ask('mkaaaaaaaa'));
  assert.deepEqual(
    (await ledgerHas(ledger, 1)).map(({ status, outcome }) => [status, outcome]),
    [[null, 'aborted']],
  );
});
