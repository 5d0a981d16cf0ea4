// Webhooks and OTLP logs: what is sent over HTTP, how it is signed, and what is made of each refusal.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { openOtlpLogs } from '../src/platform/journal/sinks/otlp-logs.ts';
import { openWebhook } from '../src/platform/journal/sinks/webhook.ts';
import { until } from './instance.ts';
import { place, startDelivery, startHttp } from './sinks-rig.ts';

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
