// The exporter before collectors that fail: what it sends again, what it gives up, and that nobody waits for it.
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { createLog } from '../base/log.ts';
import type { Span } from './span.ts';
import { createSpanExporter, type SpanExporterSettings } from './span-exporter.ts';

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

/** Answers as told; keeps the number of spans of each request. */
async function startCollector(answer: (res: ServerResponse, nth: number) => void) {
  const seen: number[] = [];
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: unknown[] }[] }[] };
    seen.push(resourceSpans[0]?.scopeSpans[0]?.spans.length ?? 0);
    answer(res, seen.length);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const span = (name = 'x'): Span => ({
  ...{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name, kind: 'server' },
  ...{ startUs: 1_700_000_000_000_000, endUs: 1_700_000_000_000_001, attributes: {}, isError: false },
});

function exporterTo(url: string, more: Partial<SpanExporterSettings> = {}) {
  return createSpanExporter(
    { now: Date.now, random: () => 0, log: createLog('silent') },
    { url, headers: {}, timeoutMs: 2_000, service: 's', everyMs: 10, firstPauseMs: 5, ...more },
  );
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 60_000; !condition(); ) {
    if (Date.now() > end) throw new Error('it did not come to pass within a minute');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('createSpanExporter() sends in batches, and what is left when it is closed', async () => {
  const { url, seen } = await startCollector((res) => res.end('{}'));
  const exporter = exporterTo(url, { batch: 4, everyMs: 60_000 });
  for (let n = 0; n < 10; n++) exporter.offer(span());
  await until(() => exporter.counts().exported >= 4);
  await exporter.close(5_000);
  assert.deepEqual(exporter.counts(), { exported: 10, dropped: 0, rejected: 0, waiting: 0 });
  assert.ok(seen.every((count) => count <= 4));
  exporter.offer(span());
  assert.equal(exporter.counts().dropped, 1, 'nothing is taken once it is closed');
});

test('createSpanExporter() sends a batch again when the collector is busy, and gives it up after its attempts', async () => {
  const { url, seen } = await startCollector((res, nth) => {
    res.statusCode = nth <= 2 ? 503 : 200;
    res.end('{}');
  });
  const patient = exporterTo(url);
  patient.offer(span());
  await until(() => patient.counts().exported === 1);
  assert.deepEqual(seen, [1, 1, 1]);
  await patient.close(1_000);
  const away = await startCollector((res) => res.destroy());
  const giving = exporterTo(away.url, { attempts: 3 });
  giving.offer(span());
  await until(() => giving.counts().dropped === 1);
  assert.equal(away.seen.length, 3);
  await giving.close(1_000);
});

test('createSpanExporter() keeps no more than it has room for, and takes no time of who offers', async () => {
  const { url } = await startCollector(() => {});
  const exporter = exporterTo(url, { batch: 10, maxWaiting: 100 });
  const before = process.cpuUsage();
  for (let n = 0; n < 5_000; n++) exporter.offer(span());
  const { user, system } = process.cpuUsage(before);
  assert.ok((user + system) / 5_000 < 100, `${(user + system) / 5_000} µs each`);
  await until(() => exporter.counts().waiting <= 100);
  const { dropped, waiting } = exporter.counts();
  assert.ok(waiting <= 100 && dropped >= 4_880, JSON.stringify({ dropped, waiting }));
  const from = performance.now();
  await exporter.close(200);
  assert.ok(performance.now() - from < 60_000, 'a collector that hangs holds nobody up');
  assert.equal(exporter.counts().exported, 0);
  assert.equal(exporter.counts().dropped, 5_000);
});

test('createSpanExporter() counts what the collector rejects, and does not send it again', async () => {
  const partial = await startCollector((res) => res.end('{"partialSuccess":{"rejectedSpans":"2"}}'));
  const some = exporterTo(partial.url);
  for (let n = 0; n < 5; n++) some.offer(span());
  await some.close(5_000);
  assert.deepEqual([some.counts().exported, some.counts().rejected, partial.seen], [3, 2, [5]]);
  const refusing = await startCollector((res) => {
    res.statusCode = 400;
    res.end();
  });
  const none = exporterTo(refusing.url);
  none.offer(span());
  await none.close(5_000);
  assert.deepEqual([none.counts().rejected, refusing.seen], [1, [1]]);
});
