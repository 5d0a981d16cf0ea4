// Access that is taken back while an answer is under way: the answer ends there, in its dialect's own words, counted and written down.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { JsonObject } from '../src/platform/base/json.ts';
import { createSharedMemory } from '../src/platform/shared/memory.ts';
import { openSet } from '../src/platform/shared/set.ts';
import type { Identify } from '../src/protect/gateway/authenticate.ts';
import { createKeys, type Keys } from '../src/protect/gateway/keys.ts';
import { createQuarantineState } from '../src/protect/gateway/quarantine.ts';
import { createRevocations } from '../src/protect/gateway/tokens/revocations.ts';
import { createLimiter } from '../src/protect/limits/limiter.ts';
import { limitsSchema } from '../src/protect/limits/limits-config.ts';
import { openRestraints } from '../src/protect/restraints.ts';
import {
  type Answer,
  answering,
  type Behaviour,
  beginSse,
  chunk,
  memoryRepository,
  type Rig,
  type RigOptions,
  startRig,
  startUpstream,
  until,
} from './gateway-rig.ts';
import { run } from './instance.ts';
import { startWorkersRig, workerOf } from './workers-rig.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-taken-back-'));
const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends) await end();
  rmSync(dir, { recursive: true });
});

/** Begins, and never ends by itself. */
const endless: Behaviour = (req, res, body, nth) => {
  const { stream } = JSON.parse(body) as { stream?: boolean };
  if (body.includes('short')) return answering()(req, res, body, nth);
  if (req.url === '/api/chat') {
    res.writeHead(200, { 'content-type': 'application/x-ndjson' });
    res.write(
      `${JSON.stringify({ model: 'm', message: { role: 'assistant', content: 'one two three ' }, done: false })}\n`,
    );
  } else if (stream === true) {
    beginSse(res);
    res.write(chunk('one two three '));
  }
  return undefined;
};

interface Place {
  rig: Rig;
  keys: Keys;
  /** Its secret and its id. */
  key: { secret: string; id: string };
  begun(count: number): Promise<void>;
  /** How many calls of the upstream were ended by the gateway. */
  hungUp(): number;
}

async function place(dialect: 'openai' | 'ollama' = 'openai', options: RigOptions = {}): Promise<Place> {
  let hungUp = 0;
  const upstream = await startUpstream((req, res, body, nth) => {
    res.on('close', () => {
      if (!res.writableFinished) hungUp++;
    });
    endless(req, res, body, nth);
  });
  const keys = createKeys({ now: Date.now, repository: memoryRepository() });
  const { secret, record } = await keys.create({ subject: 'ada', role: 'user' });
  const rig = await startRig([{ name: 'up', dialect, url: upstream.url }], {
    ...options,
    parts: { keys, ...options.parts },
  });
  ends.push(rig.close, upstream.close);
  return {
    rig,
    keys,
    key: { secret, id: record.id },
    begun: (count) => until(() => upstream.bodies.length === count),
    hungUp: () => hungUp,
  };
}

const as = (secret: string) => ({ authorization: `Bearer ${secret}` });
const messages = [{ role: 'user', content: 'count as far as you can' }];
const stream = ({ rig }: Place, secret: string) =>
  rig.ask('/v1/chat/completions', { model: 'm', messages, stream: true }, as(secret));
const unmapped = (record: JsonObject | undefined) => record?.['unmapped'] as JsonObject;
const outcomes = ({ rig }: Place) => rig.journalled.map(unmapped).filter((of) => of?.['phase'] === 'outcome');
const errorOf = ({ text }: Answer) =>
  (JSON.parse(text.trim().split('\n\n').at(-1)!.slice(6)) as { error: { code: string } }).error.code;

