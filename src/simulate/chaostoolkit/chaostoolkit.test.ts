// Chaos Toolkit experiments against a real server and real processes: what holds, what deviates, and that rollbacks always run.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Json } from '../../platform/base/json.ts';
import { sayer } from '../../platform/i18n/say.ts';
import { methodPlans } from '../scenarios/methods.ts';
import { loadExperiment, readExperiment } from './experiment.ts';
import { exportExperiment } from './export-experiment.ts';
import { type ChaosJournal, runExperiment } from './run-experiment.ts';
import { atPath, isWithin } from './tolerance.ts';
import { variablesOf } from './variables.ts';

const dir = mkdtempSync(join(tmpdir(), 'rempart-chaos-'));
let at = '';
let broken = false;
const seen: { method: string; url: string; type: string; body: string }[] = [];
const server = createServer(async (req, res) => {
  let body = '';
  for await (const chunk of req) body += chunk;
  seen.push({ method: req.method ?? '', url: req.url ?? '', type: req.headers['content-type'] ?? '', body });
  if (req.url === '/break') broken = true;
  if (req.url === '/mend') broken = false;
  res.statusCode = req.url === '/health' && broken ? 503 : 200;
  res.setHeader('content-type', 'application/json');
  res.end(req.url === '/half' ? '{"half":' : JSON.stringify({ ok: !broken, list: [{ n: 1 }, { n: 2 }] }));
});
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.close();
  rmSync(dir, { recursive: true });
});

const http = (name: string, path: string, more: object = {}): Json => ({
  type: 'action',
  name,
  provider: { type: 'http', url: `${at}${path}`, ...more },
});
const probe = (name: string, path: string, tolerance: Json): Json => ({
  type: 'probe',
  name,
  tolerance,
  provider: { type: 'http', url: `${at}${path}`, timeout: 2 },
});
const shell = (name: string, script: string, more: object = {}): Json => ({
  type: 'action',
  name,
  provider: { type: 'process', path: '/bin/sh', arguments: ['-c', script], ...more },
});

interface Options {
  env?: Record<string, string>;
  signal?: AbortSignal;
}
let count = 0;
async function carryOut(source: object, { env = {}, signal }: Options = {}): Promise<ChaosJournal> {
  const file = join(dir, `experiment-${++count}.json`);
  writeFileSync(file, JSON.stringify({ title: 't', description: 'd', method: [], ...source }));
  const experiment = loadExperiment(file);
  const journalFile = join(dir, `journal-${count}.json`);
  const all = { PATH: process.env['PATH'] ?? '', ...env };
  const journal = await runExperiment(experiment, {
    variables: variablesOf(experiment, all, file),
    env: all,
    signal: signal ?? new AbortController().signal,
    journalFile,
    version: '0',
    authorised: false,
    onActivity: () => {},
  });
  assert.deepEqual(JSON.parse(readFileSync(journalFile, 'utf8')), JSON.parse(JSON.stringify(journal)));
  return journal;
}
const wellBefore = (): object => ({ title: 'well', probes: [probe('healthy', '/health', 200)] });

test('runExperiment() completes what holds before and after', async () => {
  const journal = await carryOut({ 'steady-state-hypothesis': wellBefore(), method: [http('look', '/')] });
  const { status, deviated, steady_states: states, run } = journal;
  assert.deepEqual(
    [status, deviated, states.before?.steady_state_met, states.after?.steady_state_met],
    ['completed', false, true, true],
  );
  assert.equal(run[0]?.status, 'succeeded');
  assert.deepEqual((run[0]!.output as { body: Json }).body, { ok: true, list: [{ n: 1 }, { n: 2 }] });
});

test('runExperiment() says that the system deviated, and mends it', async () => {
  const journal = await carryOut({
    'steady-state-hypothesis': wellBefore(),
    method: [http('break', '/break')],
    rollbacks: [http('mend', '/mend')],
  });
  assert.deepEqual([journal.status, journal.deviated, journal.rollbacks[0]?.status], ['completed', true, 'succeeded']);
  assert.equal(broken, false);
});

