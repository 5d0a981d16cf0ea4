// What the gateway does about unusual requests, on real sockets: which bar does what, and nothing at all on a cold baseline.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Registry } from 'prom-client';
import type { JsonObject } from '../src/platform/base/json.ts';
import type { Log } from '../src/platform/base/log.ts';
import { createGatewayMetrics } from '../src/protect/gateway/metrics.ts';
import { defaultScreening } from '../src/protect/gateway/settings.ts';
import type { BehaviourPolicy } from '../src/protect/gateway/watch-behaviour.ts';
import { type Behaviour, createBehaviour } from '../src/protect/screening/behaviour.ts';
import { answering, type Rig, startRig, startUpstream, userKey } from './gateway-rig.ts';

const open: { close(): Promise<void> }[] = [];
after(async () => {
  for (const one of open) await one.close();
});

interface Watched {
  rig: Rig;
  told: string[];
  counted(line: string): Promise<boolean>;
  findings(): JsonObject[];
}

async function before(behaviour: Behaviour, policy: Partial<BehaviourPolicy> = {}): Promise<Watched> {
  const upstream = await startUpstream(answering());
  const told: string[] = [];
  const tell = (_facts: unknown, message?: unknown) => void told.push(String(message));
  const log: Log = { debug: tell, info: tell, warn: tell, error: tell };
  const registry = new Registry();
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, key: 'k' }], {
    settings: { screening: { ...defaultScreening, behaviour: { ...defaultScreening.behaviour, ...policy } } },
    metrics: createGatewayMetrics(registry),
    log,
    parts: { behaviour },
  });
  open.push(rig, upstream);
  return {
    rig,
    told,
    counted: async (line) => (await registry.metrics()).split('\n').includes(line),
    findings: () => rig.journalled.filter((event) => event['class_uid'] === 2004),
  };
}

/** Says of each request what it is told to. */
function saying(score: number | null): Behaviour & { score: number | null } {
  return {
    score,
    observe() {
      const because = this.score === null ? [] : ([{ feature: 'length', share: 0.5 }] as const);
      return { score: this.score, cold: this.score === null, because };
    },
    refused() {},
    failedAuth() {},
    forget: () => false,
    state: () => ({ cold: false, learned: 1, needed: 1 }),
    save: () => '',
  };
}

const bands = [
  { score: null, mode: 'enforce', status: 200, action: undefined, isTold: false },
  { score: 0.49, mode: 'enforce', status: 200, action: undefined, isTold: false },
  { score: 0.5, mode: 'watch', status: 200, action: 'watch', isTold: false },
  { score: 0.7, mode: 'watch', status: 200, action: 'watch', isTold: false },
  { score: 0.71, mode: 'watch', status: 200, action: 'flag', isTold: true },
  { score: 0.5, mode: 'enforce', status: 429, action: 'block', isTold: false },
  { score: 0.71, mode: 'enforce', status: 429, action: 'block', isTold: true },
  { score: 1, mode: 'off', status: 200, action: undefined, isTold: false },
] as const;
for (const { score, mode, status, action, isTold } of bands)
  test(`createGateway() answers ${status} to a score of ${score} in mode ${mode}, ${action ?? 'nothing'} found${isTold ? ' and told' : ''}`, async () => {
    const { rig, findings } = await before(saying(score), { mode });
    const answer = await rig.chat('hello');
    assert.equal(answer.status, status, answer.text);
    if (status !== 200) assert.match(answer.text, /ERR_BEHAVIOUR/);
    const [finding] = findings();
    assert.equal((finding?.['unmapped'] as JsonObject | undefined)?.['action'], action);
    const signals = rig.signals.filter(({ kind }) => kind === 'behaviour-anomaly');
    assert.equal(signals.length, isTold ? 1 : 0);
    if (isTold) assert.equal(signals[0]?.facts['length'], 0.5);
  });

test('createGateway() holds who is watched to fewer requests a minute, and nobody else', async () => {
  const behaviour = saying(0.6);
  const { rig, counted } = await before(behaviour, { watchedPerMinute: 2 });
  for (const status of [200, 200, 429]) assert.equal((await rig.chat('hello')).status, status);
  assert.ok(await counted('rempart_rate_limit_exceeded_total{scope="behaviour"} 1'));
  behaviour.score = 0.1;
  assert.equal((await rig.chat('hello')).status, 200);
});

test('createGateway() says once that the baseline is cold, and once that it is warm', async () => {
  let at = Date.now();
  const settings = { warmAfter: 50, warmAfterMinutes: 1 };
  const { rig, told } = await before(createBehaviour({ now: () => at, seed: 1 }, settings), { mode: 'enforce' });
  for (let asked = 0; asked < 60; asked++) {
    at += 2_000;
    assert.equal((await rig.chat(asked % 2 === 0 ? 'What is bread?' : 'Ж'.repeat(9_000))).status, 200);
    if (asked === 40) assert.equal(told.filter((line) => line.includes('is cold')).length, 1);
  }
  assert.equal(told.filter((line) => line.includes('is cold')).length, 1);
  assert.equal(told.filter((line) => line.includes('is warm')).length, 1);
});

test('createGateway() hands on the last words of a user, refusals and failed keys', async () => {
  const seen: string[] = [];
  const behaviour: Behaviour = {
    ...saying(null),
    observe({ subject, source, model, text, turns }) {
      seen.push([subject, source, model, text, turns].join(' '));
      return { score: null, cold: true, because: [] };
    },
    refused: (subject) => void seen.push(`refused ${subject}`),
    failedAuth: (source) => void seen.push(`failed ${source}`),
  };
  const found = { kind: 'suspicious', category: 'injection', score: 0.9, rules: ['r'] } as const;
  const upstream = await startUpstream(answering());
  const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, key: 'k' }], {
    screen: (text) => (text === 'an attack' ? found : { kind: 'clean' }),
    parts: { behaviour },
  });
  open.push(rig, upstream);
  const messages = [
    { role: 'user', content: 'first' },
    { role: 'assistant', content: 'so' },
    { role: 'user', content: 'last' },
  ];
  await rig.ask('/v1/chat/completions', { model: 'm', messages });
  await rig.chat('an attack');
  await rig.ask('/v1/chat/completions', { model: 'm', messages }, { authorization: `Bearer ${userKey}x` });
  assert.deepEqual(seen, [
    'tester 127.0.0.1 m last 3',
    'tester 127.0.0.1 m an attack 1',
    'refused tester',
    'failed 127.0.0.1',
  ]);
});
