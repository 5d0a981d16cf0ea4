// Sinks get every record of the journal at least once: over real sockets, with refusals, absences, torn writes and kill -9.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLog } from '../src/platform/base/log.ts';
import { openElasticsearch } from '../src/platform/journal/sinks/elasticsearch.ts';
import { type Places, readOn } from '../src/platform/journal/sinks/follow.ts';
import { readPlaces } from '../src/platform/journal/sinks/offsets.ts';
import { openOtlpLogs } from '../src/platform/journal/sinks/otlp-logs.ts';
import { searchJournal } from '../src/platform/journal/sinks/search.ts';
import type { Sink } from '../src/platform/journal/sinks/sink.ts';
import { searchPlace, startSinks } from '../src/platform/journal/sinks/start-sinks.ts';
import { openStoreIndex } from '../src/platform/journal/sinks/store-index.ts';
import { openSyslog } from '../src/platform/journal/sinks/syslog.ts';
import { openWebhook } from '../src/platform/journal/sinks/webhook.ts';
import { makePlace, until } from './instance.ts';
import { openJournal, recordIn, startBulk, startDelivery, startHttp, startTcp } from './sinks-rig.ts';

const elastic = (url: string) =>
  openElasticsearch({ name: 'siem', kind: 'elasticsearch', url, prefix: 'rempart-audit', timeoutMs: 2_000 }, Date.now);

test('openElasticsearch() fills one index a month with the audit fields, each record once', async (t) => {
  const { data, journals, write } = await place(t);
  const bulk = await startBulk();
  t.after(bulk.close);
  await write(120);
  const delivery = startDelivery(data, 'siem', elastic(bulk.url));
  await until(() => bulk.documents.size === 120);
  await delivery.stop();
  const at = new Date();
  const month = `rempart-audit-${at.getUTCFullYear()}.${String(at.getUTCMonth() + 1).padStart(2, '0')}`;
  const [first] = [...bulk.documents.values()];
  assert.equal(first?.index, month);
  assert.deepEqual(
    { ...first?.source, timestamp: '', '@timestamp': '', ocsf: '', journal: '' },
    {
      timestamp: '',
      '@timestamp': '',
      ocsf: '',
      journal: '',
      event_type: 'api.outcome',
      user_id: 'user-0',
      source_ip: '192.0.2.7',
      model_used: null,
      endpoint: 'POST /v1/chat/completions',
      prompt_hash: null,
      response_size: null,
      processing_time: null,
      success: true,
    },
  );
  assert.match(bulk.templates[0] ?? '', /"rempart-audit-\*"/);
  await journals.close();
});

test('openElasticsearch() sends again what was busy, sets aside what is refused for good, and loses nothing else', async (t) => {
  const { data, journals, write } = await place(t);
  const poison = new Set<string>();
  const bulk = await startBulk((nth, id, attempt) => {
    if (nth === 3 && poison.size === 0) poison.add(id);
    if (poison.has(id)) return 400;
    return nth % 5 === 0 && attempt === 1 ? 429 : undefined;
  });
  t.after(bulk.close);
  await write(60);
  const delivery = startDelivery(data, 'siem', elastic(bulk.url));
  await until(() => bulk.documents.size === 59);
  await until(() => delivery.last()?.delivered === 60);
  await delivery.stop();
  const aside = readFileSync(join(data, 'sinks', 'siem.refused.jsonl'), 'utf8')
    .trim()
    .split('\n');
  assert.equal(aside.length, 1);
  const { hash, why } = JSON.parse(aside[0]!) as { hash: string; why: string };
  assert.ok(poison.has(hash));
  assert.equal(why, '400 mapper_parsing_exception');
  assert.equal(delivery.last()?.refused, 1);
  await journals.close();
});

test('openElasticsearch() waits for a server that is down, busy or will not let it in, and then has everything', async (t) => {
  const { data, journals, write } = await place(t);
  let refusal: number | undefined;
  const bulk = await startBulk(undefined, { whole: () => refusal });
  await write(20);
  const delivery = startDelivery(data, 'siem', elastic(bulk.url));
  await until(() => bulk.documents.size === 20);
  for (const status of [429, 503, 401]) {
    refusal = status;
    await write(5);
    await until(() => delivery.last()?.state === 'away' && delivery.last()?.cause === String(status));
    refusal = undefined;
    await until(() => delivery.last()?.state === 'ok');
  }
  await bulk.close();
  await write(15);
  await until(() => delivery.last()?.state === 'away');
  assert.match(delivery.last()?.cause ?? '', /^E|^ConnectionError$/);
  assert.ok((delivery.last()?.bytesBehind ?? 0) > 0 && (delivery.last()?.oldestAt ?? 0) > 0);
  const again = await startBulk(undefined, bulk);
  t.after(again.close);
  await until(() => again.documents.size === 50);
  await until(() => delivery.last()?.bytesBehind === 0);
  await delivery.stop();
  await journals.close();
});

