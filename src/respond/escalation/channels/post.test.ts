import assert from 'node:assert/strict';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exampleNotice } from '../notice.fixture.ts';
import { ChannelAway } from './channel.ts';
import { openPhone } from './phone.ts';
import { mrkdwn, openSlack, slackBody } from './slack.ts';
import { openContactWebhook } from './webhook.ts';

interface Got {
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}
const got: Got[] = [];
let answer = { status: 200, headers: {} as Record<string, string> };
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  got.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
  response.writeHead(answer.status, answer.headers).end('thanks');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.close());
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const never = new AbortController().signal;
const at = Date.parse('2026-03-01T12:00:02.000Z');
const key = Buffer.from('a key of thirty-two bytes, or so').toString('base64');

/** A receiver's own check, written from the Standard Webhooks text: nothing of the sender is used. */
function genuine({ headers, body }: Got, secret: string, nowMs: number): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': given } = headers;
  if (Math.abs(nowMs / 1_000 - Number(time)) > 300) return false;
  const expected = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(`${String(id)}.${String(time)}.${body}`)
    .digest();
  return String(given)
    .split(' ')
    .some((one) => {
      const [version, signature = ''] = one.split(',');
      const bytes = Buffer.from(signature, 'base64');
      return version === 'v1' && bytes.length === expected.length && timingSafeEqual(bytes, expected);
    });
}

test('a webhook is signed so that its receiver can tell it from a forged, changed or old one', async () => {
  const webhook = openContactWebhook({ secret: `whsec_${key}`, timeoutMs: 5_000 }, () => at);
  const sent = await webhook.send(
    { id: 'INC-1.alert.Sec.webhook', address: `${origin}/hook`, notice: exampleNotice() },
    never,
  );
  assert.deepEqual(sent, { kind: 'taken' });
  const delivery = got.at(-1)!;
  assert.equal(delivery.headers['webhook-id'], 'INC-1.alert.Sec.webhook');
  assert.ok(genuine(delivery, `whsec_${key}`, at));
  assert.ok(!genuine(delivery, `whsec_${key}`, at + 600_000));
  assert.ok(!genuine({ ...delivery, body: delivery.body.replace('HIGH', 'LOW') }, `whsec_${key}`, at));
  assert.ok(!genuine(delivery, `whsec_${Buffer.from('another key').toString('base64')}`, at));
  const document = JSON.parse(delivery.body) as Record<string, unknown>;
  assert.equal(document['schema'], 'rempart/notice@1');
  assert.equal(document['subject'], '[REMPART URGENT] unauthorised-access - HIGH');
  assert.deepEqual(document['deeds'], { services: true, states: false, logs: false, monitoring: false });
});

test('a webhook is told from a forged one by the very lines that the documentation gives its receiver', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/notifications.md'), 'utf8');
  const source = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const { isGenuine } = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as {
    isGenuine: (headers: IncomingHttpHeaders, body: string, secret: string) => boolean;
  };
  for (const secret of [`whsec_${key}`, 'plain words']) {
    const webhook = openContactWebhook({ secret, timeoutMs: 5_000 }, Date.now);
    await webhook.send({ id: 'x', address: `${origin}/hook`, notice: exampleNotice() }, never);
    const { headers, body } = got.at(-1)!;
    assert.equal(isGenuine(headers, body, secret), true);
    assert.equal(isGenuine(headers, body.replace('HIGH', 'LOW'), secret), false);
    assert.equal(isGenuine(headers, body, 'another'), false);
    assert.equal(isGenuine({ ...headers, 'webhook-timestamp': '1' }, body, secret), false);
  }
});