test('runExperiment() does nothing when the hypothesis does not hold at first, and still runs the rollbacks', async () => {
  broken = true;
  const journal = await carryOut({
    'steady-state-hypothesis': wellBefore(),
    method: [http('never', '/never')],
    rollbacks: [shell('fails', 'exit 3', { path: '/nowhere/at/all' }), http('mend', '/mend')],
  });
  assert.deepEqual([journal.status, journal.run.length], ['failed', 0]);
  assert.deepEqual(
    journal.rollbacks.map(({ status }) => status),
    ['failed', 'succeeded'],
  );
  assert.equal(broken, false);
  assert.ok(!seen.some(({ url }) => url === '/never'));
});

test('runExperiment() interrupted kills what runs, and runs the rollbacks to their end', async () => {
  const stop = new AbortController();
  const pidFile = join(dir, 'pid');
  const running = carryOut(
    {
      method: [shell('long', `echo $$ > ${pidFile}; sleep 30`), http('never-2', '/never-2')],
      rollbacks: [shell('mend', 'sleep 0.2; echo mended')],
    },
    { signal: stop.signal },
  );
  while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '')
    await new Promise((resolve) => setTimeout(resolve, 20));
  stop.abort();
  const journal = await running;
  assert.equal(journal.status, 'interrupted');
  assert.equal((journal.rollbacks[0]!.output as { stdout: string }).stdout, 'mended\n');
  assert.equal(journal.run.length, 1);
  assert.throws(() => process.kill(Number(readFileSync(pidFile, 'utf8')), 0));
});

test('runExperiment() takes broken JSON for a text, and a refused connection for a failed activity', async () => {
  const journal = await carryOut({
    method: [
      http('half', '/half'),
      { type: 'action', name: 'nobody', provider: { type: 'http', url: 'http://127.0.0.1:1234/' } },
      shell('slow', 'sleep 5', { timeout: 0.2 }),
    ],
  });
  assert.equal((journal.run[0]!.output as { body: Json }).body, '{"half":');
  assert.deepEqual(
    journal.run.map(({ status, exception }) => [status, exception?.[0] ?? null]),
    [
      ['succeeded', null],
      ['failed', 'ECONNREFUSED'],
      ['failed', 'still running after 0.2 s'],
    ],
  );
});

test('runExperiment() calls no other machine without leave', async () => {
  const far = { type: 'action', name: 'far', provider: { type: 'http', url: 'http://bot.example/' } };
  const { run } = await carryOut({ method: [far] });
  assert.deepEqual([run[0]?.status, run[0]?.exception], ['failed', ['ERR_TARGET_NOT_LOCAL']]);
});

test('runExperiment() joins what runs in the background before it looks again', async () => {
  const file = join(dir, 'late');
  const { run } = await carryOut({
    method: [{ ...(shell('late', `sleep 0.3; touch ${file}`) as object), background: true }, http('next', '/')],
  });
  assert.ok(existsSync(file));
  assert.deepEqual(
    run.map(({ status }) => status),
    ['succeeded', 'succeeded'],
  );
});

test('runExperiment() sends arguments as query, form or JSON', async () => {
  seen.length = 0;
  await carryOut({
    method: [
      http('get', '/a?x=1', { arguments: { y: 2 } }),
      http('form', '/b', { method: 'POST', arguments: { y: 2 } }),
      http('json', '/c', { method: 'POST', headers: { 'Content-Type': 'application/json' }, arguments: { y: 2 } }),
    ],
  });
  assert.deepEqual(
    seen.map(({ method, url, type, body }) => [method, url, type, body]),
    [
      ['GET', '/a?x=1&y=2', '', ''],
      ['POST', '/b', 'application/x-www-form-urlencoded', 'y=2'],
      ['POST', '/c', 'application/json', '{"y":2}'],
    ],
  );
});

test('runExperiment() fills places from configuration and secrets, and writes no secret into the journal', async () => {
  const journal = await carryOut(
    {
      configuration: {
        n: 7,
        word: { type: 'env', key: 'WORD' },
        port: { type: 'env', key: 'NONE', default: 1, env_var_type: 'int' },
      },
      secrets: { api: { token: { type: 'env', key: 'TOKEN' }, inline: 'in-the-file-42' } },
      method: [shell('say', `echo \${n} \${word} \${token} \${inline} \${unknown}`)],
    },
    { env: { WORD: 'hello', TOKEN: 'sk-secret-99' } },
  );
  assert.match((journal.run[0]!.output as { stdout: string }).stdout, /^7 hello \[hidden\] \[hidden\]/);
  assert.doesNotMatch(readFileSync(join(dir, `journal-${count}.json`), 'utf8'), /sk-secret-99|in-the-file-42/);
});

