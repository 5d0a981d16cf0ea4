// A stream that ends before its end is marked as such for every client, whatever the provider speaks and however it dies.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { JsonObject } from '../src/platform/base/json.ts';
import { type Behaviour, roomyTimeouts, startRig, startUpstream } from './gateway-rig.ts';
import { dialects } from './upstream-dialects.ts';

type Response = Parameters<Behaviour>[1];
type Death = (res: Response, ways: Ways) => void;

/** How a provider's dialect says things. */
interface Ways {
  contentType: string;
  says: (text: string, url: string) => string;
  /** All but the very end. */
  finishes: (url: string) => string;
  nonsense: string;
  fails: string;
}

const frame = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const line = (value: unknown) => `${JSON.stringify(value)}\n`;
const completions: Ways = {
  contentType: 'text/event-stream',
  says: (text, url) =>
    frame({ choices: [{ index: 0, ...(url === '/v1/completions' ? { text } : { delta: { content: text } }) }] }),
  finishes: (url) =>
    frame({
      choices: [{ index: 0, ...(url === '/v1/completions' ? { text: '' } : { delta: {} }), finish_reason: 'stop' }],
    }),
  nonsense: 'data: <html>\n\n',
  fails: frame({ error: { message: 'words of the provider' } }),
};
const waysOf: Readonly<Record<string, Ways>> = {
  openai: completions,
  mistral: { ...completions, fails: frame({ object: 'error', message: 'words of the provider', code: '1300' }) },
  ollama: {
    contentType: 'application/x-ndjson',
    says: (text, url) =>
      line({ ...(url === '/api/generate' ? { response: text } : { message: { content: text } }), done: false }),
    finishes: () => '',
    nonsense: '<html>\n',
    fails: line({ error: 'words of the provider' }),
  },
};

let url = '';
const deaths: Readonly<Record<string, Death>> = {
  'its connection breaks': (res) => setTimeout(() => res.destroy(), 10),
  'it ends without its terminator': (res) => res.end(),
  'it finishes without its terminator': (res, { finishes }) => res.end(finishes(url)),
  'it falls silent': () => {},
  'it turns to nonsense': (res, { nonsense }) => res.write(nonsense),
  'it says that it failed': (res, { fails }) => res.end(fails),
  'it is cut within a frame': (res, { says }) => res.end(says('never whole', url).slice(0, -9)),
};

let die: Death = () => {};
const providers = await Promise.all(
  dialects.map(async (dialect) => {
    const ways = waysOf[dialect]!;
    const upstream = await startUpstream((req, res) => {
      url = req.url!;
      res.writeHead(200, { 'content-type': ways.contentType });
      res.write(ways.says('par half', url));
      die(res, ways);
    });
    return { dialect, upstream };
  }),
);
const rig = await startRig(
  providers.map(({ dialect, upstream }) => ({ name: dialect, dialect, url: upstream.url, key: 'k' })),
  {
    settings: {
      breaker: { failures: 1_000, halfOpenMs: 60_000 },
      timeouts: { ...roomyTimeouts, idleMs: 600 },
      // A second target each, so that it would show if somebody else went on.
      routes: dialects.map((provider, index) => ({
        model: `to-${provider}`,
        targets: [{ provider }, { provider: dialects[(index + 1) % 3]! }],
      })),
    },
  },
);
after(async () => {
  await rig.close();
  for (const { upstream } of providers) await upstream.close();
});

const messages = [{ role: 'user', content: 'hi' }];
const doors: readonly (readonly [string, string, string, JsonObject])[] = [
  ['openai', '/v1/chat/completions', 'openai', { messages }],
  ['mistral', '/v1/chat/completions', 'mistral-client', { messages }],
  ['openai', '/v1/completions', 'openai', { prompt: 'hi' }],
  ['mistral', '/v1/fim/completions', 'mistral-client', { prompt: 'hi' }],
  ['ollama', '/api/chat', 'ollama', { messages }],
  ['ollama', '/api/generate', 'ollama', { prompt: 'hi' }],
];

/** What stands last, as the client's own library reads it. */
function lastOf(client: string, text: string): JsonObject {
  const pieces = text.trim().split(client === 'ollama' ? '\n' : '\n\n');
  return JSON.parse(pieces.at(-1)!.replace(/^data: /, '')) as JsonObject;
}

function codeIn(client: string, last: JsonObject): unknown {
  if (client === 'ollama') return typeof last['error'] === 'string' && last['code'];
  const error = last['error'] as JsonObject;
  if (client === 'mistral') assert.equal(error['object'], 'error');
  return error['code'];
}

for (const { dialect, upstream } of providers)
  for (const [client, path, agent, body] of doors)
    test(`${path} (${agent}) marks a stream of a ${dialect} provider that did not come to its end`, async () => {
      for (const [how, death] of Object.entries(deaths)) {
        die = death;
        const asked = providers.map((one) => one.upstream.bodies.length);
        const answer = await rig.ask(path, { model: `to-${dialect}`, stream: true, ...body }, { 'user-agent': agent });
        assert.equal(answer.status, 200, `${how}: ${answer.text}`);
        assert.match(answer.text, /par /, how);
        assert.equal(codeIn(client, lastOf(client, answer.text)), 'ERR_STREAM_CUT', `${how}: ${answer.text}`);
        assert.doesNotMatch(answer.text, /\[DONE\]|"done":true|words of the provider|never whole/, how);
        const outcome = rig.journalled.at(-1)!['unmapped'] as JsonObject;
        assert.deepEqual(
          [outcome['kind'], outcome['code'], outcome['provider']],
          ['cut', 'ERR_STREAM_CUT', dialect],
          how,
        );
        assert.equal(upstream.bodies.length, asked[dialects.indexOf(dialect)]! + 1, `${how}: nothing is tried again`);
        for (const [index, other] of providers.entries())
          if (other.dialect !== dialect)
            assert.equal(other.upstream.bodies.length, asked[index], `${how}: nobody goes on`);
      }
    });