test('startSinks() sends twice, and stores once, what was sent when it was killed before it could remember', async (t) => {
  const { data, journals, write } = await place(t);
  await write(40);
  let kill = () => {};
  const bulk = await startBulk((nth) => {
    // Taken by the server, and the answer never read.
    if (nth === 39) kill();
    return undefined;
  });
  t.after(bulk.close);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'sinks-child.ts'), data, bulk.url], {
    stdio: 'ignore',
  });
  kill = () => process.kill(child.pid!, 'SIGKILL');
  await once(child, 'exit');
  kill = () => {};
  assert.equal(bulk.documents.size, 40);
  assert.deepEqual(readPlaces(join(data, 'sinks', 'siem.json')), {});
  await write(2);
  const delivery = startDelivery(data, 'siem', elastic(bulk.url));
  await until(() => delivery.last()?.delivered === 42);
  await delivery.stop();
  assert.equal(bulk.documents.size, 42);
  assert.ok([...bulk.sent.values()].filter((times) => times === 2).length >= 40);
  await journals.close();
});

test('readOn() follows the journal over segments, and reads anew where a failed write was cut off again', async (t) => {
  const { data, journals, write } = await place(t, 2_000);
  for (let at = 0; at < 10; at++) await write(3);
  const dir = join(data, 'journal');
  assert.ok(readdirSync(join(dir, 'gateway')).length > 3);
  let places: Places = {};
  const seen: number[] = [];
  for (;;) {
    const read = readOn(dir, places, { records: 7, bytes: 1_000 });
    if (read.records.length === 0) break;
    seen.push(...read.records.map(({ seq }) => seq));
    places = read.places;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 30 }, (_, at) => at + 1),
  );
  await journals.close();

  // What a write leaves that is cut off by its writer after we have read it.
  const folder = join(dir, 'gateway');
  const last = join(folder, readdirSync(folder).sort().at(-1)!);
  const { size } = statSync(last);
  appendFileSync(
    last,
    `${JSON.stringify({ event: {}, hash: 'a'.repeat(64), prev: places['gateway']?.hash ?? '', seq: 31, stream: 'gateway', time: 1 })}\n`,
  );
  const early = readOn(dir, places, { records: 9, bytes: 1_000 });
  assert.equal(early.records.length, 1);
  truncateSync(last, size);
  const anew = await openJournal(data, 1_000_000);
  await anew.write(3, { padding: 'x'.repeat(300) });
  await anew.journals.close();
  const after = readOn(dir, early.places, { records: 9, bytes: 100_000 });
  assert.deepEqual(
    after.records.map(({ seq }) => seq),
    [31, 32, 33],
  );
});

test('readOn() counts a line that is no record and goes on after it', async (t) => {
  const { data, journals, write } = await place(t);
  await write(2);
  await journals.close();
  const folder = join(data, 'journal', 'gateway');
  appendFileSync(join(folder, readdirSync(folder)[0]!), 'garbage\n');
  const read = readOn(join(data, 'journal'), {}, { records: 9, bytes: 100_000 });
  assert.equal(read.records.length, 2);
  assert.equal(read.unreadable, 1);
});

test('openSyslog() frames RFC 5424 messages by their length and repeats what may be lost when a connection breaks', async (t) => {
  const { data, journals, write } = await place(t);
  const tcp = await startTcp();
  t.after(tcp.close);
  const sink = openSyslog({
    ...{ name: 's', kind: 'syslog', host: '127.0.0.1', port: tcp.port, transport: 'tcp' },
    ...{ facility: 13, appName: 'rempart', timeoutMs: 2_000 },
  } as const);
  await write(10, { text: 'é – ü' });
  const delivery = startDelivery(data, 's', sink);
  const seen = () => new Set(tcp.messages().map((message) => recordIn(message).seq));
  await until(() => seen().size === 10);
  assert.match(
    tcp.messages()[0]!,
    /^<110>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S+ rempart \d+ api\.outcome - \ufeff\{/,
  );
  for (let round = 0; round < 3; round++) {
    tcp.drop();
    await write(10);
  }
  await until(() => seen().size === 40);
  await delivery.stop();
  await journals.close();
});

test('openSyslog() sends a datagram a record', async (t) => {
  const { data, journals, write } = await place(t);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const seen = new Set<number>();
  socket.on('message', (bytes) => seen.add(recordIn(bytes.toString('utf8')).seq));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const sink = openSyslog({
    ...{ name: 'u', kind: 'syslog', host: '127.0.0.1', port: socket.address().port, transport: 'udp' },
    ...{ facility: 13, appName: 'rempart', timeoutMs: 2_000 },
  } as const);
  await write(5);
  const delivery = startDelivery(data, 'u', sink);
  await until(() => seen.size === 5);
  await delivery.stop();
  await journals.close();
});

test('openWebhook() signs each delivery, and finds the one record that its receiver will not have', async (t) => {
  const { data, journals, write } = await place(t);
  const taken = new Map<number, string>();
  const hook = await startHttp((_req, res, body) => {
    const { records } = JSON.parse(body) as { records: { seq: number; hash: string }[] };
    if (records.some(({ seq }) => seq === 7)) return res.writeHead(422).end();
    for (const { seq, hash } of records) taken.set(seq, hash);
    return res.writeHead(204).end();
  });
  t.after(hook.close);
  await write(12);
  const secret = 'whsec_' + Buffer.from('a secret of the receiver').toString('base64');
  const delivery = startDelivery(
    data,
    'hook',
    openWebhook({ name: 'hook', kind: 'webhook', url: hook.url, secret, timeoutMs: 2_000 }, Date.now),
  );
  await until(() => delivery.last()?.delivered === 12);
  await delivery.stop();
  assert.deepEqual(
    [...taken.keys()].sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12],
  );
  assert.equal(delivery.last()?.refused, 1);
  for (const { headers, body } of hook.requests) {
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    const expected = createHmac('sha256', 'a secret of the receiver').update(signed).digest('base64');
    assert.equal(headers['webhook-signature'], `v1,${expected}`);
  }
  await journals.close();
});

