// Malformed and hostile requests, a made corpus and a seeded fuzz: each gets a 4xx in its dialect's shape, and the next ordinary request works.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { answering, startRig, startUpstream } from './gateway-rig.ts';

const upstream = await startUpstream(answering('fine'));
const rig = await startRig([{ name: 'up', dialect: 'openai', url: upstream.url, key: 'k' }], {
  settings: {
    unknownFields: 'refuse',
    retries: { max: 0, baseMs: 1, maxWaitMs: 1 },
    breaker: { failures: 1_000, halfOpenMs: 60_000 },
  },
});
after(async () => {
  await rig.close();
  await upstream.close();
});

interface Speaker {
  name: string;
  agent: string;
  path: string;
  isShaped(body: Record<string, unknown>): boolean;
}
const isText = (value: unknown) => typeof value === 'string' && value !== '';
const speakers: readonly Speaker[] = [
  {
    name: 'openai',
    agent: 'openai',
    path: '/v1/chat/completions',
    isShaped: ({ error }) => {
      const { message, type, code, param } = error as Record<string, unknown>;
      return isText(message) && isText(type) && isText(code) && (param === null || isText(param));
    },
  },
  {
    name: 'mistral',
    agent: 'mistral-client',
    path: '/v1/chat/completions',
    isShaped: ({ object, message, type, code }) =>
      object === 'error' && isText(message) && isText(type) && isText(code),
  },
  { name: 'ollama', agent: 'ollama', path: '/api/chat', isShaped: ({ error, code }) => isText(error) && isText(code) },
];

const ok = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };
const plain = JSON.stringify(ok);
const fields = ['model', 'messages', 'stream', 'tools', 'tool_choice', 'format', 'options', 'response_format'];
const wrong: readonly unknown[] = [
  0,
  -1,
  1.5,
  true,
  '',
  'x'.repeat(300),
  [],
  [[]],
  {},
  { a: {} },
  [null],
  [1],
  '\u0000',
  '../..',
];
const bytes = (...parts: (string | number[])[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)));

