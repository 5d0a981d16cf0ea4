// One suite for every dialect: what each must read, write and refuse alike.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RempartError } from '../../../platform/base/errors.ts';
import type { JsonObject } from '../../../platform/base/json.ts';
import { type ChatCall, type Dialect, MalformedReply, type ReplyEvent, UpstreamFailed } from './dialect.ts';
import { dialectByName } from './index.ts';

const dialects = Object.values(dialectByName);
const head = { id: 'chatcmpl-1', model: 'asked', createdAt: 1_700_000_000_000, now: () => 1_700_000_000_500 };
const minimal: JsonObject = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
/** The chat of each dialect, read and written. */
const chatOf = (dialect: Dialect) => {
  const wire = dialect.wires.chat!;
  const call: ChatCall = { ...wire.readCall(minimal, 'drop'), includeUsage: true };
  const speech = dialect.speak(call, true);
  return {
    ...speech,
    readCall: wire.readCall,
    writeReply: (events: readonly ReplyEvent[]) => wire.writeReply(events, head, call),
    createWriter: () => wire.createWriter(head, call),
  };
};
const usage: ReplyEvent = { kind: 'usage', usage: { promptTokens: 3, completionTokens: 2 } };

function said(text: string[], reason: 'stop' | 'length' = 'stop'): ReplyEvent[] {
  return [
    { kind: 'model', model: 'answered' },
    ...text.map((piece): ReplyEvent => ({ kind: 'delta', index: 0, text: piece })),
    { kind: 'finish', index: 0, reason },
    usage,
  ];
}

function readStream(dialect: Dialect, bytes: Buffer, cuts: readonly number[]): { events: ReplyEvent[]; end: string } {
  const events: ReplyEvent[] = [];
  const reader = chatOf(dialect).createReader((event) => events.push(event));
  let from = 0;
  for (const cut of [...cuts].map((c) => c % (bytes.length + 1)).sort((a, b) => a - b)) {
    reader.push(bytes.subarray(from, cut));
    from = cut;
  }
  reader.push(bytes.subarray(from));
  return { events, end: reader.end() };
}

const textOf = (events: readonly ReplyEvent[]) =>
  events.map((event) => (event.kind === 'delta' ? (event.text ?? '') : '')).join('');
const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 6 });

