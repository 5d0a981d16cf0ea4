// What an answer came to, told to who asked for it: by the provider's own count, or by an estimate that says what it is.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { JsonObject } from '../src/platform/base/json.ts';
import type { ProviderSettings } from '../src/protect/gateway/settings.ts';
import {
  answering,
  type Behaviour,
  beginSse,
  chunk,
  json,
  lastChunk,
  type Rig,
  startRig,
  startUpstream,
} from './gateway-rig.ts';

const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends) await end();
});

const words = 'an answer of some length';
const usageFrame = (usage: JsonObject) => `data: ${JSON.stringify({ choices: [], usage })}\n\n`;

/** `told`: what it says of its own use, if anything. */
const saying =
  (told?: JsonObject): Behaviour =>
  (_req, res) => {
    beginSse(res);
    for (const word of words.split(/(?= )/)) res.write(chunk(word));
    const [finish = '', done = ''] = lastChunk.split('\n\n');
    res.end(`${finish}\n\n${told === undefined ? '' : usageFrame(told)}${done}\n\n`);
  };

async function before(behaviour: Behaviour, dialect: ProviderSettings['dialect'] = 'openai'): Promise<Rig> {
  const upstream = await startUpstream(behaviour);
  const rig = await startRig([{ name: 'up', dialect, url: upstream.url }]);
  ends.push(rig.close, upstream.close);
  return rig;
}

const messages = [{ role: 'user', content: 'a question of some length' }];
const framesOf = (text: string) =>
  text
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice(6)) as JsonObject);
const usagesOf = (text: string) => framesOf(text).flatMap(({ usage }) => (usage ? [usage as JsonObject] : []));
const asked = { stream: true, stream_options: { include_usage: true } };
const outcomeOf = ({ journalled }: Rig) => journalled.at(-1)!['unmapped'] as JsonObject;

for (const [how, told] of [
  ['nothing', undefined],
  ['nought', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
] as const)
  test(`a stream of which the provider tells ${how} ends with an estimate that is marked as one, for who asked for it`, async () => {
    const rig = await before(saying(told));
    const { text } = await rig.chat(messages[0]!.content, asked);
    const [usage, ...others] = usagesOf(text);
    assert.deepEqual(others, []);
    assert.equal(usage?.['rempart_estimated'], true);
    const [prompt, completion] = [Number(usage['prompt_tokens']), Number(usage['completion_tokens'])];
    assert.ok(prompt > 0 && completion > 0, text);
    assert.equal(usage['total_tokens'], prompt + completion);
    assert.deepEqual(framesOf(text).at(-1)!['choices'], []);
    assert.match(text, /data: \[DONE\]\n\n$/);
    // The same as what is written down, and charged.
    assert.deepEqual(
      [outcomeOf(rig)['promptTokens'], outcomeOf(rig)['completionTokens'], outcomeOf(rig)['tokensEstimated']],
      [prompt, completion, true],
    );
    assert.deepEqual(usagesOf((await rig.chat('hi', { stream: true })).text), [], 'nobody asked for it');
  });

test('a stream of which the provider tells what it used ends with just that, once, though it was told with every piece', async () => {
  const rig = await before((_req, res) => {
    beginSse(res);
    for (let nth = 1; nth <= 3; nth++)
      res.write(chunk('word ') + usageFrame({ prompt_tokens: 7, completion_tokens: nth, total_tokens: 7 + nth }));
    res.end(lastChunk);
  });
  const { text } = await rig.chat('hi', asked);
  assert.deepEqual(usagesOf(text), [{ prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }]);
});

test('an estimate is told in each dialect in its own place', async () => {
  const rig = await before(saying());
  const mistral = await rig.ask(
    '/v1/chat/completions',
    { model: 'm', messages, stream: true },
    { 'user-agent': 'mistral-client' },
  );
  const [usage, ...others] = usagesOf(mistral.text);
  assert.deepEqual(others, []);
  assert.equal(usage?.['rempart_estimated'], true);
  const last = framesOf(mistral.text).at(-1)!;
  assert.equal((last['choices'] as JsonObject[])[0]!['finish_reason'], 'stop', 'with the end of the last choice');
  const ollama = await rig.ask('/api/chat', { model: 'm', messages });
  const end = JSON.parse(ollama.text.trim().split('\n').at(-1)!) as JsonObject;
  assert.equal(end['rempart_estimated'], true);
  assert.equal(end['eval_count'], usage['completion_tokens']);
  assert.equal(end['prompt_eval_count'], usage['prompt_tokens']);
});

test('a whole answer says of an estimate that it is one, and of a count that was told nothing of the kind', async () => {
  const untold = await before((_req, res) =>
    json(res, 200, { choices: [{ index: 0, message: { role: 'assistant', content: words }, finish_reason: 'stop' }] }),
  );
  const usage = (JSON.parse((await untold.chat('hi')).text) as { usage: JsonObject }).usage;
  assert.equal(usage['rempart_estimated'], true);
  const vectors = await before((_req, res) => json(res, 200, { data: [{ index: 0, embedding: [1, 2] }] }));
  const embedded = await vectors.ask('/v1/embeddings', { model: 'm', input: 'some text' });
  assert.equal((JSON.parse(embedded.text) as { usage: JsonObject }).usage['rempart_estimated'], true);
  for (const dialect of ['openai', 'ollama'] as const) {
    const told = await before(answering(words), dialect);
    assert.doesNotMatch((await told.chat('hi')).text, /estimated/);
    assert.doesNotMatch((await told.ask('/api/chat', { model: 'm', messages, stream: false })).text, /estimated/);
  }
});
