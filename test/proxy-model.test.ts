// Faults on model calls: each on a stream of events and on one of JSON lines, whom they hit, and that a seed repeats them.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { parseScript } from '../src/simulate/proxy/script.ts';
import { askHttp, pause, type Rig, startRig } from './proxy-rig.ts';

const words = ['Un ', 'été ', 'à ', 'la ', 'mer'];
/** At least three, so that a test may name them. */
type Frames = [string, string, string, ...string[]];

const openAiFrames: string[] = [
  ...words.map((content) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`),
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`,
  'data: [DONE]\n\n',
];
const ollamaFrames: string[] = [
  ...words.map((content) => `${JSON.stringify({ message: { role: 'assistant', content }, done: false })}\n`),
  `${JSON.stringify({ message: { role: 'assistant', content: '' }, done: true })}\n`,
];
const whole = JSON.stringify({ choices: [{ message: { role: 'assistant', content: words.join('') } }] });

/** Streams in both shapes, a frame every few milliseconds; one body when it is not asked to stream. */
function provider(): Server {
  return createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const { stream } = JSON.parse(Buffer.concat(chunks).toString() || '{}') as { stream?: boolean };
    if (stream !== true) return void res.writeHead(200, { 'content-type': 'application/json' }).end(whole);
    const ollama = req.url?.startsWith('/api/') === true;
    res.writeHead(200, { 'content-type': ollama ? 'application/x-ndjson' : 'text/event-stream; charset=utf-8' });
    for (const frame of ollama ? ollamaFrames : openAiFrames) {
      res.write(frame);
      await pause(4);
    }
    res.end();
  });
}

let rig: Rig;
let upstream: Server;
let count = 0;
before(async () => {
  rig = await startRig();
  upstream = provider().listen(0, '127.0.0.1');
  await once(upstream, 'listening');
});
after(async () => {
  await rig.close();
  upstream.close();
  upstream.closeAllConnections();
});

interface Heard {
  status: number;
  type: string;
  /** Chunks with the milliseconds since it was asked for. */
  bytes: Buffer;
  times: number[];
  complete: boolean;
}

async function talk(port: number, path: string, body: object, headers: Record<string, string> = {}): Promise<Heard> {
  const request = httpRequest({ host: '127.0.0.1', port, path, method: 'POST', headers, agent: false });
  const began = performance.now();
  request.end(JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  const times: number[] = [];
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    times.push(performance.now() - began);
  });
  response.on('error', () => {});
  request.on('error', () => {});
  await new Promise((resolve) => response.once('close', resolve));
  return {
    status: response.statusCode ?? 0,
    type: String(response.headers['content-type']),
    bytes: Buffer.concat(chunks),
    times,
    complete: response.complete,
  };
}

async function faulty(fault: object, ours = rig): Promise<{ name: string; port: number }> {
  const name = `m${++count}`;
  const port = await ours.proxy(name, (upstream.address() as AddressInfo).port);
  const made = await ours.ask('POST', `/rempart/proxies/${name}/faults`, fault);
  assert.equal(made.status, 201, made.body);
  return { name, port };
}

const shapes = [
  { shape: 'SSE', path: '/v1/chat/completions', frames: openAiFrames as Frames },
  { shape: 'NDJSON', path: '/api/chat', frames: ollamaFrames as Frames },
] as const;
type Shape = (typeof shapes)[number];

const validUtf8 = (bytes: Buffer) => Buffer.from(bytes.toString('utf8')).equals(bytes);
const joined = (frames: readonly string[]) => frames.join('');

