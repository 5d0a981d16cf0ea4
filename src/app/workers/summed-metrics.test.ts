// Metrics of several threads on one page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics } from './protocol.ts';
import { createSummedMetrics } from './summed-metrics.ts';

function registryOf(count: number, seconds: number[], waiting: number): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: 'asked_total', help: 'Asked', labelNames: ['who'], registers }).inc({ who: 'ada' }, count);
  const times = new Histogram({ name: 'took_seconds', help: 'Took', buckets: [1, 2], registers });
  for (const one of seconds) times.observe(one);
  new Gauge({ name: 'waiting', help: 'Waiting', registers }).set(waiting);
  return registry;
}
const json = async (registry: Registry) => (await registry.getMetricsAsJSON()) as Metrics;

test('createSummedMetrics() adds up counters, histograms and gauges of all threads, and keeps what a dead one counted', async () => {
  const own = registryOf(1, [0.5], 1);
  new Gauge({ name: 'alone', help: 'Alone', registers: [own] }).set(7);
  collectDefaultMetrics({ register: own });
  const summed = createSummedMetrics(own);
  const [first, second] = [{}, {}];
  summed.note(first, await json(registryOf(2, [0.5, 1.5], 2)));
  summed.note(second, await json(registryOf(4, [1.5, 9], 4)));
  const before = await summed.text();
  assert.match(before, /^asked_total\{who="ada"\} 7$/m);
  assert.match(before, /^took_seconds_bucket\{le="1"\} 2$/m);
  assert.match(before, /^took_seconds_bucket\{le="\+Inf"\} 5$/m);
  assert.match(before, /^took_seconds_count 5$/m);
  assert.match(before, /^waiting 7$/m);
  assert.match(before, /^alone 7$/m);
  assert.match(before, /^process_start_time_seconds 1\d{9}/m);
  assert.equal(before.match(/^# TYPE asked_total counter$/gm)?.length, 1);
  summed.keep(first);
  summed.note(first, await json(registryOf(1, [], 0)));
  summed.keep(second);
  const after = await summed.text();
  assert.match(after, /^asked_total\{who="ada"\} 8$/m);
  assert.match(after, /^took_seconds_count 5$/m);
  assert.match(after, /^took_seconds_sum 13$/m);
  assert.match(after, /^waiting 1$/m);
});

test('createSummedMetrics() asks each metric of the main thread once a page: some begin anew when they are asked', async () => {
  const own = registryOf(1, [], 0);
  let sinceLast = 5;
  new Gauge({
    name: 'longest',
    help: 'Longest',
    registers: [own],
    collect() {
      this.set(sinceLast);
      sinceLast = 0;
    },
  });
  const summed = createSummedMetrics(own);
  summed.note({}, await json(registryOf(2, [], 0)));
  assert.match(await summed.text(), /^longest 5$/m);
});