for (const dialect of dialects) {
  const write = (events: readonly ReplyEvent[]) => {
    const writer = chatOf(dialect).createWriter();
    return events.map(writer.write).join('');
  };

  test(`${dialect.name} reads the stream it writes, for every chunking`, () => {
    fc.assert(
      fc.property(words, fc.array(fc.nat(), { maxLength: 10 }), (pieces, cuts) => {
        const events = said(pieces, 'length');
        const writer = chatOf(dialect).createWriter();
        const bytes = Buffer.from(events.map(writer.write).join('') + writer.end());
        const read = readStream(dialect, bytes, cuts);
        assert.equal(read.end, 'whole');
        assert.equal(textOf(read.events), pieces.join(''));
        assert.deepEqual(
          read.events.filter((event) => event.kind === 'usage'),
          [usage],
        );
        assert.ok(read.events.some((event) => event.kind === 'finish' && event.reason === 'length'));
      }),
    );
  });

  test(`${dialect.name} says cut of a stream without its own end, wherever it stops`, () => {
    const whole = Buffer.from(write(said(['one', 'two'])));
    for (let at = 0; at <= whole.length; at++)
      assert.equal(readStream(dialect, whole.subarray(0, at), []).end, 'cut', `at ${at}`);
  });

  test(`${dialect.name} reads the whole answer it writes`, () => {
    fc.assert(
      fc.property(words, (pieces) => {
        const read = chatOf(dialect).readReply(chatOf(dialect).writeReply(said(pieces)));
        assert.equal(textOf(read), pieces.join(''));
        assert.deepEqual(read.at(-1), usage);
        assert.deepEqual(read[0], { kind: 'model', model: 'answered' });
      }),
    );
  });

  test(`${dialect.name} throws MalformedReply at an answer of any other kind`, () => {
    for (const body of [
      null,
      1,
      'x',
      [],
      {},
      { choices: [] },
      { choices: [null] },
      { message: 1, done: true },
      { done: false },
    ])
      assert.throws(() => chatOf(dialect).readReply(body as JsonObject), MalformedReply, JSON.stringify(body));
    assert.throws(
      () => readStream(dialect, Buffer.from(dialect.name === 'ollama' ? 'nonsense\n' : 'data: nonsense\n\n'), []),
      MalformedReply,
    );
  });

  test(`${dialect.name} throws UpstreamFailed at an error in mid-stream, its own among them`, () => {
    const failure = chatOf(dialect).createWriter().fail({ status: 502, code: 'ERR_STREAM_CUT', message: 'x' });
    assert.match(failure, /ERR_STREAM_CUT/);
    assert.throws(() => readStream(dialect, Buffer.from(write(said(['a'])) + failure), []), UpstreamFailed);
  });

  test(`${dialect.name} writes errors that hold the code and the message`, () => {
    const text = JSON.stringify(
      dialect.writeError({ status: 503, code: 'ERR_PROVIDER_UNAVAILABLE', message: 'What happened.' }),
    );
    assert.match(text, /ERR_PROVIDER_UNAVAILABLE/);
    assert.match(text, /What happened\./);
  });

  test(`${dialect.name} reads the list of models it writes`, () => {
    const cards = [
      { id: 'a', createdAt: 1_700_000_000_000 },
      { id: 'b', createdAt: 0 },
    ];
    assert.deepEqual(dialect.readModels(dialect.writeModels(cards)), cards);
    assert.throws(() => dialect.readModels({ nothing: true }), MalformedReply);
  });

  test(`${dialect.name} refuses a request that is not one, naming the field`, () => {
    const bad: readonly [JsonObject, string][] = [
      [{ messages: [] }, 'model'],
      [{ ...minimal, model: '' }, 'model'],
      [{ ...minimal, messages: [] }, 'messages'],
      [{ ...minimal, messages: [{ role: 'robot', content: 'x' }] }, 'messages[0].role'],
      [{ ...minimal, messages: [{ role: 'user' }] }, 'messages[0].content'],
      [{ ...minimal, stream: 'yes' }, 'stream'],
    ];
    for (const [body, field] of bad)
      assert.throws(
        () => chatOf(dialect).readCall(body, 'drop'),
        (error) =>
          error instanceof RempartError && error.code === 'ERR_BODY_FIELD_INVALID' && error.facts['field'] === field,
        `${JSON.stringify(body)} at ${field}`,
      );
  });

  for (const target of dialects) {
    test(`${target.name} says a plain call of ${dialect.name}, and what it says is valid to itself`, () => {
      const call = chatOf(dialect).readCall(minimal, 'drop');
      for (const stream of [false, true]) {
        const written = target.speak(call, stream).body;
        const again = chatOf(target).readCall(written, 'refuse');
        assert.equal(again.stream, stream);
        assert.deepEqual(
          again.turns.map(({ role, text }) => [role, text]),
          [['user', 'hi']],
        );
      }
    });
  }
}

test('OpenAI’s reader takes what compatible servers say in their own way: empty events, null for no choices, a refusal beside its content', () => {
  const openai = dialects.find(({ name }) => name === 'openai')!;
  const delta = (given: JsonObject) => `data: ${JSON.stringify({ choices: [{ index: 0, delta: given }] })}\n\n`;
  const usageAlone = 'data: {"choices":null,"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n';
  const bytes = `data:\n\n${delta({ content: null, refusal: 'I cannot.' })}${usageAlone}data: [DONE]\n\n`;
  const { events, end } = readStream(openai, Buffer.from(bytes), []);
  assert.deepEqual(events, [{ kind: 'delta', index: 0, text: 'I cannot.' }, usage]);
  assert.equal(end, 'whole');
  assert.equal(readStream(openai, Buffer.from(bytes.trimEnd()), []).end, 'whole', 'no blank line after the last word');
  assert.equal(readStream(openai, Buffer.from(bytes.replace('[DONE]\n\n', '[DO')), []).end, 'cut');
});