test('openOtlpLogs() sends log records, waits out 429 and does not follow a redirect', async (t) => {
  const { data, journals, write } = await place(t);
  const statuses = [429, 307, 200];
  const collector = await startHttp((_req, res) => {
    const status = statuses.length > 1 ? statuses.shift()! : 200;
    res.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0', location: 'http://127.0.0.1:1/' });
    res.end('{}');
  });
  t.after(collector.close);
  await write(3);
  const settings = {
    name: 'o',
    kind: 'otlp',
    url: collector.url,
    headers: { 'x-tenant': 't' },
    timeoutMs: 2_000,
  } as const;
  const delivery = startDelivery(data, 'o', openOtlpLogs(settings, Date.now));
  await until(() => delivery.last()?.delivered === 3);
  await delivery.stop();
  assert.equal(collector.requests.length, 3);
  const { path, headers, body } = collector.requests[2]!;
  assert.equal(path, '/v1/logs');
  assert.equal(headers['x-tenant'], 't');
  const [log] = (JSON.parse(body) as { resourceLogs: { scopeLogs: { logRecords: Record<string, unknown>[] }[] }[] })
    .resourceLogs[0]!.scopeLogs[0]!.logRecords;
  assert.equal(log?.['severityNumber'], 9);
  assert.equal(log?.['eventName'], 'rempart.api.outcome');
  await journals.close();
});

test('searchJournal() finds by text, field and time, in the index and in what the index has not reached yet', async (t) => {
  const { data, journals, write } = await place(t);
  const where = searchPlace(data, { path: join(data, 'store.sqlite') });
  await write(30);
  const without = await searchJournal(where, { texts: ['USER-1'], fields: [], limit: 100 });
  assert.deepEqual([without.index, without.records.length], ['missing', 10]);
  const delivery = startDelivery(data, 'search', openStoreIndex(where.index));
  await until(() => delivery.last()?.delivered === 30);
  await delivery.stop();
  await write(6, { colour: 'blue' });
  const found = await searchJournal(where, { texts: [], fields: [{ name: 'user_id', value: 'user-2' }], limit: 100 });
  assert.deepEqual([found.index, found.readFromFiles, found.records.length], ['used', 6, 12]);
  const blue = await searchJournal(where, {
    texts: [],
    fields: [{ name: 'unmapped.colour', value: 'blue' }],
    limit: 4,
  });
  assert.deepEqual(
    blue.records.map(({ seq }) => seq),
    [33, 34, 35, 36],
  );
  const later = await searchJournal(where, { texts: [], fields: [], since: Date.now() + 1_000, limit: 4 });
  assert.equal(later.records.length, 0);
  await journals.close();
});

test('startSinks() fills the index in a thread of its own, tells how far it is, and goes on where it was', async (t) => {
  const { data, journals, write } = await place(t);
  const store = { path: join(data, 'store.sqlite') };
  await write(3);
  for (const expected of [3, 5]) {
    const sinks = startSinks({ data, store, log: createLog('silent') }, { search: true, to: [] });
    await until(() => (readPlaces(join(data, 'sinks', 'search.json'))['gateway']?.seq ?? 0) === expected);
    await until(() => sinks.states()['search']?.bytesBehind === 0);
    await sinks.close();
    await write(2);
  }
  assert.ok(existsSync(join(data, 'search.sqlite')));
  await journals.close();
});

test('deliver() tells a place that cannot be written as an absence, and begins again when the file is garbage', async (t) => {
  const { data, journals, write } = await place(t);
  await write(4);
  const seqs: number[] = [];
  const sink: Sink = {
    async send(records) {
      seqs.push(...records.map(({ seq }) => seq));
      return { kind: 'taken' };
    },
    close: async () => undefined,
  };
  const first = startDelivery(data, 'x', sink);
  await until(() => first.last()?.delivered === 4);
  await first.stop();
  writeFileSync(join(data, 'sinks', 'x.json'), '{"places": 3');
  const second = startDelivery(data, 'x', sink);
  await until(() => second.last()?.delivered === 4);
  await second.stop();
  assert.deepEqual(seqs, [1, 2, 3, 4, 1, 2, 3, 4]);
  await journals.close();
});

async function place(t: { after: (end: () => void) => void }, segmentBytes?: number) {
  const { dir, remove } = makePlace();
  t.after(remove);
  return openJournal(dir, segmentBytes);
}
