// Prompts at the gateway, on real sockets: what is blocked, masked, refused and told, in every dialect, whole and streamed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import type { JsonObject } from '../src/platform/base/json.ts';
import type { Screen } from '../src/protect/gateway/screen.ts';
import { defaultScreening, type ScreeningSettings } from '../src/protect/gateway/settings.ts';
import { createPromptScreen } from '../src/protect/screening/prompts.ts';
import { answering } from './gateway-rig.ts';
import { attack, before, doors, findings, hello, key } from './screening-rig.ts';

for (const [dialect, { path, headers }] of Object.entries(doors))
  for (const stream of [false, true])
    test(`createGateway() blocks an attack in the ${dialect} dialect, ${stream ? 'streamed' : 'whole'}, in its own error shape`, async () => {
      const { rig, upstream } = await before(answering());
      const answer = await rig.ask(
        path,
        { model: 'm', stream, messages: [{ role: 'user', content: attack }] },
        { ...headers, 'accept-language': 'fr' },
      );
      assert.equal(answer.status, 400);
      const body = JSON.parse(answer.text) as { error?: unknown; object?: string; message?: string; code?: string };
      const text =
        dialect === 'openai'
          ? (body.error as { message: string; code: string })
          : dialect === 'mistral'
            ? body
            : { message: body.error, code: undefined };
      assert.match(String(text.message), /n'a pas été envoyé/);
      if (dialect !== 'ollama') assert.equal(text.code, 'ERR_PROMPT_BLOCKED');
      assert.equal(answer.headers['x-should-retry'], 'false');
      assert.equal(upstream.bodies.length, 0);
      const [finding] = findings(rig);
      assert.ok(!JSON.stringify(rig.journalled).includes('Ignore all previous'));
      assert.match(JSON.stringify(finding), /hmacSha256/);
    });

const places: readonly [string, (text: string) => JsonObject][] = [
  [
    'an earlier message',
    (text) => ({
      messages: [
        { role: 'user', content: text },
        { role: 'assistant', content: 'No.' },
        { role: 'user', content: 'And now?' },
      ],
    }),
  ],
  [
    'a part of a message',
    (text) => ({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hello.' },
            { type: 'text', text },
          ],
        },
      ],
    }),
  ],
  [
    'a tool result',
    (text) => ({
      messages: [
        { role: 'user', content: 'Read it' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: text },
      ],
    }),
  ],
];
for (const [name, body] of places)
  test(`createGateway() blocks an attack in ${name}`, async () => {
    const { rig, upstream } = await before(answering());
    const answer = await rig.ask('/v1/chat/completions', { model: 'm', ...body(attack) });
    assert.equal(answer.status, 400, answer.text);
    assert.equal(upstream.bodies.length, 0);
  });

test('createGateway() hands every text of a call to the check, with its role', async () => {
  const seen: string[] = [];
  const { rig } = await before(answering(), {
    screen: (text, role) => {
      seen.push(`${role}: ${text}`);
      return { kind: 'clean' };
    },
    screening: { ...defaultScreening, operatorRoles: ['user'] },
  });
  await rig.ask('/v1/chat/completions', {
    model: 'm',
    messages: [
      { role: 'system', content: 'the rules' },
      { role: 'user', content: 'the question' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'search', arguments: '{"q":"the \\u0061rgument"}' } },
          {
            id: 'b',
            type: 'function',
            function: { name: 'x', arguments: { id: 'words as an id', a_key_that_speaks: 1 } },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'a', content: 'the result' },
      { role: 'tool', tool_call_id: 'words of a call', content: 'more' },
    ],
    tools: [
      {
        type: 'function',
        function: {
          name: 'search',
          description: 'the description of a tool',
          parameters: { type: 'object', properties: { type: { description: 'a property of that name' } } },
        },
      },
    ],
    stop: ['words to stop at'],
    metadata: { note: 'a note on the side' },
  });
  const all = seen.join('\n');
  for (const one of [
    'system: the rules',
    'user: the question',
    'assistant: the argument',
    'tool: the result',
    'the description of a tool',
    'assistant: words as an id',
    'assistant: a key that speaks',
    'tool: words of a call',
    'a property of that name',
    'words to stop at',
    'a note on the side',
  ])
    assert.ok(all.includes(one), `${one} in ${all}`);
});

test('createGateway() lets ordinary questions through', async () => {
  const { rig } = await before(answering());
  for (const text of [
    'What does eval() do in Python?',
    'Quelle est la capitale de la France ?',
    'Ignore the previous example and show one with a for loop.',
  ])
    assert.equal((await rig.chat(text)).status, 200, text);
  assert.deepEqual(findings(rig), []);
});

