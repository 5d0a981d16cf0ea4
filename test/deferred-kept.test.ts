// Requests that can wait: what of them lies on the disk, who is told, and what the journal and the copy of a user's data know.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { askedFor, batch, keys, type Ticket } from './deferred-rig.ts';
import { heal, metrics, rig } from './deferred-ways-rig.ts';
import { run, until } from './instance.ts';

interface Delivery {
  headers: IncomingHttpHeaders;
  body: string;
}

const deliveries: Delivery[] = [];
/** What the receiver answers next; 204 once this is empty. */
const replies: number[] = [];
const hook = createServer((req, res) => {
  let body = '';
  req.on('data', (piece) => {
    body += piece;
  });
  req.on('end', () => {
    deliveries.push({ headers: req.headers, body });
    res.writeHead(replies.shift() ?? 204).end();
  });
});
hook.listen(0, '127.0.0.1');
await once(hook, 'listening');
const hookUrl = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/told`;
after(() => hook.close());

function everyFile(dir: string): string {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      try {
        return readFileSync(join(entry.parentPath, entry.name), 'latin1');
      } catch (error) {
        // A file that was just written took the place of another one.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        return '';
      }
    })
    .join('\n');
}

test('neither question nor answer lies open on the disk, and the question is erased once it was answered', async () => {
  rig.mood = 'quota';
  const canary = 'the canary sings at dawn';
  rig.says = 'and the answer hums at dusk';
  const { id } = (await rig.ask(canary)).body;
  assert.ok(!everyFile(rig.dir).includes(canary));
  await heal();
  const { answer } = await rig.ended(id);
  assert.equal(answer?.choices[0]?.message.content, rig.says);
  const kept = everyFile(rig.dir);
  assert.ok(!kept.includes(canary) && !kept.includes(rig.says));
  assert.ok(!`${rig.instance.stderr()}${await metrics()}`.includes(canary));
});

test('a webhook is told, signed, again after a failure, and only where an answer may be sent', async () => {
  rig.mood = 'quota';
  for (const [url, code] of [
    ['http://example.org/x', 'ERR_DEFERRED_WEBHOOK'],
    ['https://10.0.0.8/x', 'ERR_DEFERRED_WEBHOOK'],
    ['https://localhost/x', 'ERR_DEFERRED_WEBHOOK'],
    ['https://[::ffff:192.168.1.1]/', 'ERR_DEFERRED_WEBHOOK'],
    ['https://me:pass@example.org/', 'ERR_DEFERRED_WEBHOOK'],
    ['https://metadata.google.internal/', 'ERR_DEFERRED_WEBHOOK'],
    ['nonsense', 'ERR_DEFERRED_WEBHOOK'],
  ] as const) {
    const refused = await rig.ask('told elsewhere', { ...batch, 'x-rempart-webhook': url });
    assert.ok(refused.status === 400 || refused.status === 403, `${url}: ${refused.status}`);
    if (refused.status === 400) assert.equal(refused.body.error.code, code, url);
  }
  replies.push(500);
  const { id } = (await rig.ask('tell me', { ...batch, 'x-rempart-webhook': hookUrl })).body;
  assert.ok(!everyFile(rig.dir).includes(hookUrl));
  await heal();
  assert.equal((await rig.ended(id)).webhook, 'due');
  await until(() => deliveries.length === 2);
  const [first, second] = deliveries;
  assert.equal(first?.headers['webhook-id'], second?.headers['webhook-id'], 'so that it is taken once');
  for (const { headers, body } of deliveries) {
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    const key = Buffer.from(keys.HOOK.slice(6), 'base64');
    assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    const { type, data } = JSON.parse(body) as { type: string; data: Ticket };
    assert.deepEqual([type, data.id, data.answer?.choices[0]?.message.content], ['deferred.answered', id, 'hello']);
  }
  await until(async () => (await rig.see(id)).body.webhook === 'done');
});

test('the journal knows each place that was given and the tries that followed it', async () => {
  rig.mood = 'quota';
  const { id } = (await rig.ask('followed')).body;
  await heal();
  await rig.ended(id);
  const lines = (await run(['journal', 'export'], { cwd: rig.dir })).stdout
    .split('\n')
    .filter((line) => line.includes(id));
  const kinds = lines.flatMap((line) => /"kind":"(\w+)"/.exec(line)?.[1] ?? []);
  assert.ok(kinds.includes('deferred') && kinds.includes('answered'), kinds.join(' '));
  assert.ok(lines.some((line) => line.includes('"degraded":"deferred"')));
});

test('what waits of a user is in the copy of their data, and gone with it', async () => {
  rig.mood = 'quota';
  const { id } = (await rig.ask('mine to take away')).body;
  const copy = await run(['privacy', 'export', '--subject', 'waiter', '--json'], { cwd: rig.dir });
  assert.ok(copy.stdout.includes(id) && copy.stdout.includes('mine to take away'), copy.stdout + copy.stderr);
  const erased = await run(['privacy', 'erase', '--subject', 'waiter', '--json'], { cwd: rig.dir });
  assert.equal(erased.code, 0, erased.stderr);
  assert.equal((await rig.see(id)).status, 404);
  const before = askedFor(rig, 'mine to take away');
  await heal();
  await until(async () => (await metrics()).includes('rempart_deferred_requests{state="waiting"} 0'));
  assert.equal(askedFor(rig, 'mine to take away'), before);
});
