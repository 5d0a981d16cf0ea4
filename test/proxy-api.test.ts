// The admin API of the fault proxy as Toxiproxy's clients meet it: statuses, headers, bodies, order of checks, guards.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { listen, pause, type Rig, startRig, wire } from './proxy-rig.ts';

let rig: Rig;
before(async () => {
  rig = await startRig();
});
after(() => rig.close());

const text = 'text/plain; charset=utf-8';
const refusal = (error: string, status: number) => `${JSON.stringify({ error, status })}\n`;

interface Golden {
  ask: [method: string, path: string, body?: unknown];
  status: number;
  body?: string | RegExp;
  type?: string;
}
/** In this order, on one server that begins empty. */
const golden: Golden[] = [
  { ask: ['GET', '/proxies'], status: 200, body: '{}', type: 'application/json' },
  {
    ask: ['GET', '/version'],
    status: 200,
    body: '{"version": "2.12.0+test"}\n',
    type: 'application/json;charset=utf-8',
  },
  {
    ask: ['POST', '/proxies', { NAME: 'mail', Listen: '127.0.0.1:0', upstream: 'localhost:25', extra: [1] }],
    status: 201,
    body: /^\{"name":"mail","listen":"127\.0\.0\.1:\d+","upstream":"localhost:25","enabled":true,"Logger":\{\},"toxics":\[\]\}$/,
    type: 'application/json',
  },
  {
    ask: ['POST', '/proxies', '{"name":"mail","upstream":"a:1"} and more'],
    status: 409,
    body: refusal('proxy already exists', 409),
    type: text,
  },
  { ask: ['POST', '/proxies', '{}'], status: 400, body: refusal('missing required field: name', 400), type: text },
  { ask: ['POST', '/proxies', { name: 'mail' }], status: 400, body: refusal('missing required field: upstream', 400) },
  { ask: ['POST', '/proxies', 'null'], status: 400, body: refusal('missing required field: name', 400) },
  { ask: ['POST', '/proxies', ''], status: 400, body: refusal('bad request body: EOF', 400) },
  { ask: ['POST', '/proxies', '{"name"'], status: 400, body: refusal('bad request body: unexpected EOF', 400) },
  {
    ask: ['POST', '/proxies', '{"name" 1}'],
    status: 400,
    body: refusal("bad request body: invalid character '1' after object key", 400),
  },
  {
    ask: ['POST', '/proxies', '[1 2]'],
    status: 400,
    body: refusal("bad request body: invalid character '2' after array element", 400),
  },
  {
    ask: ['POST', '/proxies', '{"upstream":false,"name":"x"}'],
    status: 400,
    body: refusal(
      'bad request body: json: cannot unmarshal bool into Go struct field Proxy.upstream of type string',
      400,
    ),
  },
  {
    ask: ['POST', '/proxies', { name: 'x', upstream: 'a:1', listen: 'a:b:c' }],
    status: 500,
    body: refusal('listen tcp: address a:b:c: too many colons in address', 500),
  },
  {
    ask: ['POST', '/proxies', { name: 'x', upstream: 'a:1', listen: '127.0.0.1:70000' }],
    status: 500,
    body: refusal('listen tcp: address 70000: invalid port', 500),
  },
  {
    ask: ['POST', '/proxies', { name: 'x', upstream: 'a:1', listen: '192.0.2.1:7' }],
    status: 500,
    body: refusal('listen tcp 192.0.2.1:7: bind: cannot assign requested address', 500),
  },
  {
    ask: ['POST', '/proxies', { name: 'x', upstream: 'a:1', toxics: [{ type: 'nonsense' }] }],
    status: 400,
    body: refusal('invalid toxic type', 400),
  },
  { ask: ['GET', '/proxies/x'], status: 404, body: refusal('proxy not found', 404), type: text },
  { ask: ['PATCH', '/proxies/x', '['], status: 404, body: refusal('proxy not found', 404) },
  {
    ask: ['PATCH', '/proxies/mail', { enabled: false, name: 'other' }],
    status: 200,
    body: /"name":"mail".*"enabled":false/,
  },
  {
    ask: ['PATCH', '/proxies/mail', { upstream: 'localhost:26' }],
    status: 200,
    body: /"upstream":"localhost:26","enabled":false/,
  },
  { ask: ['POST', '/proxies/mail', { enabled: true }], status: 200, body: /"enabled":true/ },
  { ask: ['POST', '/proxies/mail/toxics', { type: 'Latency' }], status: 400, body: refusal('invalid toxic type', 400) },
  {
    ask: ['POST', '/proxies/mail/toxics', { type: 'latency', stream: 'both', attributes: { latency: 'x' } }],
    status: 400,
    body: refusal('stream was invalid, can be either upstream or downstream', 400),
  },
  {
    ask: ['POST', '/proxies/mail/toxics', { type: 'limit_data', attributes: { Bytes: 9, other: 1 }, toxicity: 0.1 }],
    status: 200,
    body: '{"attributes":{"bytes":9},"name":"limit_data_downstream","type":"limit_data","stream":"downstream","toxicity":0.1}',
  },
  {
    ask: ['POST', '/proxies/mail/toxics', { type: 'noop', stream: 'UPSTREAM', name: '<a>' }],
    status: 200,
    body: '{"attributes":{},"name":"\\u003ca\\u003e","type":"noop","stream":"UPSTREAM","toxicity":1}',
  },
  {
    ask: ['POST', '/proxies/mail/toxics', { type: 'timeout', name: '<a>' }],
    status: 409,
    body: refusal('toxic already exists', 409),
  },
  {
    ask: ['POST', '/proxies/mail/toxics', { type: 'bandwidth', attributes: { rate: 9.5 } }],
    status: 400,
    body: refusal(
      'bad request body: json: cannot unmarshal number 9.5 into Go struct field BandwidthToxic.attributes.rate of type int64',
      400,
    ),
  },
  {
    ask: ['GET', '/proxies/mail/toxics'],
    status: 200,
    body: /^\[\{"attributes":\{\},"name":"\\u003ca\\u003e".*\{"attributes":\{"bytes":9\}/,
  },
  {
    ask: ['PATCH', '/proxies/mail/toxics/limit_data_downstream', { name: 'z', type: 'noop', toxicity: 2 }],
    status: 200,
    body: '{"attributes":{"bytes":9},"name":"limit_data_downstream","type":"limit_data","stream":"downstream","toxicity":2}',
  },
  { ask: ['DELETE', '/proxies/mail/toxics/%3Ca%3E'], status: 204, body: '' },
  { ask: ['GET', '/proxies/mail/toxics/%3Ca%3E'], status: 404, body: refusal('toxic not found', 404) },
  { ask: ['POST', '/populate', '[]'], status: 201, body: '{"proxies":null}', type: 'application/json' },
  {
    ask: ['POST', '/populate', [{ name: 'a', upstream: 'a:1' }, { name: 'b' }]],
    status: 400,
    body: '{"error":"missing required field: upstream at proxy 2","status":400,"proxies":null}\n',
    type: 'application/json',
  },
  {
    ask: [
      'POST',
      '/populate',
      [
        { name: 'a', listen: '127.0.0.1:0', upstream: 'a:1' },
        { name: 'b', listen: '127.0.0.1', upstream: 'b:1' },
      ],
    ],
    status: 500,
    body: /^\{"error":"listen tcp: address 127\.0\.0\.1: missing port in address","status":500,"proxies":\[\{"name":"a",.*\}\]\}\n$/,
  },
  { ask: ['POST', '/reset'], status: 204, body: '' },
  { ask: ['GET', '/proxies/mail/toxics'], status: 200, body: '[]' },
  { ask: ['DELETE', '/proxies/mail'], status: 204, body: '' },
  { ask: ['DELETE', '/proxies/mail'], status: 404 },
  { ask: ['PUT', '/proxies'], status: 405, body: '' },
  { ask: ['HEAD', '/proxies'], status: 405, body: '' },
  { ask: ['GET', '/proxies/'], status: 404, body: '404 page not found\n', type: text },
  { ask: ['GET', '/metrics'], status: 404, body: '404 page not found\n' },
];
test('admin API answers as the clients of Toxiproxy expect', async (t) => {
  for (const { ask, status, body, type } of golden) {
    await t.test(
      `${ask[0]} ${ask[1]} ${typeof ask[2] === 'string' ? ask[2] : JSON.stringify(ask[2] ?? '')}`,
      async () => {
        const answer = await rig.ask(...ask);
        if (typeof body === 'string') assert.equal(answer.body, body);
        else if (body !== undefined) assert.match(answer.body, body);
        assert.equal(answer.status, status);
        if (type !== undefined) assert.equal(answer.headers['content-type'], type);
        if (type === text) assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      },
    );
  }
});

test('admin API gives every routed answer a request id of its own', async () => {
  const ids = await Promise.all(
    [1, 2].map(async () => (await rig.ask('GET', '/version')).headers['x-toxiproxy-request-id']),
  );
  for (const id of ids) assert.match(String(id), /^[0-9a-v]{20}$/);
  assert.notEqual(ids[0], ids[1]);
});

test('admin API refuses pages of browsers and names that are not its own', async () => {
  const browser = await rig.ask('GET', '/proxies', undefined, { 'user-agent': 'Mozilla/5.0 (X11)' });
  assert.deepEqual([browser.status, browser.body], [403, 'User agent not allowed\n']);
  for (const host of ['evil.example', 'localhost.evil.example:8474', '10.0.0.1'])
    assert.equal((await rig.ask('GET', '/version', undefined, { host })).status, 403, host);
  for (const host of ['localhost:8474', '127.0.0.1', '[::1]:1', 'LOCALHOST'])
    assert.equal((await rig.ask('GET', '/version', undefined, { host })).status, 200, host);
});

test('POST /populate honours enabled for a proxy that is there', async () => {
  const body = [
    { name: 'pop', listen: `127.0.0.1:${await rig.proxy('pop', 9)}`, upstream: '127.0.0.1:9', enabled: false },
  ];
  assert.match((await rig.ask('POST', '/populate', body)).body, /"enabled":false/);
  assert.match((await rig.ask('POST', '/populate', [{ ...body[0], enabled: true }])).body, /"enabled":true/);
});

test('admin API refuses a body of more than 4 MiB and answers the next request', async () => {
  const answer = await rig.ask('POST', '/proxies', ' '.repeat(5 * 1024 * 1024));
  assert.deepEqual([answer.status, answer.body], [413, refusal('request body too large', 413)]);
  assert.equal((await rig.ask('GET', '/version')).status, 200);
});

test('POST /proxies takes toxics along', async () => {
  await rig.proxy('with', 9, { toxics: [{ type: 'latency', attributes: { latency: 5 } }] });
  assert.match((await rig.ask('GET', '/proxies/with/toxics')).body, /"latency":5/);
});

test('PATCH of a listen address that is taken leaves the proxy disabled with the new address', async () => {
  const taken = await rig.proxy('taken', 9);
  await rig.proxy('mover', 9);
  const answer = await rig.ask('PATCH', '/proxies/mover', { listen: `127.0.0.1:${taken}` });
  assert.deepEqual(
    [answer.status, answer.body],
    [500, refusal(`listen tcp 127.0.0.1:${taken}: bind: address already in use`, 500)],
  );
  assert.match(
    (await rig.ask('GET', '/proxies/mover')).body,
    new RegExp(`"listen":"127.0.0.1:${taken}".*"enabled":false`),
  );
  assert.equal((await rig.ask('DELETE', '/proxies/mover')).status, 204);
});

test('admin API survives any attributes, and the toxic made of them never stops the server', async () => {
  const echo = await listen((socket) => socket.pipe(socket));
  const port = await rig.proxy('fuzz', echo.port);
  const int = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 1, 2 ** 53, -(2 ** 53)));
  const value = fc.oneof(int, fc.double({ noNaN: true }), fc.string(), fc.constant(null), fc.array(fc.integer()));
  const types = ['latency', 'bandwidth', 'slow_close', 'timeout', 'reset_peer', 'slicer', 'limit_data', 'noop'];
  const names = ['latency', 'jitter', 'rate', 'delay', 'timeout', 'average_size', 'size_variation', 'bytes'];
  const toxic = fc.record({
    type: fc.constantFrom(...types),
    stream: fc.constantFrom('upstream', 'downstream'),
    toxicity: fc.float({ noNaN: true, noDefaultInfinity: true }),
    attributes: fc.dictionary(fc.constantFrom(...names), fc.oneof({ weight: 3, arbitrary: int }, value)),
  });
  await fc.assert(
    fc.asyncProperty(toxic, async (body) => {
      const made = await rig.ask('POST', '/proxies/fuzz/toxics', { ...body, name: 't' });
      assert.ok([200, 400].includes(made.status), made.body);
      const client = await wire(port);
      client.socket.write(Buffer.alloc(3000, 'x'));
      await pause(2);
      client.socket.destroy();
      const gone = await rig.ask('DELETE', '/proxies/fuzz/toxics/t');
      assert.equal(gone.status, made.status === 200 ? 204 : 404);
    }),
    { numRuns: 120 },
  );
  const client = await wire(port);
  client.socket.write('still here');
  await client.bytes(10);
  client.socket.destroy();
  echo.close();
});

test('readGoJson() agrees with JSON.parse on what is JSON', async () => {
  const { readGoJson } = await import('../src/simulate/proxy/go-json.ts');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.json().map((it) => it.slice(0, -1)),
      ),
      (source) => {
        let parses = true;
        try {
          JSON.parse(source);
        } catch {
          parses = false;
        }
        // What follows the first value is not read, so only the one direction holds for any text.
        if (parses) readGoJson(source);
        else {
          try {
            readGoJson(source);
          } catch (error) {
            assert.match((error as Error).message, /^bad request body: (EOF|unexpected EOF|invalid character '.+' )/su);
          }
        }
      },
    ),
  );
});

