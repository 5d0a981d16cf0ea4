// The same guard everywhere: every guard, at every place of a request where a text can stand, in each dialect, streamed or not, asked once or again, with an answer of before at hand or not.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Screen } from '../src/protect/gateway/screen.ts';
import { defaultScreening } from '../src/protect/gateway/settings.ts';
import { createAnswerCache } from '../src/protect/resilience/answer-cache.ts';
import { defaultPolicy } from '../src/protect/screening/policy.ts';
import { answering, json, type Rig, type RigOptions, roomyTimeouts, startRig, startUpstream } from './gateway-rig.ts';
import { answeringIn } from './upstream-dialects.ts';

const attack = 'attack-mark-81c2';
const broken = 'broken-mark-44d0';
const screen: Screen = (text) => {
  if (text.includes(broken)) throw new Error('this check is broken');
  if (text.includes(attack)) return { kind: 'suspicious', category: 'injection', score: 1, rules: ['mark'] };
  return { kind: 'clean' };
};
const everyRole = { user: 'block', tool: 'block', assistant: 'block', system: 'block' } as const;
const policy = {
  ...defaultPolicy,
  prompts: { ...defaultPolicy.prompts, injection: everyRole, secret: everyRole, 'personal-data': everyRole },
};
const upstream = await startUpstream(answering('fine'));
/** Knows what was answered before, when nothing was looked for. */
const cache = createAnswerCache(Date.now, { scope: 'subject', ttlMs: 600_000, maxBytes: 50_000_000 });
const earlier = await startUpstream(answeringIn('openai', { model: 'm', text: 'fine' }));
const away = await startUpstream((_req, res) => json(res, 503, {}));
const guardedBy = (
  { url }: { url: string },
  screening: Pick<typeof defaultScreening, 'policy'>,
  more: Pick<RigOptions, 'screen' | 'cache'>,
) =>
  startRig([{ name: 'up', dialect: 'openai', url, key: 'k' }], {
    ...more,
    settings: {
      timeouts: roomyTimeouts,
      retries: { max: 0, baseMs: 1, maxWaitMs: 1 },
      breaker: { failures: 10_000, halfOpenMs: 60_000 },
      screening: {
        ...defaultScreening,
        ...screening,
        quarantine: { ...defaultScreening.quarantine, minutes: 0 },
      },
    },
  });
const rig = await guardedBy(upstream, { policy }, { screen });
const lenient = await guardedBy(earlier, { policy: defaultPolicy }, { cache });
const alone = await guardedBy(away, { policy }, { screen, cache });
after(async () => {
  for (const one of [rig, lenient, alone]) await one.close();
  for (const one of [upstream, earlier, away]) await one.close();
});

/** What each guard must stop, and how it says so. */
const guards: Readonly<Record<string, { text: string; code: string; status: number }>> = {
  prompt: { text: `please ${attack} now`, code: 'ERR_PROMPT_BLOCKED', status: 400 },
  'a broken check': { text: `please ${broken} now`, code: 'ERR_UNSCREENED', status: 503 },
  secret: { text: `use ghp_${'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA2'} now`, code: 'ERR_PROMPT_BLOCKED', status: 400 },
  'personal data': { text: 'write to marie.durand@free.fr about it', code: 'ERR_PROMPT_BLOCKED', status: 400 },
};

