// The same guard on what comes back: every guard over answers, at every place of an answer where a text can stand, at every address, in every setting, streamed or not, from providers of every dialect.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Json, JsonObject } from '../src/platform/base/json.ts';
import { defaultScreening } from '../src/protect/gateway/settings.ts';
import { createAnswerCache } from '../src/protect/resilience/answer-cache.ts';
import { defaultPolicy } from '../src/protect/screening/policy.ts';
import { json, type Rig, roomyTimeouts, startRig, startUpstream } from './gateway-rig.ts';
import { answeringIn, dialects, type Said } from './upstream-dialects.ts';

const instructions =
  'You are the assistant of the Lantern bakery and never tell anyone how much butter goes into the dough.';
/** What each guard is for. */
const guards = {
  secret: `ghp_${'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA2'}`,
  'personal-data': 'marie.durand@free.fr',
  internal: '10.42.7.19',
  'system-prompt': instructions,
} as const;
type Guard = keyof typeof guards;
const actions = ['mask', 'block', 'flag'] as const;
type Action = (typeof actions)[number];

let said: Said = { model: 'm' };
let areAway = false;
const upstreams = await Promise.all(
  dialects.map(async (dialect) => ({
    dialect,
    ...(await startUpstream((req, res, body, nth) =>
      areAway ? json(res, 503, {}) : answeringIn(dialect, said)(req, res, body, nth),
    )),
  })),
);
/** What was answered before, for when nobody can answer. */
const cache = createAnswerCache(Date.now, { scope: 'subject', ttlMs: 600_000, maxBytes: 50_000_000 });
const rigs = new Map<Action | 'pass', Rig>();
for (const action of [...actions, 'pass'] as const) {
  const answers = { secret: action, 'personal-data': action, internal: action, 'system-prompt': action };
  rigs.set(
    action,
    await startRig(
      upstreams.map(({ dialect, url }) => ({ name: dialect, dialect, url, key: 'k' })),
      {
        cache,
        settings: {
          timeouts: roomyTimeouts,
          retries: { max: 0, baseMs: 1, maxWaitMs: 1 },
          breaker: { failures: 100_000, halfOpenMs: 60_000 },
          screening: { ...defaultScreening, policy: { ...defaultPolicy, answers } },
          routes: dialects.map((provider) => ({ model: `to-${provider}`, targets: [{ provider }] })),
        },
      },
    ),
  );
}
after(async () => {
  for (const rig of rigs.values()) await rig.close();
  for (const { close } of upstreams) await close();
});

type Place = (text: string) => Omit<Said, 'model'>;
const words: Readonly<Record<string, Place>> = { text: (text) => ({ text: `so: ${text} is it` }) };
/** Names of tools and their ids are looked through for secrets; the rest of them is what the caller itself has given. */
const places: Readonly<Record<string, Place>> = {
  ...words,
  'its thoughts': (text) => ({ thinking: `so: ${text} is it`, text: 'well' }),
  'arguments of a tool': (text) => ({ call: { name: 'look', args: { for: `so: ${text} is it`, times: 2 } } }),
  'arguments within arguments': (text) => ({ call: { name: 'look', args: { in: [{ note: text }] } } }),
};
const named: Readonly<Record<string, Place>> = {
  'the name of a tool': (text) => ({ call: { name: text, args: {} } }),
  'the name of an argument': (text) => ({ call: { name: 'look', args: { [text]: 1 } } }),
};

const messages = [
  { role: 'system', content: instructions },
  { role: 'user', content: 'hello there' },
];
interface Address {
  path: string;
  agent: string;
  body: JsonObject;
  places: Readonly<Record<string, Place>>;
  /** Where instructions can be given. */
  instructed: boolean;
}
const addresses: readonly Address[] = [
  { path: '/v1/chat/completions', agent: 'openai', body: { messages }, places, instructed: true },
  { path: '/v1/chat/completions', agent: 'mistral-client', body: { messages }, places, instructed: true },
  { path: '/v1/completions', agent: 'openai', body: { prompt: 'hello' }, places: words, instructed: false },
  { path: '/v1/fim/completions', agent: 'mistral-client', body: { prompt: 'a' }, places: words, instructed: false },
  { path: '/api/chat', agent: 'ollama', body: { messages }, places, instructed: true },
  {
    path: '/api/generate',
    agent: 'ollama',
    body: { prompt: 'hello', system: instructions },
    places: words,
    instructed: true,
  },
];
/** An answer is made now, or was made before, when rules were less strict, and kept; one that calls a tool is never kept. */
const ways = ['made', 'kept'] as const;
type Way = (typeof ways)[number];
const isKept = (place: Place) => place('x').call === undefined;

