// Elasticsearch gets each record once, whatever it refuses, however long it is away, and when the sender is killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openElasticsearch } from '../src/platform/journal/sinks/elasticsearch.ts';
import { readPlaces } from '../src/platform/journal/sinks/offsets.ts';
import { until } from './instance.ts';
import { place, startBulk, startDelivery } from './sinks-rig.ts';

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
