// People told while the database is away, by a real server of theirs.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import type { JsonObject } from '../platform/base/json.ts';
import { openContactWebhook } from './escalation/channels/webhook.ts';
import type { Contact } from './escalation/contacts.ts';
import { loadMatrix } from './escalation/matrix.ts';
import { loadTaxonomy } from './taxonomy/load-taxonomy.ts';
import { tellWhileAway } from './tell-while-away.ts';

const bodies: string[] = [];
let refusals = 1;
const server = createServer((req, res) => {
  let body = '';
  req.on('data', (chunk: Buffer) => {
    body += chunk.toString('utf8');
  });
  req.on('end', () => {
    if (refusals-- > 0) return res.writeHead(503).end();
    bodies.push(body);
    return res.writeHead(204).end();
  });
});
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
const stop = new AbortController();
after(() => {
  stop.abort();
  server.close();
});

function teller(contacts: Contact[]) {
  const events: JsonObject[] = [];
  const tell = tellWhileAway({
    contacts,
    channels: { webhook: openContactWebhook({ secret: 'whsec_c2VjcmV0LW9mLXRlc3Rz', timeoutMs: 5_000 }, Date.now) },
    matrix: loadMatrix(),
    taxonomy: loadTaxonomy(),
    lang: 'fr',
    journal: { append: async (event) => ({ stream: 'respond', seq: events.push(event), hash: '' }) },
    log: { debug() {}, info() {}, warn() {}, error: console.error },
    now: Date.now,
    signal: stop.signal,
  });
  return { tell, events };
}

const { port } = server.address() as AddressInfo;
const ada: Contact = {
  name: 'Ada',
  role: 'security',
  from: 'warning',
  types: [],
  webhook: `http://127.0.0.1:${port}/`,
};
const down = (subject = 'store') => ({
  ...{ detector: 'signals', type: 'database-down', subject, severity: 'high' as const, facts: { cause: 'locked' } },
  ...{ occurredAt: Date.now(), detectedAt: Date.now() },
});

test('tellWhileAway() tells people of a thing once, tries again where it must, and journals what came of it', {
  timeout: 600_000,
}, async () => {
  const { tell, events } = teller([ada]);
  await Promise.all([tell(down()), tell(down())]);
  await tell(down());
  assert.equal(bodies.length, 1);
  assert.match(bodies[0] ?? '', /database-down/);
  assert.match(bodies[0] ?? '', /La base de données est injoignable/);
  assert.deepEqual(
    events.map(({ api, status_id }) => [api, status_id]),
    [[{ operation: 'notify webhook' }, 1]],
  );
  await tell(down('replica'));
  assert.equal(bodies.length, 2, 'another thing is told as well');
});

test('tellWhileAway() tells nobody who is not concerned', async () => {
  bodies.length = 0;
  const { tell, events } = teller([{ ...ada, types: ['llm-poisoning'] }]);
  await tell(down());
  assert.deepEqual([bodies, events], [[], []]);
});