interface Case {
  fault: Record<string, unknown> & { type: string };
  expect(heard: Heard, shape: Shape): void;
}
const streamCases: Case[] = [
  {
    fault: { type: 'slow-first-token', delayMs: 150 },
    expect({ bytes, times }, { frames }) {
      assert.equal(bytes.toString(), joined(frames));
      assert.ok((times[0] ?? 0) >= 140, `first byte after ${times[0]}`);
    },
  },
  {
    fault: { type: 'stall', afterTokens: 2, delayMs: 600 },
    expect({ bytes, times }, { frames }) {
      assert.equal(bytes.toString(), joined(frames));
      // After the first word, and not before it; half of it is room for a loop that was held up.
      assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) >= 300, `${times}`);
    },
  },
  {
    fault: { type: 'stall', delayMs: 40, every: true },
    expect({ bytes, times }, { frames }) {
      assert.equal(bytes.toString(), joined(frames));
      assert.ok((times.at(-1) ?? 0) >= 5 * 38, `${times}`);
    },
  },
  {
    fault: { type: 'cut', afterTokens: 2 },
    expect({ bytes, complete }, { frames }) {
      assert.equal(bytes.toString(), joined(frames.slice(0, 2)));
      assert.equal(complete, false);
    },
  },
  {
    fault: { type: 'cut', afterEvents: 3, where: 'frame', how: 'reset' },
    expect({ bytes, complete }, { frames }) {
      assert.equal(bytes.toString(), joined(frames.slice(0, 3)) + frames[3]?.slice(0, 7));
      assert.equal(complete, false);
    },
  },
  {
    fault: { type: 'cut', afterTokens: 1, where: 'character' },
    expect({ bytes, complete }, { frames }) {
      assert.equal(validUtf8(bytes), false);
      assert.equal(validUtf8(bytes.subarray(0, -1)), true);
      assert.ok(bytes.length > Buffer.byteLength(frames[0]));
      assert.equal(complete, false);
    },
  },
  {
    // The fourth word has no such character of its own.
    fault: { type: 'cut', afterTokens: 3, where: 'character' },
    expect({ bytes }) {
      assert.equal(validUtf8(bytes), false);
      assert.match(bytes.subarray(0, -2).toString(), /"content":"$/);
    },
  },
  {
    fault: { type: 'cut', where: 'terminator' },
    expect({ bytes, complete }, { frames }) {
      assert.equal(bytes.toString(), joined(frames.slice(0, -1)));
      assert.equal(complete, false);
    },
  },
  {
    fault: { type: 'missing-terminator' },
    expect({ bytes, complete }, { frames }) {
      assert.equal(bytes.toString(), joined(frames.slice(0, -1)));
      assert.equal(complete, true);
    },
  },
  {
    fault: { type: 'malformed-frame', afterTokens: 1 },
    expect({ bytes, complete }, { frames }) {
      const text = bytes.toString();
      assert.ok(text.startsWith(frames[0]) && text.endsWith(joined(frames.slice(2))));
      const broken = text.slice(frames[0].length, -joined(frames.slice(2)).length).replace(/^data: /, '');
      assert.throws(() => JSON.parse(broken));
      assert.equal(complete, true);
    },
  },
  {
    fault: { type: 'error-event', afterTokens: 2, error: 'overloaded' },
    expect({ bytes, complete, status }, { frames }) {
      const text = bytes.toString();
      assert.ok(text.startsWith(joined(frames.slice(0, 2))));
      const last = JSON.parse(text.slice(joined(frames.slice(0, 2)).length).replace(/^data: /, '')) as object;
      assert.ok('error' in last);
      assert.deepEqual([complete, status], [true, 200]);
    },
  },
  {
    fault: { type: 'duplicated-event', afterEvents: 1 },
    expect: ({ bytes }, { frames }) =>
      assert.equal(bytes.toString(), joined([frames[0], frames[1]!, frames[1]!, ...frames.slice(2)])),
  },
  {
    fault: { type: 'reordered-events', afterEvents: 1 },
    expect: ({ bytes }, { frames }) =>
      assert.equal(bytes.toString(), joined([frames[0], frames[2]!, frames[1]!, ...frames.slice(3)])),
  },
  {
    fault: { type: 'empty-answer' },
    expect: ({ bytes, status, complete }) => assert.deepEqual([bytes.length, status, complete], [0, 200, true]),
  },
  {
    fault: { type: 'empty-answer', keeps: 'frame' },
    expect: ({ bytes, complete }, { frames }) =>
      assert.deepEqual([bytes.toString(), complete], [joined(frames.slice(words.length)), true]),
  },
  {
    fault: { type: 'wrong-content-type' },
    expect: ({ bytes, type }, { frames }) =>
      assert.deepEqual([bytes.toString(), type], [joined(frames), 'text/html; charset=utf-8']),
  },
];
for (const shape of shapes) {
  for (const { fault, expect } of streamCases) {
    test(`${JSON.stringify(fault)} does so to a stream of ${shape.shape}`, async () => {
      const { port, name } = await faulty(fault);
      expect(await talk(port, shape.path, { stream: true }), shape);
      const { broken } = JSON.parse((await rig.ask('GET', '/rempart/status')).body) as {
        broken: { proxy: string; hits: number }[];
      };
      assert.equal(broken.find(({ proxy }) => proxy === name)?.hits, 1);
      const calls = JSON.parse((await rig.ask('GET', `/rempart/proxies/${name}/calls`)).body) as { outcome: string }[];
      assert.deepEqual(
        calls.map(({ outcome }) => outcome),
        ['faulted'],
      );
      // What was broken is whole once the fault is gone.
      await rig.ask('DELETE', `/rempart/proxies/${name}/faults/${fault.type}`);
      assert.equal((await talk(port, shape.path, { stream: true })).bytes.toString(), joined(shape.frames));
    });
  }
}

