// A provider's key that is refused: used three times at most whoever asks for what, out with an alert, in nobody's sight, and no user's way to take the service from others.
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Registry } from 'prom-client';
import { type Dispatcher, Pool } from 'undici';
import { createLog } from '../src/platform/base/log.ts';
import { createGatewayMetrics } from '../src/protect/gateway/metrics.ts';
import type { GatewaySettings } from '../src/protect/gateway/settings.ts';
import {
  answering,
  type Behaviour,
  json,
  type Rig,
  roomyTimeouts,
  startRig,
  startUpstream,
  type Upstream,
  until,
} from './gateway-rig.ts';
import { answeringIn, dialects } from './upstream-dialects.ts';

const directory = mkdtempSync(join(tmpdir(), 'rempart-refused-'));
const cleanUps: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of cleanUps) await close();
  rmSync(directory, { recursive: true });
});

const first = 'cnry-first-key-9b2d';
const spare = 'cnry-spare-key-9b2d';
const isFirst = (authorization: string | undefined) => authorization === `Bearer ${first}`;
const uses = ({ ledger }: Upstream, key = first) => ledger.filter((used) => used === `Bearer ${key}`).length;
const kinds = (rig: Rig) => rig.signals.map(({ kind }) => kind);

/** As an upstream that is careless: it says the key again in every place. */
const telling =
  (status: number): Behaviour =>
  (req, res) => {
    const key = (req.headers.authorization ?? '').slice(7);
    res.statusMessage = key;
    json(
      res,
      status,
      { error: { message: `Incorrect API key provided: ${key}`, type: key, code: key }, detail: key },
      { 'x-key': key, 'www-authenticate': `Bearer realm="${key}"`, 'x-request-id': key, location: `/${key}` },
    );
  };

const calls: readonly (readonly [string, object])[] = [
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }] }],
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }], stream: true }],
  ['/v1/completions', { prompt: 'a' }],
  ['/v1/fim/completions', { prompt: 'a' }],
  ['/v1/embeddings', { input: 'a' }],
  ['/api/chat', { messages: [{ role: 'user', content: 'hi' }] }],
  ['/api/generate', { prompt: 'a' }],
  ['/api/embed', { input: 'a' }],
];

const quick: Partial<GatewaySettings> = {
  timeouts: roomyTimeouts,
  refusal: { maxUses: 3, probeAfterMs: 60, lastKeyProbesMs: [60, 120] },
  breaker: { failures: 5, halfOpenMs: 30 },
};

for (const status of [401, 403])
  for (const dialect of dialects)
    test(`a key of a ${dialect} provider that is refused with ${status} is used three times at most, at every address, and is seen nowhere`, async () => {
      const answers = answeringIn(dialect, { model: 'x', text: 'well' });
      const refuse = telling(status);
      const behave: Behaviour = (req, res, body, nth) =>
        (isFirst(req.headers.authorization) ? refuse : answers)(req, res, body, nth);
      const list: Behaviour = (req, res, body, nth) =>
        isFirst(req.headers.authorization) ? refuse(req, res, body, nth) : json(res, 200, { data: [], models: [] });
      const upstream = await startUpstream(behave, list);
      const file = join(directory, `${dialect}-${status}.log`);
      const registry = new Registry();
      const rig = await startRig([{ name: 'up', dialect, url: upstream.url, key: first, spareKeys: [spare] }], {
        settings: quick,
        metrics: createGatewayMetrics(registry),
        log: createLog('debug', openSync(file, 'w')),
      });
      cleanUps.push(rig.close, upstream.close);
      const seen: string[] = [];
      for (let round = 0; round < 2; round++)
        for (const [path, body] of calls) {
          const answer = await rig.ask(path, { model: 'm', ...body });
          assert.ok(answer.status === 200 || /UNTRANSLATABLE/.test(answer.text), `${path} ${answer.text}`);
          seen.push(answer.text, JSON.stringify(answer.headers));
        }
      for (const path of ['/v1/models', '/api/tags']) seen.push((await rig.get(path)).text);
      await until(() => kinds(rig).includes('provider-key-compromised'));
      await new Promise((resolve) => setTimeout(resolve, 400));
      assert.ok(uses(upstream) >= 1 && uses(upstream) <= 3, `${uses(upstream)} uses`);
      assert.equal(kinds(rig).filter((kind) => kind === 'provider-key-compromised').length, 1);
      const state = rig.gateway.state();
      assert.deepEqual(
        state.providers[0]!.keys.map(({ refused }) => refused),
        [true, false],
      );
      seen.push(JSON.stringify(rig.journalled), JSON.stringify(rig.signals), JSON.stringify(state));
      seen.push(await registry.metrics(), readFileSync(file, 'utf8'));
      const everything = seen.join('\n');
      for (const key of [first, spare]) assert.ok(!everything.includes(key), `${key} was seen`);
      assert.ok(everything.includes('provider-key-compromised'), 'there was something to see');
    });