const failing: readonly [string, Screen][] = [
  [
    'throws',
    () => {
      throw new Error('broken rule');
    },
  ],
  ['answers nothing', (() => undefined) as unknown as Screen],
  ['answers a word of its own', (() => ({ kind: 'fine' })) as unknown as Screen],
  ['says that it could not', () => ({ kind: 'unscreened', cause: 'x' })],
];
for (const [name, screen] of failing)
  test(`createGateway() refuses, counts and journals what a check that ${name} did not check`, async () => {
    const metrics = new Registry();
    const { rig, upstream } = await before(answering(), { screen, metrics });
    const answer = await rig.chat('hello');
    assert.equal(answer.status, 503);
    assert.match(answer.text, /ERR_UNSCREENED/);
    assert.equal(upstream.bodies.length, 0);
    assert.match(await metrics.metrics(), /rempart_unscreened_total\{guard="prompt",action="refuse"\} 1/);
    assert.equal(findings(rig).length, 1);
    assert.deepEqual(
      rig.signals.map(({ kind }) => kind),
      ['screening-failed'],
    );
  });

test('createGateway() forwards what could not be checked only where it is told to, and counts it as a bypass', async () => {
  const metrics = new Registry();
  const screening: ScreeningSettings = {
    ...defaultScreening,
    policy: { ...defaultScreening.policy, whenUnscreened: 'forward' },
  };
  const { rig } = await before(answering(), { screen: () => ({ kind: 'unscreened', cause: 'x' }), screening, metrics });
  assert.equal((await rig.chat('hello')).status, 200);
  assert.match(await metrics.metrics(), /rempart_guard_bypasses_total\{guard="prompt"\} 1/);
  assert.equal(findings(rig).length, 1);
});

test('createPromptScreen() does not begin with weights that are not the promised ones', () => {
  const root = join(import.meta.dirname, '..');
  const model = readFileSync(join(root, 'models', 'screening', 'prompts.bin'));
  model[model.length >> 1]! ^= 1;
  const { sha256 } = JSON.parse(readFileSync(join(root, 'models', 'screening', 'prompts.json'), 'utf8')) as {
    sha256: string;
  };
  const lexicon = readFileSync(join(root, 'rules', 'screening', 'lexicon.yaml'), 'utf8');
  assert.throws(() => createPromptScreen({ model, modelHash: sha256, lexicon }), { code: 'ERR_SCREENING_MODEL' });
});

test('createGateway() masks a secret beside the messages too, where secrets are to be masked', async () => {
  const { policy } = defaultScreening;
  const secret = { user: 'mask', tool: 'mask', assistant: 'mask', system: 'mask' } as const;
  const screening: ScreeningSettings = {
    ...defaultScreening,
    policy: { ...policy, prompts: { ...policy.prompts, secret } },
  };
  const { rig, upstream } = await before(answering(), { screening });
  await rig.ask('/v1/chat/completions', {
    model: 'm',
    messages: [{ role: 'user', content: 'hello' }],
    tools: [{ type: 'function', function: { name: 'f', description: `call it with ${key}`, parameters: {} } }],
    metadata: { note: `key ${key}` },
  });
  assert.equal(upstream.bodies.length, 1);
  assert.ok(!upstream.bodies[0]!.includes(key));
});

const claire = 'claire.martin@durand-sa.fr';
for (const [operatorRoles, system] of [
  [['user'], claire],
  [['operator'], '[masked]'],
] as const)
  test(`createGateway() masks by the role that speaks: a system message of an operator is ${system === claire ? 'left' : 'nobody else’s'}`, async () => {
    const { policy } = defaultScreening;
    const personal = { user: 'mask', tool: 'pass', assistant: 'pass', system: 'pass' } as const;
    const { rig, upstream } = await before(answering(), {
      screening: {
        ...defaultScreening,
        operatorRoles,
        policy: { ...policy, prompts: { ...policy.prompts, 'personal-data': personal } },
      },
    });
    const answer = await rig.ask('/v1/chat/completions', {
      model: 'm',
      messages: [
        { role: 'system', content: `Orders go to ${claire}` },
        { role: 'user', content: `I am ${claire}` },
      ],
    });
    assert.equal(answer.status, 200, answer.text);
    const sent = JSON.parse(upstream.bodies[0]!) as { messages: { content: string }[] };
    assert.deepEqual(
      sent.messages.map(({ content }) => content),
      [`Orders go to ${system}`, 'I am [masked]'],
    );
  });

test('createGateway() sends nothing in which what is to be masked cannot be', async () => {
  const { policy } = defaultScreening;
  const personal = { user: 'mask', tool: 'mask', assistant: 'mask', system: 'mask' } as const;
  const { rig, upstream } = await before(answering(), {
    screening: {
      ...defaultScreening,
      policy: { ...policy, prompts: { ...policy.prompts, 'personal-data': personal } },
    },
  });
  const args = JSON.stringify({ to: claire }).replace('@', '\\u0040');
  const call = { id: 'a', type: 'function', function: { name: 'mail', arguments: args } };
  const messages = [hello(), { role: 'assistant', content: null, tool_calls: [call] }];
  const answer = await rig.ask('/v1/chat/completions', { model: 'm', messages: [...messages, hello()] });
  assert.match(answer.text, /ERR_PROMPT_BLOCKED/);
  assert.equal(upstream.bodies.length, 0);
});
