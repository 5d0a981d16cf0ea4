import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext as Test, test } from 'node:test';
import fc from 'fast-check';
import { defaultMetricRules, isNamed, type MetricRule } from './metric-rules.ts';
import { metricsScrapeDetector } from './metrics-scrape.ts';
import { readMetrics } from './prometheus-text.ts';
import { simulatedTimers } from './simulated-timers.ts';
import { testContext } from './test-context.ts';

test('readMetrics() reads names, labels, escapes, types and all kinds of numbers', () => {
  const { samples, types, unreadable } = readMetrics(
    [
      '# HELP app_errors_total All of them',
      '# TYPE app_errors_total counter',
      'app_errors_total{path="/a\\"b\\\\c\\n",code="500",} 12 1700000000000',
      'up 1',
      'temperature -3.5e2',
      'x +Inf',
      'y NaN',
      '',
      '# EOF',
    ].join('\n'),
  );
  assert.deepEqual(samples, [
    { name: 'app_errors_total', labels: { path: '/a"b\\c\n', code: '500' }, value: 12 },
    { name: 'up', labels: {}, value: 1 },
    { name: 'temperature', labels: {}, value: -350 },
    { name: 'x', labels: {}, value: Infinity },
    { name: 'y', labels: {}, value: Number.NaN },
  ]);
  assert.equal(types.get('app_errors_total'), 'counter');
  assert.equal(unreadable, 0);
});

test('readMetrics() passes over what is none, and never throws', () => {
  const { samples, unreadable } = readMetrics('a{b="c} 1\n<html>\n9x 1\nok 2\nz 0x10\n');
  assert.deepEqual(samples, [{ name: 'ok', labels: {}, value: 2 }]);
  assert.equal(unreadable, 4);
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '{', '}', '"', '\\', '=', ' ', '1', ',', '\n', '#', '_') }),
      (text) => {
        readMetrics(text);
      },
    ),
  );
});

test('isNamed() takes the counter and leaves its buckets', () => {
  assert.ok(isNamed('app_errors_total', ['error', 'total|count']));
  assert.ok(!isNamed('app_error_latency_bucket', ['error', 'total|count|bucket']));
  assert.ok(!isNamed('app_requests_total', ['error', 'total']));
});

async function rig(t: Test, rules: readonly MetricRule[] = defaultMetricRules, maxBytes?: number) {
  let answer: (response: ServerResponse) => void = (response) => response.end('');
  const server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const timers = simulatedTimers(Date.UTC(2026, 10, 22));
  const context = testContext(timers.now);
  const handle = metricsScrapeDetector({
    urls: [`http://127.0.0.1:${port}/metrics`],
    rules,
    fetch,
    timers,
    steady: timers.now,
    timeoutMs: 500,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  }).start(context);
  t.after(async () => {
    await handle.close();
    server.closeAllConnections();
    server.close();
  });
  const scrape = async () => {
    const { lives } = context;
    timers.advance(30_000);
    for (let tries = 0; context.lives === lives && tries < 2_000; tries++)
      await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const give = async (text: string) => {
    answer = (response) => response.end(text);
    await scrape();
  };
  return {
    context,
    give,
    scrape,
    name: `127.0.0.1:${port}`,
    answers: (with_: typeof answer) => {
      answer = with_;
    },
  };
}

test('metricsScrapeDetector() learns what is usual, and tells of errors far above it', async (t) => {
  const { context, give, name } = await rig(t);
  let errors = 0;
  const grow = async (by: number) => {
    errors += by;
    await give(`app_errors_total ${errors}\n`);
  };
  for (let count = 0; count < 40; count++) await grow(5 + (count % 3));
  assert.equal(context.told.length, 0);
  for (let count = 0; count < 4; count++) await grow(200);
  assert.deepEqual(
    context.told.map(({ type, subject, facts }) => [type, subject, facts['rule'], facts['scrapes']]),
    [['performance-anomaly', name, 'errors', 2]],
  );
});

test('metricsScrapeDetector() takes a counter that begins anew for no burst', async (t) => {
  const { context, give } = await rig(t);
  for (let count = 0; count < 30; count++) await give(`app_errors_total ${1_000_000 + count}\n`);
  await give('app_errors_total 2\n');
  await give('app_errors_total 3\n');
  assert.deepEqual(context.told, []);
});

test('metricsScrapeDetector() tells of a service that no longer answers, and not of one that never did', async (t) => {
  const { context, give, scrape, answers, name } = await rig(t);
  answers((response) => response.writeHead(500).end());
  for (let count = 0; count < 6; count++) await scrape();
  assert.equal(context.told.length, 0);
  await give('up 1\n');
  answers((response) => response.destroy());
  for (let count = 0; count < 6; count++) await scrape();
  assert.deepEqual(
    context.told.map(({ subject, facts }) => [subject, facts['sign'], facts['failures']]),
    [[name, 'metrics unanswered', 4]],
  );
});

test('metricsScrapeDetector() counts an answer without end or beyond all measure as none', async (t) => {
  const { context, give, scrape, answers } = await rig(t, defaultMetricRules, 1_000);
  await give('up 1\n');
  answers((response) => response.end('x'.repeat(5_000)));
  for (let count = 0; count < 2; count++) await scrape();
  answers((response) => response.write('up'));
  for (let count = 0; count < 2; count++) await scrape();
  assert.equal(context.told.length, 1);
  assert.deepEqual(context.failures, []);
});

test('metricsScrapeDetector() judges values and shares where a rule asks for them', async (t) => {
  const common = { type: 'performance-anomaly', severity: 'high', scrapes: 1 } as const;
  const { context, give } = await rig(t, [
    { ...common, id: 'queue', names: ['queue_length'], of: 'value', limit: 100 },
    { ...common, id: 'share', names: ['errors_total'], of: 'share', shareOf: ['requests_total'], limit: 0.2 },
  ]);
  await give('queue_length 5\nerrors_total 0\nrequests_total 100\n');
  await give('queue_length 150\nerrors_total 5\nrequests_total 200\n');
  assert.deepEqual(
    context.told.map(({ facts }) => facts['rule']),
    ['queue'],
  );
  await give('queue_length 5\nerrors_total 40\nrequests_total 300\n');
  assert.deepEqual(
    context.told.map(({ facts }) => facts['rule']),
    ['queue', 'share'],
  );
});