test('with no other key, three uses are all there are, and every answer says so honestly', async () => {
  for (const dialect of dialects) {
    const upstream = await startUpstream(telling(401), telling(401));
    const rig = await startRig([{ name: 'up', dialect, url: upstream.url, key: first }], { settings: quick });
    cleanUps.push(rig.close, upstream.close);
    for (let i = 0; i < 10; i++) {
      for (const [path, body] of calls) {
        const { status, text } = await rig.ask(path, { model: 'm', ...body });
        assert.ok(status === 502 || /UNTRANSLATABLE/.test(text), `${path} ${status} ${text}`);
        assert.ok(!text.includes(first));
      }
      // An Ollama server is asked for its list once more after a second.
      await new Promise((resolve) => setTimeout(resolve, dialect === 'ollama' ? 130 : 40));
    }
    assert.ok(uses(upstream) <= 3, `${dialect}: ${uses(upstream)} uses`);
  }
});

test('a key that is refused only where it answers, not where it lists, is out after three requests', async () => {
  const upstream = await startUpstream((req, res, body, nth) =>
    (isFirst(req.headers.authorization) ? telling(403) : answering())(req, res, body, nth),
  );
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, key: first, spareKeys: [spare] }], {
    settings: quick,
  });
  cleanUps.push(rig.close, upstream.close);
  const asked = () => upstream.heads.filter(({ headers }) => isFirst(headers.authorization)).length;
  for (let after = 0; after < 6; after += asked() < 3 ? 0 : 1) {
    assert.equal((await rig.chat('hi')).status, 200);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
  assert.equal(asked(), 3);
  assert.deepEqual(kinds(rig), ['provider-key-compromised']);
});

test('what one user is forbidden makes others wait a moment at most, and opens nothing and closes nothing', async () => {
  const upstream = await startUpstream((req, res, body, nth) =>
    body.includes('forbidden-model') ? json(res, 403, {}) : answering()(req, res, body, nth),
  );
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, key: first }], {
    settings: { timeouts: roomyTimeouts, retries: { max: 12, baseMs: 1, maxWaitMs: 30_000 } },
  });
  cleanUps.push(rig.close, upstream.close);
  for (let round = 0; round < 5; round++) {
    const [attacker, ...others] = await Promise.all([
      rig.chat('hi', { model: 'forbidden-model' }),
      rig.chat('hi'),
      rig.chat('hi', { stream: true }),
    ]);
    assert.equal(attacker.status, 502);
    for (const other of others) assert.equal(other.status, 200, other.text);
  }
  assert.ok(!kinds(rig).includes('provider-key-compromised'));
});

test('a long answer that ends well after its key was refused does not bring it back', async () => {
  let refuse = false;
  let finish = () => {};
  const upstream = await startUpstream(
    (req, res, body, nth) => {
      if (body.includes('long')) finish = () => answering()(req, res, body, nth);
      else if (refuse && isFirst(req.headers.authorization)) telling(401)(req, res, body, nth);
      else answering()(req, res, body, nth);
    },
    (req, res, body, nth) => (refuse ? telling(401) : answering())(req, res, body, nth),
  );
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, key: first, spareKeys: [spare] }], {
    settings: { timeouts: roomyTimeouts },
  });
  cleanUps.push(rig.close, upstream.close);
  const long = rig.chat('long');
  await until(() => upstream.bodies.length === 1);
  refuse = true;
  assert.equal((await rig.chat('hi')).status, 200);
  finish();
  assert.equal((await long).status, 200);
  for (let i = 0; i < 3; i++) assert.equal((await rig.chat('hi')).status, 200);
  assert.equal(uses(upstream), 2, 'the long one and the one that found out');
  assert.equal(rig.gateway.state().providers[0]!.keys[0]!.refused, true);
});