const bodyCases: [fault: object, expect: (heard: Heard) => void][] = [
  [
    { type: 'cut', how: 'close' },
    ({ bytes, complete }) => assert.deepEqual([bytes.length, complete], [Buffer.byteLength(whole) >> 1, false]),
  ],
  [
    { type: 'malformed-frame' },
    ({ bytes, complete }) => {
      assert.throws(() => JSON.parse(bytes.toString()));
      assert.equal(complete, true);
    },
  ],
  [
    { type: 'stall', delayMs: 100 },
    ({ bytes, times }) => {
      assert.equal(bytes.toString(), whole);
      assert.ok((times.at(-1) ?? 0) >= 90);
    },
  ],
  [{ type: 'empty-answer', keeps: 'frame' }, ({ bytes }) => assert.match(bytes.toString(), /"content":""/)],
];
for (const [fault, expect] of bodyCases) {
  test(`${JSON.stringify(fault)} does so to an answer in one body`, async () => {
    const { port } = await faulty(fault);
    expect(await talk(port, '/v1/chat/completions', {}));
  });
}

const statusCases: [path: string, fault: object, status: number, retryAfter: string | undefined, body: RegExp][] = [
  ['/v1/chat/completions', { error: 'rate-limited', retryAfterSeconds: 3 }, 429, '3', /"rate_limit_exceeded"/],
  ['/v1/chat/completions', { error: 'quota-exhausted' }, 429, undefined, /"insufficient_quota"/],
  ['/mistral/v1/chat/completions', { error: 'key-refused' }, 401, undefined, /"detail":"Unauthorized"/],
  ['/api/chat', { error: 'overloaded', status: 529 }, 529, undefined, /"error":"server busy/],
];
for (const [path, fault, status, retryAfter, body] of statusCases) {
  test(`status ${JSON.stringify(fault)} answers ${path} in its provider's words`, async () => {
    const { port } = await faulty({ type: 'status', ...fault });
    const answer = await askHttp(port, 'POST', path, {});
    assert.equal(answer.status, status);
    assert.equal(answer.headers['retry-after'], retryAfter);
    assert.match(answer.body, body);
  });
}

test('cut-request breaks the connection before any answer, and silent answers nothing until it goes', async () => {
  const cut = await faulty({ type: 'cut-request' });
  await assert.rejects(askHttp(cut.port, 'POST', '/v1/x', {}), { code: 'ECONNRESET' });
  const began = performance.now();
  const silent = await faulty({ type: 'silent', ttlMs: 2_000 });
  await assert.rejects(askHttp(silent.port, 'POST', '/v1/x', {}));
  assert.ok(performance.now() - began >= 1_900);
  assert.equal((await askHttp(silent.port, 'POST', '/v1/x', {})).status, 200);
});

test('stall goes on at once when its fault is taken away', async () => {
  const { port, name } = await faulty({ type: 'stall', afterTokens: 1, delayMs: 3_600_000 });
  const heard = talk(port, '/v1/chat/completions', { stream: true });
  await pause(150);
  await rig.ask('DELETE', `/rempart/proxies/${name}/faults/stall`);
  assert.equal((await heard).bytes.toString(), joined(openAiFrames));
});

test('proxy ends the call upstream when its caller goes away, and says so in the ledger', async () => {
  let ended = false;
  const endless = createServer((_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(openAiFrames[0]);
    res.once('close', () => {
      ended = true;
    });
  }).listen(0, '127.0.0.1');
  await once(endless, 'listening');
  const port = await rig.proxy('endless', (endless.address() as AddressInfo).port);
  await rig.ask('PUT', '/rempart/proxies/endless/protocol', { protocol: 'http' });
  const request = httpRequest({ host: '127.0.0.1', port, agent: false }).end();
  request.on('error', () => {});
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  await once(response, 'data');
  request.destroy();
  for (let i = 0; i < 3_000 && !ended; i++) await pause(10);
  assert.ok(ended);
  const { body } = await rig.ask('GET', '/rempart/proxies/endless/calls');
  assert.match(body, /"status":200,"outcome":"aborted"/);
  endless.close();
  endless.closeAllConnections();
});

test('proxy refuses a call with more than 16 MiB, and one whose upstream is away ends its connection', async () => {
  const { port } = await faulty({ type: 'status', match: { path: '/never' } });
  assert.equal((await askHttp(port, 'POST', '/v1/x', 'x'.repeat(17 * 1024 * 1024))).status, 413);
  const away = await rig.proxy('away', 1);
  await rig.ask('PUT', '/rempart/proxies/away/protocol', { protocol: 'http' });
  await assert.rejects(askHttp(away, 'POST', '/v1/x', {}));
});

test('script fails and passes calls by their number, counted apart per conversation, key or marker', async () => {
  const statuses = async (fault: object, bodies: [body: object, headers?: Record<string, string>][]) => {
    const { port } = await faulty({ type: 'status', ...fault });
    const seen: number[] = [];
    for (const [body, headers] of bodies)
      seen.push((await askHttp(port, 'POST', '/v1/chat/completions', body, headers)).status);
    return seen;
  };
  const asked = (text: string, ...later: string[]) => ({
    messages: [text, ...later].map((content) => ({ role: 'user', content })),
  });
  const script = 'fail 1-2, pass 3, fail 4+';
  assert.deepEqual(await statuses({ script }, [[{}], [{}], [{}], [{}], [{}]]), [500, 500, 200, 500, 500]);
  const conversations: [object][] = [[asked('a')], [asked('b')], [asked('a', 'more')], [asked('b', 'x')], [asked('c')]];
  assert.deepEqual(await statuses({ script: 'fail 1', per: 'conversation' }, conversations), [500, 500, 200, 200, 500]);
  const hash = createHash('sha256').update('sk-first').digest('hex');
  const keys: [object, Record<string, string>][] = [
    [{}, { authorization: 'Bearer sk-first' }],
    [{}, { authorization: 'Bearer sk-spare' }],
  ];
  assert.deepEqual(await statuses({ error: 'key-refused', match: { keyHash: hash.slice(0, 16) } }, keys), [401, 200]);
  const markers: [object][] = [
    [asked('see mkaaaaaaa1')],
    [asked('see mkaaaaaaa2')],
    [asked('see mkaaaaaaa1', 'mkaaaaaaa2')],
  ];
  assert.deepEqual(await statuses({ match: { marker: 'mkaaaaaaa1' } }, markers), [500, 200, 200]);
  assert.deepEqual(
    await statuses({ match: { contains: 'weather' } }, [[asked('the weather')], [asked('news')]]),
    [500, 200],
  );
});

test('parseScript() reads counted scripts and refuses what is none', () => {
  const fails = parseScript('fail 2–3, pass 5, fail 5+');
  assert.deepEqual([1, 2, 3, 4, 5, 6, 99].map(fails), [false, true, true, false, false, true, true]);
  for (const wrong of ['', 'fail', 'fail 0', 'fail 3-2', 'maybe 1', 'fail 1;pass 2'])
    assert.throws(() => parseScript(wrong), { name: 'Refusal', status: 400 }, wrong);
});

test('share hits the same calls again with the same seed, and others with another', async () => {
  const pattern = async (seed: number): Promise<string> => {
    const own = await startRig({ seed });
    count = 1000;
    const { port } = await faulty({ type: 'status', share: 0.5 }, own);
    let seen = '';
    for (let i = 0; i < 24; i++) seen += (await askHttp(port, 'POST', '/v1/x', {})).status === 500 ? 'x' : '.';
    await own.close();
    return seen;
  };
  const [first, again, other] = [await pattern(3), await pattern(3), await pattern(4)];
  assert.equal(again, first);
  assert.notEqual(other, first);
  assert.ok(first.includes('x') && first.includes('.'));
});

test('leases end a fault on calls by themselves and are renewed', async () => {
  const { port, name } = await faulty({ type: 'status', ttlMs: 1_500 });
  const renewed = await rig.ask('PUT', `/rempart/proxies/${name}/faults/status/lease`, { ttlMs: 4_000 });
  assert.match(renewed.body, /"until":"\d{4}-/);
  await pause(1_600);
  assert.equal((await askHttp(port, 'POST', '/v1/x', {})).status, 500);
  for (let looks = 0; (await askHttp(port, 'POST', '/v1/x', {})).status !== 200; looks++) {
    assert.ok(looks < 600, 'it ends by itself');
    await pause(100);
  }
  assert.equal((await rig.ask('GET', `/rempart/proxies/${name}/faults`)).body, '[]\n');
});

test('ledger keeps who called and what happened, keys only as hashes', async () => {
  const { port, name } = await faulty({ type: 'status', name: 'sometimes', script: 'fail 2' });
  const body = { conversation_id: 'c-7', messages: [{ role: 'user', content: 'about mk0123abcd' }] };
  for (let i = 0; i < 2; i++)
    await askHttp(port, 'POST', '/v1/chat/completions', body, { authorization: 'Bearer sk-very-secret' });
  const { body: text } = await rig.ask('GET', `/rempart/proxies/${name}/calls`);
  assert.doesNotMatch(text, /sk-very-secret/);
  const calls = JSON.parse(text) as Record<string, unknown>[];
  const keyHash = createHash('sha256').update('sk-very-secret').digest('hex');
  const facts = { marker: 'mk0123abcd', conversation: 'c-7', keyHash };
  for (const [at, call] of calls.entries()) {
    const expected =
      at === 0
        ? { ...facts, fault: null, status: 200, outcome: 'passed' }
        : { ...facts, fault: 'sometimes', status: 500, outcome: 'faulted' };
    for (const [key, value] of Object.entries(expected)) assert.equal(call[key], value, `${at} ${key}`);
    assert.equal(call['ordinal'], at + 1);
  }
});

test('toxics and faults on calls work on one proxy together, and POST /reset ends both', async () => {
  const { port, name } = await faulty({ type: 'status' });
  await rig.ask('POST', `/proxies/${name}/toxics`, { type: 'latency', attributes: { latency: 120 } });
  const began = performance.now();
  assert.equal((await askHttp(port, 'POST', '/v1/x', {})).status, 500);
  assert.ok(performance.now() - began >= 110);
  await rig.ask('POST', '/reset');
  assert.equal((await askHttp(port, 'POST', '/v1/x', {})).status, 200);
});

const refusals: [fault: object, says: RegExp][] = [
  [{ type: 'nonsense' }, /"error":".*"/],
  [{ type: 'stall' }, /delayMs/],
  [{ type: 'cut', where: 'nowhere' }, /where/],
  [{ type: 'silent', surprise: 1 }, /surprise/],
  [{ type: 'silent', script: 'fail x' }, /is not like/],
  [{ type: 'silent', ttlMs: 0 }, /ttlMs/],
  [{ type: 'wrong-content-type', contentType: 'a\r\nb: c' }, /contentType/],
];
test('POST /rempart/proxies/{p}/faults refuses what it does not understand, and says where', async () => {
  await rig.proxy('strict', 9);
  for (const [fault, says] of refusals) {
    const answer = await rig.ask('POST', '/rempart/proxies/strict/faults', fault);
    assert.equal(answer.status, 400, JSON.stringify(fault));
    assert.match(answer.body, says);
  }
});
