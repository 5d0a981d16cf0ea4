// Each client's dialect answered by providers of each: words, tools, prompts and vectors, streamed or not, first asked or standing in.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { JsonObject } from '../src/platform/base/json.ts';
import {
  type Answer,
  type Behaviour,
  json,
  type Rig,
  roomyTimeouts,
  startRig,
  startUpstream,
  type Upstream,
} from './gateway-rig.ts';
import { answeringIn, dialects, doors, hear, questionIn, type Said } from './upstream-dialects.ts';

const behind = 'name-behind-7f3a';
const cleanUps: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of cleanUps) await close();
});

/** What the upstreams say at the moment; each gives itself a name that nobody may see. */
let said: Said = { model: behind };
const upstreams = new Map<string, Upstream>();
for (const dialect of dialects) {
  const upstream = await startUpstream((req, res, body, nth) => answeringIn(dialect, said)(req, res, body, nth));
  upstreams.set(dialect, upstream);
  cleanUps.push(upstream.close);
}
const failing: Readonly<Record<string, Behaviour>> = {
  'a 503': (_req, res) => json(res, 503, {}),
  'a 429 that may not be waited for': (_req, res) => json(res, 429, {}, { 'retry-after': '20' }),
  'a quota that is used up': (_req, res) => json(res, 429, { error: { code: 'insufficient_quota' } }),
  'a missing model': (_req, res) => json(res, 404, {}),
  'a cut before the first word': (req) => req.socket.destroy(),
  nonsense: (_req, res) => json(res, 200, { fine: true }),
};
let failure: Behaviour = failing['a 503']!;
const broken = await startUpstream((req, res, body, nth) => failure(req, res, body, nth));
cleanUps.push(broken.close);

const rig: Rig = await startRig(
  dialects.flatMap((dialect) => [
    { name: dialect, dialect, url: upstreams.get(dialect)!.url, key: 'k' },
    { name: `broken-${dialect}`, dialect, url: broken.url, key: 'k', workspace: `broken-${dialect}` },
  ]),
  {
    settings: {
      timeouts: roomyTimeouts,
      retries: { max: 0, baseMs: 1, maxWaitMs: 1 },
      breaker: { failures: 1_000, halfOpenMs: 1 },
      routes: dialects.flatMap((dialect) => [
        { model: `to-${dialect}`, targets: [{ provider: dialect, model: behind }] },
        ...dialects.map((first) => ({
          model: `${first}-then-${dialect}`,
          targets: [{ provider: `broken-${first}` }, { provider: dialect, model: behind }],
        })),
      ]),
    },
  },
);
cleanUps.push(rig.close);

const lastBody = (dialect: string) => JSON.parse(upstreams.get(dialect)!.bodies.at(-1)!) as JsonObject;
const sees = ({ text, headers }: Answer) => text + JSON.stringify(headers);

