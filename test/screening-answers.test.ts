// Answers at the gateway, on real sockets: what is masked and withheld, in every dialect, whole and streamed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../src/platform/base/json.ts';
import { drawExample } from '../src/platform/inspection/draw-example.ts';
import { type Behaviour, beginSse, chunk, completion, json, lastChunk } from './gateway-rig.ts';
import { before, doors, findings, key, secretive } from './screening-rig.ts';

const masked = 'Your token is [masked: secret], keep it. Mail [masked: personal data] too.';

function inPieces(text: string, size: number): Behaviour {
  return (req, res, body) => {
    if (!(JSON.parse(body) as { stream?: boolean }).stream) return json(res, 200, completion(text));
    beginSse(res);
    for (let at = 0; at < text.length; at += size) res.write(chunk(text.slice(at, at + size)));
    res.end(lastChunk);
    return req;
  };
}

function wordsOf(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^data: /, ''))
    .filter((line) => line.startsWith('{'));
  return lines
    .map((line) => {
      const part = JSON.parse(line) as {
        message?: { content: string };
        choices?: { delta?: { content?: string }; message?: { content: string } }[];
      };
      return part.message?.content ?? part.choices?.[0]?.delta?.content ?? part.choices?.[0]?.message?.content ?? '';
    })
    .join('');
}

for (const [dialect, { path, headers }] of Object.entries(doors))
  for (const [stream, size] of [
    [false, 0],
    [true, 1],
    [true, 5],
    [true, 17],
  ] as const)
    test(`createGateway() masks secrets and personal data in an answer, ${dialect}, ${stream ? `in pieces of ${size}` : 'whole'}`, async () => {
      const { rig } = await before(inPieces(secretive, size));
      const answer = await rig.ask(path, { model: 'm', stream, messages: [{ role: 'user', content: 'hi' }] }, headers);
      assert.equal(answer.status, 200);
      assert.equal(wordsOf(answer.text), masked);
      assert.ok(!JSON.stringify(rig.journalled).includes(key));
      const types = findings(rig).map((event) => (event['finding_info'] as { types: string[] }).types[0]);
      assert.deepEqual(types, ['secret', 'personal-data']);
    });

test('createGateway() masks a secret split over the pieces of a tool call and of a thought', async () => {
  const piece = (delta: JsonObject) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;
  const { rig } = await before((_req, res) => {
    beginSse(res);
    const args = JSON.stringify({ header: `Bearer ${key}`, n: 1 });
    for (let at = 0; at < args.length; at += 9)
      res.write(
        piece({
          tool_calls: [
            {
              index: 0,
              ...(at === 0 ? { id: 'c', type: 'function' } : {}),
              function: { ...(at === 0 ? { name: 'call' } : {}), arguments: args.slice(at, at + 9) },
            },
          ],
        }),
      );
    for (let at = 0; at < key.length; at += 9) res.write(piece({ reasoning: key.slice(at, at + 9) }));
    res.end(lastChunk);
  });
  const answer = await rig.chat('hi', { stream: true });
  assert.ok(!answer.text.includes(key.slice(4, 12)), answer.text);
  const parts = answer.text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map(
      (line) =>
        JSON.parse(line.slice(6)) as {
          choices: { delta: { reasoning?: string; tool_calls?: { function: { arguments: string } }[] } }[];
        },
    );
  const said = parts
    .flatMap((part) => part.choices[0]?.delta.tool_calls ?? [])
    .map((call) => call.function.arguments)
    .join('');
  assert.deepEqual(JSON.parse(said), { header: 'Bearer [masked: secret]', n: 1 });
  const thought = parts.map((part) => part.choices[0]?.delta.reasoning ?? '').join('');
  assert.equal(thought, '[masked: secret]');
});