test('GET /metrics counts bytes while the connection is still open', async () => {
  const metered = await startRig({ metrics: true });
  const echo = await listen((socket) => socket.pipe(socket));
  const client = await wire(await metered.proxy('m', echo.port));
  client.socket.write('12345');
  await client.bytes(5);
  const { body } = await metered.ask('GET', '/metrics');
  assert.match(body, /toxiproxy_proxy_received_bytes_total\{[^}]*direction="upstream"[^}]*\} 5/);
  assert.match(body, /process_cpu_seconds_total/);
  client.socket.destroy();
  echo.close();
  await metered.close();
});

test('GET / shows what is broken and until when, escaped, in French and English, under a strict policy', async () => {
  await rig.proxy('<script>alert(1)</script>', 9);
  await rig.ask('POST', '/proxies/%3Cscript%3Ealert(1)%3C%2Fscript%3E/toxics', { type: 'timeout', ttlMs: 60_000 });
  const page = await rig.ask('GET', '/', undefined, { 'user-agent': 'Mozilla/5.0', 'accept-language': 'fr' });
  assert.equal(page.status, 200);
  assert.match(String(page.headers['content-security-policy']), /^default-src 'none'; style-src 'sha256-/);
  assert.match(page.body, /<html lang="fr">[\s\S]*&lt;script&gt;alert\(1\)[\s\S]*timeout[\s\S]*encore (60|59) s/);
  assert.doesNotMatch(page.body, /<script/);
  assert.match((await rig.ask('GET', '/')).body, /<html lang="en">[\s\S]*Broken on purpose right now/);
  const { broken } = JSON.parse((await rig.ask('GET', '/rempart/status')).body) as {
    broken: { type: string; until: string }[];
  };
  const until = Date.parse(broken.find(({ type }) => type === 'timeout')?.until ?? '');
  assert.ok(Math.abs(until - Date.now() - 60_000) < 5000);
});