for (const client of dialects)
  for (const server of dialects)
    for (const stream of [false, true]) {
      const how = `${client} client, ${server} provider, ${stream ? 'streamed' : 'whole'}`;
      const ask = (model: string, more = {}) =>
        rig.ask(
          doors[client].path,
          { ...questionIn(client, model, stream), ...more },
          { 'user-agent': doors[client].agent },
        );

      test(`${how}: a text and its thoughts come through under the name that was asked for`, async () => {
        said = { model: behind, text: 'Sunny in Nice.', thinking: 'I look it up' };
        const answer = await ask(`to-${server}`);
        assert.equal(answer.status, 200, answer.text);
        const heard = hear(client, stream, answer);
        assert.equal(heard.text, 'Sunny in Nice.');
        assert.deepEqual(heard.models, [`to-${server}`]);
        assert.equal(heard.ended, true);
        assert.equal(heard.reason, 'stop');
        assert.match(answer.text, /I look it up|"reasoning":"I look|"thinking":"I look/);
        assert.ok(!sees(answer).includes(behind), answer.text);
        assert.equal(answer.headers['x-rempart-degraded'], undefined);
      });

      test(`${how}: a tool's call comes through whole, and what was called before is told in the provider's words`, async () => {
        said = { model: behind, call: { name: 'weather', args: { city: 'Nice', days: [1, 2] } } };
        const answer = await ask(`to-${server}`);
        assert.equal(answer.status, 200, answer.text);
        const { calls, ended, reason } = hear(client, stream, answer);
        assert.deepEqual(
          calls.map(({ name, args }) => ({ name, args })),
          [{ name: 'weather', args: { city: 'Nice', days: [1, 2] } }],
        );
        assert.equal(ended, true);
        assert.equal(reason, client === 'ollama' ? 'stop' : 'tool_calls');
        if (client !== 'ollama') assert.ok(calls[0]!.id, 'a call has an id to be answered by');
        assert.ok(!sees(answer).includes(behind), answer.text);

        const sent = lastBody(server);
        assert.equal(sent['model'], behind);
        const messages = sent['messages'] as JsonObject[];
        assert.deepEqual(
          messages.map(({ role }) => role),
          ['system', 'user', 'assistant', 'tool', 'user'],
        );
        const [before] = messages[2]!['tool_calls'] as {
          id?: string;
          function: { name: string; arguments: unknown };
        }[];
        assert.equal(before!.function.name, 'weather');
        const { arguments: given } = before!.function;
        if (server === 'ollama') {
          assert.deepEqual(given, { city: 'Lyon' });
          assert.equal(messages[3]!['tool_name'], 'weather');
        } else {
          assert.deepEqual(JSON.parse(given as string), { city: 'Lyon' });
          assert.equal(messages[3]!['tool_call_id'], before!.id);
          if (server === 'mistral') assert.match(before!.id!, /^[a-zA-Z0-9]{9}$/, 'it takes no other ids');
        }
        const [tool] = sent['tools'] as { function: { name: string; parameters: unknown } }[];
        assert.equal(tool!.function.name, 'weather');
        assert.deepEqual(tool!.function.parameters, { type: 'object', properties: { city: { type: 'string' } } });
      });

      test(`${how}: it stands in for a provider of any dialect, however that fails, and says so`, async () => {
        said = { model: behind, text: 'from the other' };
        for (const first of dialects)
          for (const [what, behaviour] of Object.entries(failing)) {
            failure = behaviour;
            const answer = await ask(`${first}-then-${server}`);
            assert.equal(answer.status, 200, `${first}, ${what}: ${answer.text}`);
            const heard = hear(client, stream, answer);
            assert.deepEqual([heard.text, heard.ended], ['from the other', true], `${first}, ${what}`);
            assert.deepEqual(heard.models, [`${first}-then-${server}`]);
            assert.equal(answer.headers['x-rempart-degraded'], 'provider');
            assert.ok(!sees(answer).includes(behind), answer.text);
          }
      });
    }

const prompts: readonly (readonly [string, string, JsonObject])[] = [
  ['/v1/completions', 'openai', { prompt: 'once upon' }],
  ['/v1/fim/completions', 'mistral-client', { prompt: 'def f():' }],
  ['/api/generate', 'ollama', { prompt: 'once upon' }],
];
for (const [path, agent, body] of prompts)
  for (const server of dialects)
    for (const stream of [false, true])
      test(`${path} answered by a ${server} provider, ${stream ? 'streamed' : 'whole'}: its text, its end, and no name from behind`, async () => {
        said = { model: behind, text: 'and so on' };
        const answer = await rig.ask(path, { model: `to-${server}`, stream, ...body }, { 'user-agent': agent });
        assert.equal(answer.status, 200, answer.text);
        const spoken = [...answer.text.matchAll(/"(?:text|response|content)":"((?:[^"\\]|\\.)*)"/g)];
        assert.equal(spoken.map(([, piece]) => piece).join(''), 'and so on', answer.text);
        if (stream)
          assert.match(answer.text, path.startsWith('/api/') ? /"done":true[^\n]*\n$/ : /data: \[DONE\]\n\n$/);
        assert.match(answer.text, new RegExp(`"model":"to-${server}"`));
        assert.ok(!sees(answer).includes(behind), answer.text);
        assert.equal(lastBody(server)['model'], behind);
      });

for (const [path, agent, field] of [
  ['/v1/embeddings', 'openai', 'input'],
  ['/v1/embeddings', 'mistral-client', 'input'],
  ['/api/embed', 'ollama', 'input'],
  ['/api/embeddings', 'ollama', 'prompt'],
] as const)
  for (const server of dialects)
    test(`${path} (${agent}) answered by a ${server} provider: one vector for each text, and no name from behind`, async () => {
      said = { model: behind };
      const answer = await rig.ask(path, { model: `to-${server}`, [field]: 'a' }, { 'user-agent': agent });
      assert.equal(answer.status, 200, answer.text);
      assert.match(answer.text, /\[0,0\.5\]/);
      assert.ok(!sees(answer).includes(behind), answer.text);
      assert.equal(lastBody(server)['model'], behind);
    });
