// Workers that die, each in another way: those in hand are told where that can be, another worker follows, and nothing that was counted is lost.
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { answering, beginSse, chunk, json, lastChunk, startUpstream, type Upstream } from './gateway-rig.ts';
import { type Instance, makePlace, run, startInstance, until } from './instance.ts';

const place = makePlace();
const failWhile = join(place.dir, 'fail-while');
const env = {
  NODE_OPTIONS: `--import ${join(import.meta.dirname, 'worker-crash.ts')} --max-old-space-size=600`,
  TEST_FAIL_WHILE: failWhile,
  KEY: 'key-of-the-user',
  UP: 'upstream-key',
};
let upstream: Upstream;
let instance: Instance;
/** What the provider still owes. */
let owed: (() => void)[] = [];

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The connection broke. */
  code?: string | undefined;
}
interface Asked {
  began: Promise<IncomingHttpHeaders>;
  end: Promise<Answer>;
}

function ask(text: string, { stream = false, path = '/v1/chat/completions', headers = {} } = {}): Asked {
  const began = Promise.withResolvers<IncomingHttpHeaders>();
  const end = Promise.withResolvers<Answer>();
  const answer: Answer = { status: 0, headers: {}, text: '' };
  const broken = (error: NodeJS.ErrnoException) => {
    began.resolve({});
    end.resolve({ ...answer, code: error.code });
  };
  const sent = request(`${instance.gatewayUrl}${path}`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${env.KEY}`, 'content-type': 'application/json', ...headers },
  });
  sent.on('error', broken);
  sent.on('response', (res) => {
    answer.status = res.statusCode ?? 0;
    answer.headers = res.headers;
    res.once('data', () => began.resolve(res.headers));
    res.on('data', (piece) => {
      answer.text += piece;
    });
    res.on('end', () => end.resolve(answer));
    res.on('error', broken);
  });
  sent.end(JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: text }] }));
  return { began: began.promise, end: end.promise };
}

/** Makes that worker fail, by requests on as many connections as it takes to reach it. */
async function fail(how: string, worker: string): Promise<void> {
  const lost = async () => numberAt(await metrics(), 'rempart_gateway_workers_lost_total');
  const before = await lost();
  for (let tries = 0; (await lost()) === before; tries++) {
    assert.ok(tries < 100, 'the worker can be reached');
    await Promise.all([1, 2, 3, 4].map(() => ask('hello', { headers: { 'x-test-fail': `${how}@${worker}` } }).end));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const metrics = async () => (await fetch(`${instance.consoleUrl}/metrics`)).text();
/** The sum of all series that begin so. */
function numberAt(text: string, series: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(series));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
const lost = async (cause: string) => numberAt(await metrics(), `rempart_gateway_workers_lost_total{cause="${cause}"}`);
const answered = async () =>
  numberAt(await metrics(), 'rempart_gateway_request_duration_seconds_count{dialect="openai",outcome="answered"}');

interface Ready {
  status: string;
  dependencies: { workers: { state: string; serving: number; of: number; cause?: string } };
}
async function ready(): Promise<Ready['dependencies']['workers']> {
  const answer = (await (await fetch(`${instance.consoleUrl}/readyz`)).json()) as Ready;
  return answer.dependencies.workers;
}
const allServe = () => until(async () => (await ready()).serving === 2, 60_000);

before(async () => {
  upstream = await startUpstream((req, res, body, nth) => {
    const { stream } = JSON.parse(body) as { stream?: boolean };
    if (!body.includes('slowly')) return answering('hello')(req, res, body, nth);
    if (stream !== true) {
      owed.push(() => json(res, 200, { choices: [{ index: 0, message: { role: 'assistant', content: 'late' } }] }));
      return undefined;
    }
    beginSse(res);
    res.write(chunk('slowly'));
    owed.push(() => res.end(lastChunk));
    return undefined;
  });
  writeFileSync(
    join(place.dir, 'rempart.yaml'),
    [
      `providers: [{name: up, dialect: openai, url: "${upstream.url}", key: "env:UP"}]`,
      'access: {keys: [{key: "env:KEY", subject: ada}]}',
      'limits: {rules: [{every: day, requests: 100000}], sources: {requests: 100000}, concurrency: {perKey: 40}}',
      'screening: {behaviour: {mode: "off"}}',
      'gateway: {timeouts: {firstByteMs: 60000, idleMs: 60000, totalMs: 120000}}',
    ].join('\n'),
  );
  instance = await startInstance(['--workers', '2'], { cwd: place.dir, env, withinMs: 90_000 });
});
after(async () => {
  await instance.stop();
  await upstream.close();
  place.remove();
});

const workerOf = (headers: IncomingHttpHeaders) => String(headers['x-test-worker']);

for (const [how, cause] of [
  ['throw', 'exception'],
  ['exit', 'exit'],
] as const) {
  test(`a worker that ends by "${how}" tells those in hand, is replaced, and takes no count and no place with it`, async () => {
    owed = [];
    await allServe();
    await Promise.all(Array.from({ length: 10 }, () => ask('hello').end));
    const count = await answered();
    const stream = ask('slowly', { stream: true });
    const native = ask('slowly', { stream: true, path: '/api/chat' });
    const doomed = workerOf(await stream.began);
    const other = workerOf(await native.began);
    const plain = Array.from({ length: 16 }, () => ask('slowly'));
    await until(() => owed.length === 18);
    await fail(how, doomed);
    const cut = await stream.end;
    assert.equal(cut.code, undefined, 'the stream has an end');
    assert.match(cut.text, /^data: \{"id"[\s\S]*data: \{"error":.*ERR_WORKER_LOST/);
    assert.ok(!cut.text.includes('[DONE]'));
    if (other === doomed) assert.match((await native.end).text, /ERR_WORKER_LOST[^\n]*\n$/);
    for (const finish of owed.splice(0)) finish();
    const ends = await Promise.all(plain.map(({ end }) => end));
    const told = ends.filter(({ status }) => status === 503);
    assert.ok(told.length > 0, 'of sixteen some were in its hand');
    for (const { text, headers } of told) {
      assert.match(text, /"error":\{.*ERR_WORKER_LOST/);
      assert.equal(headers['x-should-retry'], 'true');
    }
    assert.equal(ends.filter(({ status }) => status === 200).length, 16 - told.length, 'the other worker ends its own');
    assert.equal(await lost(cause), 1);
    await allServe();
    assert.ok((await answered()) >= count, 'what the dead one counted is still counted');
    // All forty places of the key are free again.
    const filled = Array.from({ length: 40 }, () => ask('slowly'));
    await until(() => owed.length === 40);
    for (const finish of owed.splice(0)) finish();
    assert.deepEqual(
      [...new Set((await Promise.all(filled.map(({ end }) => end))).map(({ status }) => status))],
      [200],
    );
  });
}

test('a worker whose heap is full breaks the connections it has, is replaced, and the instance lives on', async () => {
  await allServe();
  const stream = ask('slowly', { stream: true });
  await fail('memory', workerOf(await stream.began));
  assert.equal((await stream.end).code, 'ECONNRESET');
  owed = [];
  await until(async () => (await lost('memory')) >= 1);
  await allServe();
  assert.equal((await ask('hello').end).status, 200);
});

test('a worker whose heap is nearly full ends what it has in hand while another one takes its place', async () => {
  owed = [];
  await allServe();
  const stream = ask('slowly', { stream: true });
  const full = workerOf(await stream.began);
  await fail('fill', full);
  await allServe();
  for (const finish of owed.splice(0)) finish();
  const { text, code } = await stream.end;
  assert.equal(code, undefined);
  assert.match(text, /\[DONE\]/);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('hello').end));
  assert.ok(answers.every(({ status, headers }) => status === 200 && workerOf(headers) !== full));
});

test('a worker that dies again and again is replaced ever more slowly, and told of; the other one serves', async () => {
  await allServe();
  const signals = () =>
    instance
      .stderr()
      .split('\n')
      .filter((line) => line.includes('"signal":"worker-lost"'));
  const before = signals().length;
  writeFileSync(failWhile, '');
  try {
    await until(() => signals().length >= before + 3, 60_000);
    const { state, cause } = await ready();
    assert.deepEqual([state, cause], ['degraded', 'crash-loop']);
    const about = signals().map((line) => JSON.parse(line) as { severity: string; facts: { times: number } });
    assert.ok(about.some(({ severity, facts }) => severity === 'high' && facts.times >= 3));
    await until(async () => (await ask('hello').end).status === 200);
  } finally {
    rmSync(failWhile);
  }
  await allServe();
});

test('the journal holds after all that, and tells of each worker that was lost', async () => {
  const exported = await run(['journal', 'export'], { cwd: place.dir });
  assert.ok(exported.stdout.split('\n').filter((line) => line.includes('"phase":"worker"')).length >= 5);
  assert.equal((await run(['journal', 'verify'], { cwd: place.dir })).code, 0);
});

test('Ctrl-C lets the workers end what they have in hand', async () => {
  owed = [];
  await allServe();
  const streams = [1, 2, 3, 4].map(() => ask('slowly', { stream: true }));
  await Promise.all(streams.map(({ began }) => began));
  const ended = instance.stop();
  await new Promise((resolve) => setTimeout(resolve, 300));
  for (const finish of owed.splice(0)) finish();
  for (const { end } of streams) assert.match((await end).text, /\[DONE\]/);
  assert.equal((await ended).code, 0);
});