test('a webhook that is refused says whether it may pass later, and follows no redirect', async () => {
  const webhook = openContactWebhook({ secret: 's', timeoutMs: 5_000 }, () => at);
  const send = () => webhook.send({ id: 'x', address: `${origin}/hook`, notice: exampleNotice() }, never);
  for (const [status, kind] of [
    [410, 'refused'],
    [503, 'away'],
    [429, 'away'],
    [401, 'away'],
    [302, 'away'],
  ] as const) {
    answer = { status, headers: { 'retry-after': '7', location: `${origin}/elsewhere` } };
    const sent = await send().catch((error: unknown) => error);
    if (kind === 'refused') assert.deepEqual(sent, { kind, why: `http-${status}` });
    else assert.ok(sent instanceof ChannelAway && sent.why === `http-${status}` && sent.retryAfterMs === 7_000);
  }
  answer = { status: 200, headers: {} };
  assert.ok(!got.some(({ url }) => url === '/elsewhere'));
  await assert.rejects(
    webhook.send({ id: 'x', address: 'http://127.0.0.1:1/', notice: exampleNotice() }, never),
    ChannelAway,
  );
});

test('Slack gets blocks in which nothing from outside can mention, link or format', async () => {
  const slack = openSlack({ to: { '#security': `${origin}/slack` }, timeoutMs: 5_000 }, () => at);
  const hostile = '<!channel> <https://evil.example|click> *bold* `code` @here & \u202e\u001b[31m';
  const notice = exampleNotice({ host: hostile, details: [hostile], toCall: [hostile] });
  const incident = { ...notice.incident, title: hostile, subject: hostile };
  await slack.send({ id: 'x', address: '#security', notice: { ...notice, incident } }, never);
  const { url, body } = got.at(-1)!;
  assert.equal(url, '/slack');
  const message = JSON.parse(body) as { text: string; blocks: { type: string }[] };
  assert.ok(!/[<>]/.test(message.text));
  assert.ok(!message.text.includes('*bold*'));
  const marked: string[] = [];
  JSON.stringify(message.blocks, (_key, value: unknown) => {
    const text = value as { type?: string; text?: string } | null;
    if (text?.type === 'mrkdwn') marked.push(text.text ?? '');
    return value;
  });
  assert.ok(marked.length > 0 && marked.every((text) => !text.includes('evil') && !text.includes('channel')));
  assert.ok(!/[\u202e\u001b]/.test(body));
  assert.ok(message.blocks.length <= 50);
  assert.equal(slack.reaches('#security'), true);
  assert.equal(slack.reaches('#elsewhere'), false);
  assert.deepEqual(await slack.send({ id: 'x', address: '#elsewhere', notice }, never), {
    kind: 'refused',
    why: 'no-webhook',
  });
});

test('Slack gets texts within its limits, whatever was detected', () => {
  const long = 'x'.repeat(50_000);
  const notice = exampleNotice({ details: Array.from({ length: 12 }, () => long), host: long });
  const { blocks } = JSON.parse(slackBody(notice)) as {
    blocks: { text?: { text: string }; fields?: { text: string }[] }[];
  };
  for (const { text, fields } of blocks) {
    assert.ok((text?.text.length ?? 0) <= 3_000);
    assert.ok((fields?.length ?? 0) <= 10);
    for (const field of fields ?? []) assert.ok(field.text.length <= 2_000);
  }
});

test('mrkdwn() leaves no sign that Slack would read', () => {
  assert.equal(mrkdwn('<@U1> & a>b'), '&lt;@\u200bU1&gt; &amp; a&gt;b');
});

test('a telephone number is shown where nothing calls, and called with what a voice can say where something does', async () => {
  const notice = exampleNotice({ lang: 'fr' });
  const delivery = { id: 'x', address: '+33 1 23 45 67 89', notice };
  assert.deepEqual(await openPhone(undefined, () => at).send(delivery, never), { kind: 'shown' });
  const phone = openPhone({ webhook: `${origin}/call`, secret: `whsec_${key}`, timeoutMs: 5_000 }, () => at);
  assert.deepEqual(await phone.send(delivery, never), { kind: 'taken' });
  const call = got.at(-1)!;
  assert.ok(genuine(call, `whsec_${key}`, at));
  const { say, phone: number, lang } = JSON.parse(call.body) as Record<string, string>;
  assert.deepEqual([number, lang], ['+33 1 23 45 67 89', 'fr']);
  assert.match(say ?? '', /INCIDENT DÉTECTÉ.*Investigation immédiate requise\./);
});
