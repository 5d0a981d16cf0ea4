// The same guard on what comes back: every guard over answers, at every place of an answer where a text can stand, at every address, in every setting, streamed or not, from providers of every dialect.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Json, JsonObject } from '../src/platform/base/json.ts';
import { defaultScreening } from '../src/protect/gateway/settings.ts';
import { defaultPolicy } from '../src/protect/screening/policy.ts';
import { type Rig, startRig, startUpstream } from './gateway-rig.ts';
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
const upstreams = await Promise.all(
  dialects.map(async (dialect) => ({
    dialect,
    ...(await startUpstream((req, res, body, nth) => answeringIn(dialect, said)(req, res, body, nth))),
  })),
);
const rigs = new Map<Action, Rig>();
for (const action of actions) {
  const answers = { secret: action, 'personal-data': action, internal: action, 'system-prompt': action };
  rigs.set(
    action,
    await startRig(
      upstreams.map(({ dialect, url }) => ({ name: dialect, dialect, url, key: 'k' })),
      {
        settings: {
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
/**
 * How an answer may come to a caller: made now, or made before and kept. One that was kept goes out by the same way as
 * one that was made, so a kept one is a row of its own here.
 */
const ways: readonly ('made' | 'kept')[] = ['made'];

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

const statusOf: Readonly<Record<Action, (stream: boolean) => readonly number[]>> = {
  mask: () => [200],
  flag: () => [200],
  // A stream of which a part had gone ends in an error frame.
  block: (stream) => (stream ? [200, 422] : [422]),
};

let cells = 0;
async function hold(address: Address, guard: Guard, place: Place, action: Action, dialect: string, stream: boolean) {
  const rig = rigs.get(action)!;
  const forbidden = guards[guard];
  said = { model: 'm', ...place(forbidden) };
  const { path, agent, body } = address;
  const answer = await rig.ask(path, { model: `to-${dialect}`, stream, ...body }, { 'user-agent': agent });
  const got = putTogether(answer.text);
  assert.ok(statusOf[action](stream).includes(answer.status), `${answer.status} ${answer.text}`);
  assert.equal(got.includes(forbidden), action === 'flag', `${action}: ${got}`);
  assert.ok(action === 'flag' || !answer.text.includes(forbidden), answer.text);
  if (action === 'mask') {
    assert.match(got, /\[masked: /, 'it says that something is missing');
    assert.match(answer.text, stream ? /\[DONE\]|"done":true/ : /stop|tool_calls/, 'it comes to its end');
  }
  if (action === 'block') {
    assert.match(answer.text, /ERR_ANSWER_BLOCKED/);
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
        wanted += actions.length * dialects.length * 2;
        test(`${guard}: held at ${address.path} (${address.agent}) in ${where} of an answer that is ${way}, in every setting, from every provider, streamed or not`, async () => {
          for (const action of actions)
            for (const dialect of dialects)
              for (const stream of [false, true]) await hold(address, guard, place, action, dialect, stream);
        });
      }
    }

test('no cell is missing, and an answer with nothing in it to hold comes through untouched', async () => {
  assert.equal(cells, wanted);
  assert.ok(wanted > 1_000, String(wanted));
  for (const { path, agent, body } of addresses)
    for (const stream of [false, true]) {
      said = { model: 'm', text: 'so: nothing is it' };
      const { text } = await rigs
        .get('block')!
        .ask(path, { model: 'to-openai', stream, ...body }, { 'user-agent': agent });
      assert.match(putTogether(text), /so: nothing is it/);
    }
});