type Build = (text: string) => Record<string, unknown>;
const model = 'm';
const user = { role: 'user', content: 'hello there' };
const called = (given: unknown) => ({
  role: 'assistant',
  content: '',
  tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: given } }],
});
const tool = (description: string) => [
  { type: 'function', function: { name: 'look', description, parameters: { type: 'object' } } },
];
const chat = (...messages: unknown[]) => ({ model, messages });
const v1Chat: Readonly<Record<string, Build>> = {
  system: (text) => chat({ role: 'system', content: text }, user),
  user: (text) => chat({ role: 'user', content: text }),
  'an earlier user message': (text) =>
    chat({ role: 'user', content: text }, { role: 'assistant', content: 'yes' }, user),
  assistant: (text) => chat(user, { role: 'assistant', content: text }, user),
  tool: (text) => chat(user, called('{}'), { role: 'tool', tool_call_id: 'c1', content: text }),
  'tool arguments': (text) =>
    chat(user, called(JSON.stringify({ city: text })), { role: 'tool', tool_call_id: 'c1', content: 'ok' }),
  'tool description': (text) => ({ ...chat(user), tools: tool(text) }),
  'the caption of an image': (text) =>
    chat({
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
        { type: 'text', text },
      ],
    }),
  'the description of a format': (text) => ({
    ...chat(user),
    response_format: { type: 'json_schema', json_schema: { name: 'a', description: text, schema: { type: 'object' } } },
  }),
};
const parameters = (described: object) => [
  { type: 'function', function: { name: 'look', parameters: { type: 'object', properties: { city: described } } } },
];
const anyChat: Readonly<Record<string, Build>> = {
  "the description of a tool's parameter": (text) => ({ ...chat(user), tools: parameters({ description: text }) }),
  "a value that a tool's parameter may have": (text) => ({ ...chat(user), tools: parameters({ enum: ['a', text] }) }),
  "the name of a tool's parameter": (text) => ({ ...chat(user), tools: parameters({ properties: { [text]: {} } }) }),
};
const onlyV1: Readonly<Record<string, Build>> = {
  'the description within a format': (text) => ({
    ...chat(user),
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'a', schema: { type: 'object', properties: { b: { description: text } } } },
    },
  }),
  'one of several texts of a message': (text) =>
    chat({
      role: 'user',
      content: [
        { type: 'text', text: 'hello' },
        { type: 'text', text },
      ],
    }),
  'the name of who speaks': (name) => chat({ role: 'user', name, content: 'hello there' }),
  'a refusal of before': (refusal) => chat(user, { role: 'assistant', refusal }, user),
  'the arguments of the last call': (text) =>
    chat(user, called(JSON.stringify({ in: [{ note: text }] })), { role: 'tool', tool_call_id: 'c1', content: 'ok' }),
};
/** What only one of the two families knows. */
const onlyOf: Readonly<Record<string, Readonly<Record<string, Build>>>> = {
  openai: { developer: (text) => chat({ role: 'developer', content: text }, user) },
  'mistral-client': {
    'what is predicted': (content) => ({ ...chat(user), prediction: { type: 'content', content } }),
  },
};
const { 'the caption of an image': _caption, 'the description of a format': _format, ...shared } = v1Chat;
const prompted: Readonly<Record<string, Build>> = {
  prompt: (prompt) => ({ model, prompt }),
  suffix: (suffix) => ({ model, prompt: 'def f():', suffix }),
};
const input: Readonly<Record<string, Build>> = {
  input: (text) => ({ model, input: text }),
  'one of several inputs': (text) => ({ model, input: ['hello', text] }),
};
interface Address {
  path: string;
  agent: string;
  streams: boolean;
  places: Readonly<Record<string, Build>>;
}
const addresses: readonly Address[] = [
  ...['openai', 'mistral-client'].flatMap((agent): Address[] => [
    {
      path: '/v1/chat/completions',
      agent,
      streams: true,
      places: { ...v1Chat, ...anyChat, ...onlyV1, ...onlyOf[agent] },
    },
    {
      path: '/v1/completions',
      agent,
      streams: true,
      places: { ...prompted, 'one of several prompts': (text) => ({ model, prompt: ['hello', text] }) },
    },
    { path: '/v1/fim/completions', agent, streams: true, places: prompted },
    { path: '/v1/embeddings', agent, streams: false, places: input },
  ]),
  {
    path: '/api/chat',
    agent: 'ollama',
    streams: true,
    places: {
      ...shared,
      ...anyChat,
      'the thoughts of an assistant': (thinking) => chat(user, { role: 'assistant', content: 'yes', thinking }, user),
      'the description within a format': (text) => ({
        ...chat(user),
        format: { type: 'object', properties: { b: { description: text } } },
      }),
      'tool arguments': (text) => chat(user, called({ city: text }), { role: 'tool', content: 'ok' }),
      tool: (text) => chat(user, called({}), { role: 'tool', tool_name: 'look', content: text }),
      'the caption of an image': (text) => chat({ role: 'user', content: text, images: ['iVBORw0KGgo='] }),
      'the description of a format': (text) => ({ ...chat(user), format: { type: 'object', description: text } }),
    },
  },
  {
    path: '/api/generate',
    agent: 'ollama',
    streams: true,
    places: { ...prompted, system: (system) => ({ model, prompt: 'hello', system }) },
  },
  { path: '/api/embed', agent: 'ollama', streams: false, places: input },
  { path: '/api/embeddings', agent: 'ollama', streams: false, places: { prompt: (prompt) => ({ model, prompt }) } },
];
// Ollama's tool calls have no type.
const forOllama = (body: unknown) =>
  JSON.parse(JSON.stringify(body).replaceAll('"id":"c1","type":"function",', '')) as object;

let cells = 0;
for (const { path, agent, streams, places } of addresses)
  for (const [place, build] of Object.entries(places))
    for (const [guard, { text, code, status }] of Object.entries(guards))
      test(`${guard}: stopped at ${path} (${agent}) in ${place}, streamed or not, once and again, and where an answer of before is at hand`, async () => {
        for (const stream of streams ? [false, true] : [false]) {
          const built = { ...build(text), ...(streams ? { stream } : {}) };
          const body = path.startsWith('/api/') ? forOllama(built) : built;
          const stops = async (by: Rig) => {
            const answer = await by.ask(path, body, { 'user-agent': agent });
            assert.equal(answer.status, status, answer.text);
            assert.match(answer.text, new RegExp(code));
            assert.equal(answer.headers['x-rempart-degraded'], undefined);
            cells++;
          };
          // Again, since what was concluded is remembered.
          await stops(rig);
          await stops(rig);
          const before = await lenient.ask(path, body, { 'user-agent': agent });
          assert.ok(before.status === 200 || /UNTRANSLATABLE/.test(before.text), before.text);
          await stops(alone);
        }
      });

test('no cell is missing, nothing that was stopped reached the provider, and the same without its mark goes through', async () => {
  const wanted = addresses.reduce(
    (sum, { streams, places }) => sum + Object.keys(places).length * Object.keys(guards).length * (streams ? 2 : 1) * 3,
    0,
  );
  assert.equal(cells, wanted);
  assert.ok(wanted > 1_500, String(wanted));
  assert.equal(upstream.bodies.length + away.bodies.length, 0);
  for (const { path, agent, places } of addresses)
    for (const build of Object.values(places)) {
      const built = build('what is the weather');
      const before = upstream.bodies.length;
      const body = path.startsWith('/api/') ? forOllama(built) : built;
      const { status, text } = await rig.ask(path, body, { 'user-agent': agent });
      // An odd answer of this provider is its own affair; a refusal of ours would say that the test asks nonsense.
      assert.ok(upstream.bodies.length > before || /UNTRANSLATABLE/.test(text), `${path} ${status} ${text}`);
      const asked = await lenient.ask(path, body, { 'user-agent': agent });
      const again = await alone.ask(path, body, { 'user-agent': agent });
      if (asked.status === 200)
        assert.deepEqual([again.status, again.headers['x-rempart-degraded']], [200, 'cache'], path);
    }
});
