// An instance of two workers that a test can make fail, before a provider that answers "slowly" only when the test wants it.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { answering, beginSse, chunk, json, lastChunk, startUpstream } from './gateway-rig.ts';
import { type Instance, makePlace, type Place, startInstance, until } from './instance.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The connection broke. */
  code?: string | undefined;
}

export interface Asked {
  began: Promise<IncomingHttpHeaders>;
  end: Promise<Answer>;
}

export interface WorkersRig {
  place: Place;
  instance: Instance;
  /** While this file is there, the worker of slot 1 dies as soon as it has begun. */
  failWhile: string;
  /** How many the provider still owes an answer. */
  owed(): number;
  /** The provider pays what it owes. */
  pay(): void;
  ask(text: string, options?: { stream?: boolean; path?: string; headers?: Record<string, string> }): Asked;
  /** Makes that worker fail, by requests on as many connections as it takes to reach it. */
  fail(how: 'throw' | 'exit' | 'memory' | 'fill' | 'full', worker: string): Promise<void>;
  answered(): Promise<number>;
  lost(cause?: string): Promise<number>;
  ready(): Promise<{ state: string; serving: number; of: number; cause?: string }>;
  allServe(): Promise<void>;
  close(): Promise<void>;
}

export const workerOf = (headers: IncomingHttpHeaders) => String(headers['x-test-worker']);

export async function startWorkersRig(): Promise<WorkersRig> {
  const place = makePlace();
  const failWhile = join(place.dir, 'fail-while');
  const owed: (() => void)[] = [];
  const upstream = await startUpstream((req, res, body, nth) => {
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
      'gateway: {timeouts: {firstByteMs: 280000, idleMs: 280000, totalMs: 290000}}',
    ].join('\n'),
  );
  const key = 'key-of-the-user';
  const env = {
    NODE_OPTIONS: `--import ${join(import.meta.dirname, 'worker-crash.ts')} --max-old-space-size=600`,
    TEST_FAIL_WHILE: failWhile,
    KEY: key,
    UP: 'upstream-key',
  };
  const instance = await startInstance(['--workers', '2'], { cwd: place.dir, env });
  const metrics = async () => (await fetch(`${instance.consoleUrl}/metrics`)).text();
  const ask: WorkersRig['ask'] = (text, options) => askOf(instance.gatewayUrl, key, text, options);
  const lost = async (cause?: string) =>
    numberAt(await metrics(), `rempart_gateway_workers_lost_total${cause === undefined ? '' : `{cause="${cause}"}`}`);
  const ready: WorkersRig['ready'] = async () => {
    const answer = (await (await fetch(`${instance.consoleUrl}/readyz`)).json()) as {
      dependencies: { workers: Awaited<ReturnType<WorkersRig['ready']>> };
    };
    return answer.dependencies.workers;
  };
  return {
    place,
    instance,
    failWhile,
    owed: () => owed.length,
    pay() {
      for (const finish of owed.splice(0)) finish();
    },
    ask,
    async fail(how, worker) {
      const before = await lost();
      await until(async () => {
        await Promise.all([1, 2, 3, 4].map(() => ask('hello', { headers: { 'x-test-fail': `${how}@${worker}` } }).end));
        return (await lost()) > before;
      });
    },
    answered: async () =>
      numberAt(await metrics(), 'rempart_gateway_request_duration_seconds_count{dialect="openai",outcome="answered"}'),
    lost,
    ready,
    allServe: () => until(async () => (await ready()).serving === 2),
    async close() {
      const { code } = await instance.stop();
      await upstream.close();
      place.remove();
      assert.equal(code, 0);
    },
  };
}

function askOf(
  gatewayUrl: string,
  key: string,
  text: string,
  { stream = false, path = '/v1/chat/completions', headers = {} }: Parameters<WorkersRig['ask']>[1] = {},
): Asked {
  const began = Promise.withResolvers<IncomingHttpHeaders>();
  const end = Promise.withResolvers<Answer>();
  const answer: Answer = { status: 0, headers: {}, text: '' };
  const broken = (error: NodeJS.ErrnoException) => {
    began.resolve({});
    end.resolve({ ...answer, code: error.code });
  };
  const sent = request(`${gatewayUrl}${path}`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
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

/** The sum of all series that begin so. */
function numberAt(text: string, series: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(series));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
