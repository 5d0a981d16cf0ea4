// What is kept of a request: who, from where, which model, how much, how long, what was found and how it ended; never what was said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../src/platform/base/json.ts';
import { auditFields } from '../src/platform/journal/sinks/audit-fields.ts';
import { answering, type Behaviour, json, type RigOptions, startRig, startUpstream, until } from './gateway-rig.ts';

/** The event of one phase, as others would read it. */
interface Seen {
  class_uid: number;
  type_uid: number;
  status_id: number;
  status_code?: string;
  action_id?: number;
  disposition_id?: number;
  duration?: number;
  metadata: { profiles?: string[]; correlation_uid: string };
  actor: { user: { name: string; uid: string; type: string } };
  src_endpoint: { ip: string };
  ai_model?: { ai_provider: string; name: string };
  message_context?: { prompt_tokens?: number; completion_tokens?: number; total_tokens?: number; ai_role_id: number };
  unmapped: Record<string, unknown> & { phase: string; prompt?: { hmacSha256: string; length: number } };
}

async function kept(
  behaviour: Behaviour,
  options: RigOptions,
  ask: (rig: Awaited<ReturnType<typeof startRig>>) => Promise<unknown>,
) {
  const upstream = await startUpstream(behaviour);
  const rig = await startRig([{ name: 'main', dialect: 'openai', url: upstream.url }], options);
  try {
    await ask(rig);
    const of = (phase: string) =>
      rig.journalled.find((event) => (event as unknown as Seen).unmapped?.phase === phase) as unknown as
        | Seen
        | undefined;
    await until(() => of('outcome') !== undefined);
    return { received: of('received')!, outcome: of('outcome')!, all: rig.journalled };
  } finally {
    await rig.close();
    await upstream.close();
  }
}

for (const stream of [false, true])
  test(`createRecorder() keeps who, where, what and how much of an answer that is ${stream ? 'streamed' : 'whole'}`, async () => {
    const { received, outcome, all } = await kept(answering('five!'), {}, (rig) =>
      rig.chat('my-own-words', { stream }),
    );
    for (const event of [received, outcome]) {
      assert.equal(event.type_uid, 600_301);
      assert.equal(event.actor.user.name, 'tester');
      assert.equal(event.actor.user.type, 'user');
      assert.equal(event.src_endpoint.ip, '127.0.0.1');
      assert.match(event.unmapped.prompt?.hmacSha256 ?? '', /^[0-9a-f]{64}$/);
      assert.equal(event.unmapped.prompt?.length, 12);
    }
    assert.equal(received.metadata.correlation_uid, outcome.metadata.correlation_uid);
    assert.deepEqual(received.metadata.profiles, ['ai_operation']);
    assert.deepEqual(outcome.metadata.profiles, ['security_control', 'ai_operation']);
    assert.deepEqual([outcome.status_id, outcome.action_id, outcome.disposition_id], [1, 1, 1]);
    assert.deepEqual(received.ai_model, { ai_provider: 'openai', name: 'm' });
    assert.equal(outcome.ai_model?.ai_provider, 'main');
    assert.equal(outcome.unmapped['modelAsked'], 'm');
    assert.equal(outcome.unmapped['responseSize'], 5);
    assert.ok(Number.isInteger(outcome.duration));
    const { prompt_tokens = 0, completion_tokens = 0, total_tokens } = outcome.message_context ?? {};
    assert.ok(prompt_tokens > 0 && total_tokens === prompt_tokens + completion_tokens);
    assert.doesNotMatch(JSON.stringify(all), /my-own-words|five!/);
  });

test('createRecorder() gives one prompt one HMAC, another prompt another', async () => {
  const hmacs: string[] = [];
  for (const text of ['one', 'one', 'two'])
    hmacs.push((await kept(answering(), {}, (rig) => rig.chat(text))).outcome.unmapped.prompt!.hmacSha256);
  assert.equal(hmacs[0], hmacs[1]);
  assert.notEqual(hmacs[0], hmacs[2]);
});

for (const [what, behaviour, body, code, control] of [
  [
    'an upstream that fails',
    ((_req, res) => json(res, 500, {})) as Behaviour,
    undefined,
    'ERR_PROVIDER_UNAVAILABLE',
    [1, 27],
  ],
  ['a body that is refused', answering(), '{"model": 3}', 'ERR_BODY_FIELD_INVALID', [2, 2]],
] as const)
  test(`createRecorder() keeps the code of ${what}`, async () => {
    const { outcome } = await kept(behaviour, {}, (rig) =>
      body === undefined ? rig.chat('x') : rig.ask('/v1/chat/completions', body),
    );
    assert.equal(outcome.status_id, 2);
    assert.equal(outcome.status_code, code);
    assert.deepEqual([outcome.action_id, outcome.disposition_id], control);
  });

test('createRecorder() puts what was found in the request beside its outcome', async () => {
  const screen: NonNullable<RigOptions['screen']> = () =>
    ({
      kind: 'suspicious',
      category: 'injection',
      score: 0.9,
      rules: ['a-rule'],
      findings: [],
    }) as never;
  const { outcome } = await kept(answering(), { screen }, (rig) => rig.chat('attack'));
  const verdicts = outcome.unmapped['verdicts'] as { category: string; role: string; action: string }[];
  assert.ok(verdicts.some(({ category, role }) => category === 'injection' && role === 'user'));
});

test('auditFields() maps an outcome to the ten fields', async () => {
  const { all } = await kept(answering('12345'), {}, (rig) => rig.chat('question'));
  const event = all.find((one) => (one as unknown as Seen).unmapped.phase === 'outcome') as JsonObject;
  const fields = auditFields({ event, hash: '', prev: '', seq: 1, stream: 's', time: 0 });
  const { timestamp, prompt_hash, processing_time, model_used, ...rest } = fields;
  assert.deepEqual(rest, {
    event_type: 'api.outcome',
    user_id: 'tester',
    source_ip: '127.0.0.1',
    endpoint: 'POST /v1/chat/completions',
    response_size: 5,
    success: true,
  });
  assert.ok(Date.parse(timestamp) > 0 && prompt_hash?.length === 64 && typeof processing_time === 'number');
  assert.ok(model_used?.startsWith('m'));
});
