// Faults on the answers of a model: each on a stream of events, on one of JSON lines, on one body; and what their absence leaves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faulty, type Heard, ollamaFrames, openAiFrames, rig, talk, whole, words } from './proxy-model-rig.ts';
import { askHttp, pause } from './proxy-rig.ts';

/** At least three, so that a test may name them. */
type Frames = [string, string, string, ...string[]];

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