for (const dialect of ['openai', 'ollama'] as const)
  test(`a stream of a ${dialect} provider ends as soon as its key is revoked, in the words of each dialect; other keys go on`, async () => {
    const at = await place(dialect);
    const { rig, keys, key } = at;
    const other = await keys.create({ subject: 'ada', role: 'user' });
    const sse = stream(at, key.secret);
    const ndjson = rig.ask('/api/chat', { model: 'm', messages }, as(key.secret));
    const going = stream(at, other.secret);
    await at.begun(3);
    await keys.revoke(key.id);
    const [first, second] = await Promise.all([sse, ndjson]);
    assert.equal(first.status, 200);
    assert.match(first.text, /"content":"one/);
    assert.equal(errorOf(first), 'ERR_ACCESS_REVOKED');
    assert.ok(!first.text.includes('[DONE]'));
    const last = JSON.parse(second.text.trim().split('\n').at(-1)!) as { error: string; code: string };
    assert.equal(last.code, 'ERR_ACCESS_REVOKED');
    assert.ok(!second.text.includes('"done":true'));
    await until(() => at.hungUp() === 2);
    assert.deepEqual(
      outcomes(at).map(({ kind, code }) => [kind, code]),
      [
        ['cut', 'ERR_ACCESS_REVOKED'],
        ['cut', 'ERR_ACCESS_REVOKED'],
      ],
    );
    await keys.revoke(other.record.id);
    assert.equal(errorOf(await going), 'ERR_ACCESS_REVOKED');
  });

test('an answer that is cut with its key is charged as far as it came, and its outcome says how far', async () => {
  const settings = limitsSchema.parse({ rules: [{ per: 'user', every: 'hour', tokens: 1_000 }] });
  const limiter = createLimiter({ now: Date.now, memory: createSharedMemory(), refused() {} }, settings);
  const at = await place('openai', { limiter });
  const other = await at.keys.create({ subject: 'ada', role: 'user' });
  const left = async () => {
    const body = { model: 'm', messages: [{ role: 'user', content: 'short' }], max_tokens: 10 };
    const { headers } = await at.rig.ask('/v1/chat/completions', body, as(other.secret));
    return Number(headers['x-ratelimit-remaining-tokens']);
  };
  const before = await left();
  const cut = stream(at, at.key.secret);
  await at.begun(2);
  await at.keys.revoke(at.key.id);
  await cut;
  await until(() => outcomes(at).length === 2);
  const { promptTokens, completionTokens, tokensEstimated } = outcomes(at).at(-1)!;
  assert.ok(Number(promptTokens) > 0 && Number(completionTokens) > 0, `${promptTokens} ${completionTokens}`);
  assert.equal(tokensEstimated, true);
  // The first short call was charged between the two looks: 3 tokens asked, 2 answered.
  assert.equal(before - (await left()), Number(promptTokens) + Number(completionTokens) + 5);
});

test('a whole answer that is awaited ends too, with the error as its status', async () => {
  const at = await place();
  const asked = at.rig.ask('/v1/chat/completions', { model: 'm', messages }, as(at.key.secret));
  await at.begun(1);
  await at.keys.revoke(at.key.id);
  const { status, text } = await asked;
  assert.equal(status, 401);
  assert.match(text, /ERR_ACCESS_REVOKED/);
  await until(() => at.hungUp() === 1);
});

test('a call whose body is still coming in when its key is revoked is not sent on', async () => {
  const at = await place();
  const asked = Promise.withResolvers<number>();
  const whole = JSON.stringify({ model: 'm', messages, stream: true });
  const sent = request(`${at.rig.url}/v1/chat/completions`, {
    method: 'POST',
    agent: false,
    headers: { ...as(at.key.secret), 'content-type': 'application/json', 'content-length': whole.length },
  });
  sent.on('response', (res) => {
    res.resume();
    asked.resolve(res.statusCode ?? 0);
  });
  sent.on('error', asked.reject);
  sent.write(whole.slice(0, 10));
  // Let in once its head is there; the one that follows on another connection comes after it.
  await at.rig.ask(
    '/v1/chat/completions',
    { model: 'm', messages: [{ role: 'user', content: 'short' }] },
    as(at.key.secret),
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  await at.keys.revoke(at.key.id);
  sent.end(whole.slice(10));
  assert.equal(await asked.promise, 401);
  await at.begun(1);
});

test('a key that was taken over from without an overlap ends what it opened; with one it goes on', async () => {
  const at = await place();
  const cut = stream(at, at.key.secret);
  const short = await at.keys.create({ subject: 'ada', role: 'user', expiresAt: Date.now() + 60_000 });
  const goesOn = stream(at, short.secret);
  await at.begun(2);
  await at.keys.rotate(at.key.id, 0);
  assert.equal(errorOf(await cut), 'ERR_ACCESS_REVOKED');
  await at.keys.rotate(short.record.id, 60_000);
  assert.equal(at.hungUp(), 1);
  await at.keys.revoke(short.record.id);
  assert.equal(errorOf(await goesOn), 'ERR_ACCESS_REVOKED');
});

test('a token that is revoked, by its id or with its subject, ends what it opened', async () => {
  const revocations = createRevocations({
    now: Date.now,
    repository: { load: async () => [], insert: async () => {} },
  });
  const identify: Identify = (req) => {
    const [subject = '', jti = ''] = (req.headers.authorization ?? '').slice(7).split('.');
    return { kind: 'known', caller: { subject, role: 'user', credential: `jwt_${jti}`, sourceIp: '127.0.0.1' } };
  };
  const at = await place('openai', { parts: { revocations, identify } });
  const [one, two, three] = [stream(at, 'ada.first'), stream(at, 'ada.second'), stream(at, 'eve.third')];
  await at.begun(3);
  await revocations.revoke({ kind: 'jti', value: 'first', at: Date.now() });
  assert.equal(errorOf(await one), 'ERR_ACCESS_REVOKED');
  await until(() => at.hungUp() === 1);
  await revocations.revoke({ kind: 'subject', value: 'ada', at: Date.now() });
  assert.equal(errorOf(await two), 'ERR_ACCESS_REVOKED');
  await until(() => at.hungUp() === 2);
  await revocations.revoke({ kind: 'subject', value: 'eve', at: Date.now() });
  assert.equal(errorOf(await three), 'ERR_ACCESS_REVOKED');
});

test('a key that another thread suspends, and an address that it blocks, get no more of an answer', async () => {
  const memory = createSharedMemory();
  const here = openRestraints(join(dir, 'here.json'), { now: Date.now, memory });
  const elsewhere = openRestraints(join(dir, 'elsewhere.json'), { now: Date.now, memory });
  const at = await place('openai', { parts: { restraints: here, shared: openSet(memory) } });
  const first = stream(at, at.key.secret);
  await at.begun(1);
  elsewhere.hold({ kind: 'key', name: at.key.id, by: 'INC-1' });
  assert.equal(errorOf(await first), 'ERR_KEY_SUSPENDED');
  elsewhere.release('key', at.key.id);
  const second = stream(at, at.key.secret);
  await at.begun(2);
  elsewhere.hold({ kind: 'source', name: '127.0.0.1', by: 'INC-1' });
  assert.equal(errorOf(await second), 'ERR_SOURCE_BLOCKED');
});

test('a key that is shut out for what it tries, here or on another thread, gets no more of an answer', async () => {
  const found = { kind: 'suspicious', category: 'code-execution', score: 0.9, rules: ['r'] } as const;
  const memory = createSharedMemory();
  const at = await place('openai', {
    screen: (text) => (text.includes('run this') ? found : { kind: 'clean' }),
    parts: { shutOut: createQuarantineState(memory) },
  });
  const upstream = await startUpstream(endless);
  const there = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url }], {
    parts: { keys: at.keys, shutOut: createQuarantineState(memory), shared: openSet(memory) },
  });
  ends.push(there.close, upstream.close);
  const asked = [stream(at, at.key.secret), stream({ ...at, rig: there }, at.key.secret)];
  await at.begun(1);
  await until(() => upstream.bodies.length === 1);
  const attack = { model: 'm', messages: [{ role: 'user', content: 'run this' }] };
  for (let nth = 0; nth < 3; nth++) await at.rig.ask('/v1/chat/completions', attack, as(at.key.secret));
  for (const one of asked) assert.equal(errorOf(await one), 'ERR_QUARANTINED');
});

test('up --workers ends the streams of a revoked key on every worker', async () => {
  const rig = await startWorkersRig();
  const streams: ReturnType<typeof rig.ask>[] = [];
  const workers = new Set<string>();
  while (workers.size < 2) {
    assert.ok(streams.length < 30, 'the system spreads connections over both workers');
    const asked = rig.ask('slowly', { stream: true });
    streams.push(asked);
    workers.add(workerOf(await asked.began));
  }
  const id = `cfg_${hash('sha256', hash('sha256', 'key-of-the-user')).slice(0, 10)}`;
  const revoked = await run(['keys', 'revoke', id], { cwd: rig.place.dir });
  assert.equal(revoked.code, 0, revoked.stderr);
  for (const { end } of streams) assert.match((await end).text, /"code":"ERR_ACCESS_REVOKED"/);
  await rig.close();
});