for (const status of [401, 403])
  test(`of a crowd that comes with a key that was refused (${status}) all along, three requests at most go out with it, and everybody is answered`, async () => {
    const upstream = await startUpstream(
      (req, res, body, nth) => {
        if (!isFirst(req.headers.authorization)) return answering()(req, res, body, nth);
        // By then all of them would have gone.
        return void setTimeout(() => telling(status)(req, res, body, nth), 150);
      },
      (req, res, body, nth) =>
        isFirst(req.headers.authorization) ? telling(status)(req, res, body, nth) : json(res, 200, { data: [] }),
    );
    const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, key: first, spareKeys: [spare] }], {
      settings: quick,
    });
    cleanUps.push(rig.close, upstream.close);
    const crowd = await Promise.all(Array.from({ length: 24 }, (_, nth) => rig.chat('hi', { stream: nth % 2 === 0 })));
    // Those that find the key in question may be told to come back.
    for (const { status: answered } of crowd)
      assert.ok(answered === 200 || (status === 403 && answered === 502), `${answered}`);
    await until(() => kinds(rig).includes('provider-key-compromised'));
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal((await rig.chat('hi')).status, 200);
    assert.ok(uses(upstream) <= 3, `${uses(upstream)} uses`);
  });

test('requests that were on their way when their key was refused count as its uses, and none is left for a probe', async () => {
  let refuse = false;
  const waiting: (() => void)[] = [];
  const upstream = await startUpstream(
    (req, res, body, nth) => {
      if (!isFirst(req.headers.authorization)) answering()(req, res, body, nth);
      else if (!refuse) answering()(req, res, body, nth);
      else waiting.push(() => telling(401)(req, res, body, nth));
    },
    (req, res, body, nth) =>
      isFirst(req.headers.authorization) ? telling(401)(req, res, body, nth) : json(res, 200, { data: [] }),
  );
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, key: first, spareKeys: [spare] }], {
    settings: quick,
  });
  cleanUps.push(rig.close, upstream.close);
  assert.equal((await rig.chat('hi')).status, 200);
  refuse = true;
  const before = uses(upstream);
  const crowd = Promise.all(Array.from({ length: 12 }, () => rig.chat('hi')));
  await until(() => waiting.length === 12);
  for (const answer of waiting) answer();
  for (const { status } of await crowd) assert.equal(status, 200);
  assert.equal(uses(upstream) - before, 12);
  for (let nth = 0; nth < 5; nth++) {
    assert.equal((await rig.chat('hi')).status, 200);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  assert.equal(uses(upstream) - before, 12, 'nothing goes out with it any more');
  assert.equal(kinds(rig).filter((kind) => kind === 'provider-key-compromised').length, 1);
});

test('what waits for a connection when its key is refused does not go out with it', async () => {
  let refuse = false;
  const upstream = await startUpstream((req, res, body, nth) =>
    (refuse && isFirst(req.headers.authorization) ? telling(401) : answering())(req, res, body, nth),
  );
  /** As one whose connections take their time: all but the first request are held until the test lets them go. */
  const held: (() => void)[] = [];
  let holds = false;
  const createDispatcher = (origin: string): Dispatcher =>
    new Pool(origin, { connections: null, pipelining: 1 }).compose((dispatch) => (options, handler) => {
      if (!holds) return dispatch(options, handler);
      held.push(() => dispatch(options, handler));
      return true;
    });
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, key: first, spareKeys: [spare] }], {
    settings: quick,
    parts: { createDispatcher },
  });
  cleanUps.push(rig.close, upstream.close);
  assert.equal((await rig.chat('hi')).status, 200);
  refuse = true;
  holds = true;
  const crowd = Promise.all(Array.from({ length: 6 }, () => rig.chat('hi')));
  await until(() => held.length === 6);
  const before = uses(upstream);
  holds = false;
  held[0]!();
  await until(() => kinds(rig).includes('provider-key-compromised'));
  for (const go of held.slice(1)) go();
  for (const { status } of await crowd) assert.equal(status, 200);
  assert.equal(uses(upstream) - before, 1);
});