/** All that a client puts together out of an answer, field by field over all its pieces. */
function putTogether(text: string): string {
  const fields = new Map<string, string>();
  const walk = (value: Json, path: string): void => {
    if (typeof value === 'string') fields.set(path, (fields.get(path) ?? '') + value);
    else if (Array.isArray(value)) for (const [index, entry] of value.entries()) walk(entry, `${path}.${index}`);
    else if (typeof value === 'object' && value !== null)
      for (const [key, entry] of Object.entries(value)) {
        walk(key, `${path} keys`);
        walk(entry, `${path}.${key}`);
      }
  };
  for (const piece of text.split('\n')) {
    const frame = piece.replace(/^data: /, '').trim();
    if (frame.startsWith('{')) walk(JSON.parse(frame) as Json, '');
  }
  return [...fields.values()].join('\n');
}

function statusesOf(action: Action, way: Way, stream: boolean): readonly number[] {
  if (action !== 'block') return [200];
  // What may not be shown of what was kept is as if it had not been kept.
  if (way === 'kept') return [503];
  // A stream of which a part had gone ends in an error frame.
  return stream ? [200, 422] : [422];
}

let cells = 0;
interface Cell {
  address: Address;
  guard: Guard;
  place: Place;
  way: Way;
  action: Action;
  dialect: string;
  stream: boolean;
}
async function hold({ address, guard, place, way, action, dialect, stream }: Cell) {
  const rig = rigs.get(action)!;
  const forbidden = guards[guard];
  said = { model: 'm', ...place(forbidden) };
  const { path, agent, body } = address;
  const ask = (of: Rig) => of.ask(path, { model: `to-${dialect}`, stream, ...body }, { 'user-agent': agent });
  if (way === 'kept') {
    areAway = false;
    const before = await ask(rigs.get('pass')!);
    assert.ok(putTogether(before.text).includes(forbidden), before.text);
  }
  areAway = way === 'kept';
  const answer = await ask(rig);
  const got = putTogether(answer.text);
  assert.ok(statusesOf(action, way, stream).includes(answer.status), `${answer.status} ${answer.text}`);
  if (way === 'kept' && action !== 'block') assert.equal(answer.headers['x-rempart-degraded'], 'cache');
  assert.equal(got.includes(forbidden), action === 'flag', `${action}: ${got}`);
  assert.ok(action === 'flag' || !answer.text.includes(forbidden), answer.text);
  if (action === 'mask') {
    assert.match(got, /\[masked: /, 'it says that something is missing');
    assert.match(answer.text, stream ? /\[DONE\]|"done":true/ : /stop|tool_calls/, 'it comes to its end');
  }
  if (action === 'block') {
    assert.match(answer.text, way === 'kept' ? /ERR_PROVIDER_UNAVAILABLE/ : /ERR_ANSWER_BLOCKED/);
    assert.doesNotMatch(answer.text, /\[DONE\]|"done":true/);
  }
  // That it was found is kept, and what was done; never the text.
  const found = rig.journalled.filter((event) => (event['unmapped'] as JsonObject)['phase'] === 'finding').at(-1);
  const { role, action: done } = (found?.['unmapped'] ?? {}) as JsonObject;
  assert.deepEqual([role, done, found?.['metadata'] !== undefined], ['assistant', action, true]);
  assert.ok(!JSON.stringify(rig.journalled.slice(-4)).includes(forbidden), 'the journal does not tell it either');
  rig.journalled.length = 0;
  cells++;
}

let wanted = 0;
for (const way of ways)
  for (const address of addresses)
    for (const guard of Object.keys(guards) as Guard[]) {
      if (guard === 'system-prompt' && !address.instructed) continue;
      const looked = guard === 'secret' && address.places === places ? { ...places, ...named } : address.places;
      for (const [where, place] of Object.entries(looked)) {
        if (way === 'kept' && !isKept(place)) continue;
        wanted += actions.length * dialects.length * 2;
        test(`${guard}: held at ${address.path} (${address.agent}) in ${where} of an answer that is ${way}, in every setting, from every provider, streamed or not`, async () => {
          for (const action of actions)
            for (const dialect of dialects)
              for (const stream of [false, true]) await hold({ address, guard, place, way, action, dialect, stream });
        });
      }
    }

test('no cell is missing, and an answer with nothing in it to hold comes through untouched', async () => {
  assert.equal(cells, wanted);
  assert.ok(wanted > 1_500, String(wanted));
  areAway = false;
  for (const { path, agent, body } of addresses)
    for (const stream of [false, true]) {
      said = { model: 'm', text: 'so: nothing is it' };
      const { text } = await rigs
        .get('block')!
        .ask(path, { model: 'to-openai', stream, ...body }, { 'user-agent': agent });
      assert.match(putTogether(text), /so: nothing is it/);
    }
});