for (const stream of [false, true])
  test(`createGateway() masks a key in what stands beside a text, ${stream ? 'streamed' : 'whole'}`, async () => {
    const other = drawExample('glpat-{A:20}', 6);
    const escaped = key.replace(/./g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`);
    const call = (args: string) => ({
      index: 0,
      id: key,
      type: 'function',
      function: { name: other, arguments: args },
    });
    const spelt = { content: [{ token: 'x', logprob: -1, top_logprobs: [{ token: key, logprob: -2 }] }] };
    const { rig } = await before((_req, res) => {
      if (!stream) {
        const message = { role: 'assistant', content: 'x', tool_calls: [call(`{"k":"${escaped}"}`)] };
        return json(res, 200, {
          model: key,
          choices: [
            { index: 0, message, logprobs: spelt, finish_reason: 'stop' },
            { index: 0, message: { content: key.slice(0, 20) }, finish_reason: 'stop' },
            { index: 0, message: { content: key.slice(20) }, finish_reason: 'stop' },
          ],
        });
      }
      beginSse(res);
      const pieces: [JsonObject, JsonObject?][] = [
        [{ content: 'x\n' }, { logprobs: spelt }],
        [{ tool_calls: [call('{"k":"')] }],
        ...escaped
          .match(/.{1,5}/g)!
          .map((args): [JsonObject] => [{ tool_calls: [{ index: 0, function: { arguments: args } }] }]),
        [{ tool_calls: [{ index: 0, function: { arguments: '"}' } }] }],
        [{ content: key.slice(0, 20) }, { finish_reason: 'stop' }],
        [{ content: key.slice(20) }],
      ];
      for (const [delta, more] of pieces)
        res.write(`data: ${JSON.stringify({ model: key, choices: [{ index: 0, delta, ...more }] })}\n\n`);
      res.end(lastChunk);
    });
    const answer = await rig.chat('hi', { stream, logprobs: true });
    assert.equal(answer.status, 200, answer.text);
    for (const part of [key, other, key.slice(20), escaped.slice(0, 60)])
      assert.ok(!answer.text.includes(JSON.stringify(part).slice(1, -1)), answer.text);
    assert.ok(!JSON.stringify(rig.journalled).includes(key));
    assert.match(answer.text, /"model":"m"/);
    const objects = answer.text.match(/\{.*\}/g)!.map((line) => JSON.parse(line) as JsonObject);
    const args: string[] = [];
    JSON.stringify(objects, (name, value: unknown) => {
      if (name === 'arguments') args.push(value as string);
      return value;
    });
    assert.deepEqual(JSON.parse(args.join('')), { k: '[masked: secret]' });
  });

test('createGateway() lets nothing of a key go when the stream is cut in the middle of it', async () => {
  const { rig } = await before((_req, res) => {
    beginSse(res);
    res.write(chunk(`Your key is ${key.slice(0, 30)}`));
    setTimeout(() => res.destroy(), 20);
  });
  const answer = await rig.chat('hi', { stream: true });
  assert.equal(wordsOf(answer.text), 'Your key is ');
  assert.match(answer.text, /ERR_STREAM_CUT/);
});

test('createGateway() shows the version that a provider names of the model that was asked for, and no other name', async () => {
  for (const [given, shown] of [
    ['m-2506', 'm-2506'],
    ['m:latest', 'm:latest'],
    ['other', 'm'],
    ['m-secret', 'm'],
  ]) {
    const { rig } = await before((_req, res) => json(res, 200, { ...completion('x'), model: given! }));
    assert.equal((JSON.parse((await rig.chat('hi')).text) as { model: string }).model, shown);
  }
});

const system =
  'You are the assistant of the Durand bakery in Lyon. Never tell a competitor the price of flour, greet customers by name, and refuse any question about the wages of the staff.';
for (const stream of [false, true])
  test(`createGateway() withholds an answer that repeats the operator's instructions, ${stream ? 'streamed' : 'whole'}`, async () => {
    const { rig } = await before(inPieces(`Well, here they are: ${system}`, 6), { screen: () => ({ kind: 'clean' }) });
    const answer = await rig.ask('/v1/chat/completions', {
      model: 'm',
      stream,
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: 'hi' },
      ],
    });
    assert.equal(answer.status, stream ? 200 : 422);
    assert.match(answer.text, /ERR_ANSWER_BLOCKED/);
    assert.ok(!/price of flour/.test(answer.text), answer.text);
    if (stream) assert.equal(wordsOf(answer.text).trim(), 'Well, here they are: You are the');
    assert.ok(rig.signals.some(({ kind }) => kind === 'answer-blocked'));
    assert.ok(!rig.signals.some(({ kind }) => kind === 'provider-unavailable'));
    assert.equal((await rig.get('/v1/models')).status, 200);
  });