test('OpenAI’s and Mistral’s readers take no choice that nobody can have asked for', () => {
  for (const { speak, wires } of [dialectByName.openai, dialectByName.mistral]) {
    const { readReply, createReader } = speak(wires.chat!.readCall(minimal, 'drop'), true);
    const choice = { message: { content: 'x' }, delta: { content: 'x' }, finish_reason: 'stop' };
    for (const index of [1_024, 50_000_000, Number.MAX_SAFE_INTEGER]) {
      assert.throws(() => readReply({ choices: [{ ...choice, index }] }), MalformedReply);
      const frame = `data: ${JSON.stringify({ choices: [{ ...choice, index }] })}\n\n`;
      assert.throws(() => createReader(() => {}).push(Buffer.from(frame)), MalformedReply);
    }
    assert.ok(readReply({ choices: [{ ...choice, index: 1_023 }] }).length > 0);
  }
});

test('OpenAI is asked for JSON in a form that it takes, also for callers of dialects that need not say the word', () => {
  const [openai, ollama] = ['openai', 'ollama'].map((wanted) => dialects.find(({ name }) => name === wanted)!);
  const asked = (content: string) => {
    const body = { model: 'm', messages: [{ role: 'user', content }], format: 'json' };
    return openai!.speak(ollama!.wires.chat!.readCall(body, 'refuse'), false).body['response_format'];
  };
  assert.deepEqual(asked('Answer in JSON.'), { type: 'json_object' });
  assert.deepEqual(asked('Hello'), {
    type: 'json_schema',
    json_schema: { name: 'answer', schema: { type: 'object' } },
  });
});

test('Ollama’s reader takes a tool’s arguments as an object or as its text, and none that are neither', () => {
  const ollama = dialects.find(({ name }) => name === 'ollama')!;
  const called = (given: unknown) => {
    const message = { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: given } }] };
    const { events } = readStream(ollama, Buffer.from(`${JSON.stringify({ message, done: true })}\n`), []);
    return events.flatMap((event) => (event.kind === 'delta' ? (event.toolCalls ?? []) : []));
  };
  const call = (given: JsonObject) => [{ index: 0, function: { name: 'f', arguments: given } }];
  assert.deepEqual(called({ a: 1 }), call({ a: 1 }));
  assert.deepEqual(called('{"a":1}'), call({ a: 1 }));
  assert.deepEqual(called(undefined), call({}));
  for (const broken of ['{"a":', [1], 'a']) assert.throws(() => called(broken));
});

test('Ollama never passes on the fields that go round its guards', () => {
  const body = {
    ...minimal,
    template: 'x',
    raw: true,
    _debug_render_only: true,
    keep_alive: -1,
    options: { num_ctx: 9, seed: 1 },
  };
  const { ollama } = dialectByName;
  assert.deepEqual(ollama.speak(chatOf(ollama).readCall(body, 'drop'), false).body, {
    ...minimal,
    options: { seed: 1 },
    stream: false,
  });
});

test('Mistral gets no field that only OpenAI knows', () => {
  const body = {
    ...minimal,
    max_completion_tokens: 5,
    seed: 4,
    user: 'u',
    logit_bias: {},
    stream_options: { include_usage: true },
  };
  const written = dialectByName.mistral.speak(chatOf(dialectByName.openai).readCall(body, 'drop'), true).body;
  assert.deepEqual(written, { ...minimal, max_tokens: 5, random_seed: 4, stream: true });
});