const wrong: [what: string, source: object, says: RegExp][] = [
  [
    'a python provider',
    { method: [{ type: 'action', name: 'p', provider: { type: 'python', module: 'os', func: 'x' } }] },
    /method\.0\.provider.*python provider cannot be run/,
  ],
  ['an unknown reference', { method: [{ ref: 'nobody' }] }, /no activity is named "nobody"/],
  [
    'a hypothesis without tolerance',
    {
      'steady-state-hypothesis': {
        title: 'h',
        probes: [{ type: 'probe', name: 'p', provider: { type: 'process', path: 'true' } }],
      },
    },
    /a probe with a tolerance/,
  ],
  ['no title', { title: '' }, /title/],
];
for (const [what, source, says] of wrong)
  test(`readExperiment() refuses ${what}`, () => {
    const whole = { title: 't', description: 'd', method: [], ...source };
    assert.throws(() => readExperiment(whole, 'x.json'), says);
  });

test('variablesOf() refuses a variable that is not set and has no default', () => {
  const source = { title: 't', description: 'd', method: [], configuration: { a: { type: 'env', key: 'NONE' } } };
  assert.throws(() => variablesOf(readExperiment(source, 'x.json'), {}, 'x.json'), /NONE is not set/);
});

const tolerances: [tolerance: Json, value: Json, within: boolean][] = [
  [true, true, true],
  ['a', 'a', true],
  ['a', 'b', false],
  [200, { status: 200 }, true],
  [200, { status: 503 }, false],
  [3, 3, true],
  [[200, 503], { status: 503 }, true],
  [[200, 503], { status: 300 }, false],
  [[1, 5], 3, true],
  [[1, 5], 6, false],
  [['a', 'b', 'c'], 'b', true],
  [{ type: 'regex', pattern: '^ab+$' }, 'abb', true],
  [{ type: 'regex', pattern: 'up', target: 'body' }, { status: 200, body: 'down' }, false],
  [{ type: 'range', range: [0, 10], target: 'n' }, { n: 10 }, true],
  [
    { type: 'jsonpath', path: '$.list[*].n', expect: [1, 2], target: 'body' },
    { body: { list: [{ n: 1 }, { n: 2 }] } },
    true,
  ],
  [{ type: 'jsonpath', path: '$.list[1].n', expect: 3 }, '{"list":[{},{"n":2}]}', false],
  [{ type: 'jsonpath', path: '$.list[*]', count: 2 }, { list: [1, 2] }, true],
];
for (const [tolerance, value, within] of tolerances)
  test(`isWithin() says ${within} of ${JSON.stringify(value)} and ${JSON.stringify(tolerance)}`, async () => {
    assert.equal(await isWithin(tolerance, value, async () => false), within);
  });

test('isWithin() and atPath() refuse what they cannot judge', async () => {
  await assert.rejects(
    isWithin(0.5, 0.5, async () => false),
    /whole/,
  );
  await assert.rejects(
    isWithin({ type: 'magic' }, 1, async () => false),
    /magic/,
  );
  assert.throws(() => atPath({}, '$..deep'), /can be followed here/);
  assert.deepEqual(atPath({}, '$.constructor'), []);
});

test('exportExperiment() writes an experiment that this reader takes, one action a method', () => {
  const plans = methodPlans.filter(({ scenario }) => scenario === 'network-cut');
  const written = exportExperiment({
    plans,
    target: 'bot',
    profile: 'bot.yaml',
    pace: 'quick',
    seed: 3,
    allowLoad: false,
    authorisation: null,
    say: sayer('en'),
  });
  const experiment = readExperiment(written, 'exported.json');
  assert.deepEqual(
    experiment.method.map(({ name }) => name),
    plans.map(({ scenario, method }) => `${scenario}-${method}`),
  );
  const { fill } = variablesOf(experiment, {}, 'exported.json');
  const { provider } = fill(experiment.method[0]!);
  assert.ok(provider.type === 'process' && provider.path === 'rempart');
  assert.deepEqual((provider.arguments as string[]).slice(0, 10), [
    'simulate',
    'network-cut',
    '--method',
    plans[0]!.method,
    '--target',
    'bot.yaml',
    '--pace',
    'quick',
    '--seed',
    '3',
  ]);
  assert.equal(experiment.rollbacks.length, 1);
});