/** Each family by name; together more than 200 for each dialect. */
const families: Readonly<Record<string, readonly (string | Buffer)[]>> = {
  'a field of the wrong kind': ['model', 'messages'].flatMap((field) =>
    wrong
      .filter((value) => field !== 'model' || value !== '../..')
      .map((value) => JSON.stringify({ ...ok, [field]: value })),
  ),
  'a switch of the wrong kind': wrong
    .filter((value) => value !== true)
    .map((value) => JSON.stringify({ ...ok, stream: value })),
  'tools of the wrong kind': wrong
    .filter((value) => !(Array.isArray(value) && value.length === 0))
    .map((value) => JSON.stringify({ ...ok, tools: value })),
  'a message of the wrong kind': wrong.map((value) => JSON.stringify({ ...ok, messages: [value] })),
  'a role of the wrong kind': [...wrong, 'USER', 'root', 'function', 'user '].map((role) =>
    JSON.stringify({ ...ok, messages: [{ role, content: 'x' }] }),
  ),
  'a content of the wrong kind': [0, -1, 1.5, true, {}, { a: {} }, [null], [1], [[]]].map((content) =>
    JSON.stringify({ ...ok, messages: [{ role: 'user', content }] }),
  ),
  'tool calls of the wrong kind': [
    0,
    'x',
    {},
    [0],
    [{}],
    [{ function: 1 }],
    [{ function: { name: 1, arguments: {} } }],
    [{ function: { name: 'x', arguments: 7 } }],
  ].map((tool_calls) => JSON.stringify({ ...ok, messages: [{ role: 'assistant', content: '', tool_calls }] })),
  'a missing field': [
    '{}',
    '{"model":"m"}',
    '{"messages":[]}',
    JSON.stringify({ messages: ok.messages }),
    '{"model":"m","messages":[{}]}',
    '{"model":null,"messages":null}',
  ],
  'a duplicate key': fields
    .slice(0, 3)
    .flatMap((field) => [
      `{"${field}":1,${plain.slice(1, -1)},"${field}":2}`,
      `{${plain.slice(1, -1)},"\\u00${field.charCodeAt(0).toString(16)}${field.slice(1)}":"m","${field}":"m"}`,
    ]),
  'a key in another case': fields
    .slice(0, 3)
    .flatMap((field) =>
      [field.toUpperCase(), field[0]!.toUpperCase() + field.slice(1), field.replace('s', '\u017f')]
        .filter((key) => key !== field)
        .map((key) => `{${plain.slice(1, -1)},"${key}":"evil"}`),
    ),
  'an unknown key': [
    'raw',
    'template',
    'context',
    '_debug_render_only',
    '__proto__',
    'constructor',
    'guardrails',
    'system_prompt',
    'x'.repeat(5_000),
  ].map((key) => `{${plain.slice(1, -1)},"${key}":true}`),
  'broken JSON': [
    '',
    ' ',
    '{',
    '}',
    '[',
    plain.slice(0, -1),
    `${plain}x`,
    `${plain}${plain}`,
    plain.replaceAll('"', "'"),
    'null',
    '1',
    '"x"',
    '[]',
    'NaN',
    '{"model":NaN}',
    '{"model":undefined}',
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":1e999}',
    '{"a":-1e999}',
    '{,}',
    '{"a":1,}',
    '// c',
    '<xml/>',
    'model=m',
    '\u0000',
    `\ufeff${plain}`,
  ],
  'every prefix of a request': Array.from({ length: plain.length - 1 }, (_, at) => plain.slice(0, at + 1)),
  'another encoding': [
    bytes([0xef, 0xbb, 0xbf], plain),
    bytes([0xff, 0xfe]),
    Buffer.from(plain, 'utf16le'),
    bytes('{"model":"', [0xc3, 0x28], '"}'),
    bytes([0xc0, 0x80]),
    bytes([0xed, 0xa0, 0x80]),
    bytes([0x1f, 0x8b, 8, 0]),
    bytes([0x28, 0xb5, 0x2f, 0xfd]),
  ],
  'a lone surrogate': ['\\ud800', '\\udfff', 'a\\udc00b', '\\ud800\\ud800'].flatMap((half) => [
    `{"model":"m","messages":[{"role":"user","content":"${half}"}]}`,
    `{"model":"${half}","messages":[{"role":"user","content":"x"}]}`,
    `{${plain.slice(1, -1)},"${half}":1}`,
  ]),
  'a depth bomb': [20, 100, 1_000, 20_000].flatMap((depth) => [
    '['.repeat(depth) + ']'.repeat(depth),
    `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
    '['.repeat(depth),
  ]),
  'a name that is none': ['a b', 'a\nb', '\u200bm', 'mé', 'a\u0000', ' ', 'x'.repeat(257)].map((model) =>
    JSON.stringify({ ...ok, model }),
  ),
  'too much of it': [
    JSON.stringify({ ...ok, pad: 'x'.repeat(120_000) }),
    JSON.stringify({ ...ok, messages: Array(10_001).fill(0) }),
  ],
};
const corpus = Object.entries(families).flatMap(([family, bodies]) => bodies.map((body) => ({ family, body })));

async function worksAfter({ path, agent, name }: Speaker, after: string): Promise<void> {
  const { status, text } = await rig.ask(path, { ...ok, stream: false }, { 'user-agent': agent });
  assert.equal(status, 200, `${name} after ${after}: ${text}`);
}

for (const speaker of speakers) {
  const refused = async (body: string | Buffer, what: string): Promise<void> => {
    const { status, text } = await rig.ask(speaker.path, body, { 'user-agent': speaker.agent });
    assert.ok(status >= 400 && status < 500, `${what}: ${status} for ${String(body).slice(0, 200)}: ${text}`);
    assert.ok(speaker.isShaped(JSON.parse(text) as Record<string, unknown>), `${what}: ${text}`);
  };
  test(`${speaker.name}: ${corpus.length} malformed and hostile requests get a 4xx in its shape, and nothing reaches the provider`, async () => {
    assert.ok(corpus.length >= 200, String(corpus.length));
    const before = upstream.bodies.length;
    for (const { family, body } of corpus) await refused(body, family);
    assert.equal(upstream.bodies.length, before);
    await worksAfter(speaker, 'the corpus');
  });

  test(`${speaker.name}: a body that is no object is told so`, async () => {
    for (const body of ['[]', 'null', '1', '"x"']) {
      const { text } = await rig.ask(speaker.path, body, { 'user-agent': speaker.agent });
      assert.match(text, /it must be a JSON object/, body);
    }
  });

  test(`${speaker.name}: a request with bytes changed, cut out or doubled is answered or refused, never failed`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(plain.length - 1), fc.nat(12), fc.uint8Array({ maxLength: 12 }), async (at, cut, put) => {
        const whole = Buffer.from(plain);
        const body = Buffer.concat([whole.subarray(0, at), put, whole.subarray(at + cut)]);
        const { status, text } = await rig.ask(speaker.path, body, { 'user-agent': speaker.agent });
        if (status === 200) return;
        assert.ok(status >= 400 && status < 500, `${status} for ${body.toString('latin1')}: ${text}`);
        assert.ok(speaker.isShaped(JSON.parse(text) as Record<string, unknown>), text);
      }),
      { numRuns: 200, seed: 20_261_122 },
    );
    await worksAfter(speaker, 'the fuzz');
  });
}
