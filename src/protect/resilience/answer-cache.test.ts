// What is given again and what is not: another user, another word, a tool that would act twice, an answer that was cut.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../gateway/ask.ts';
import type { ChatCall, ReplyEvent } from '../gateway/dialects/dialect.ts';
import { type AnswerCacheSettings, createAnswerCache } from './answer-cache.ts';

const caller = (subject: string): Caller => ({ subject, role: 'user', credential: 'k', sourceIp: '127.0.0.1' });
const call = (content: string, more: Partial<ChatCall> = {}): ChatCall => ({
  dialect: 'openai',
  model: 'm',
  stream: false,
  includeUsage: false,
  turns: [{ role: 'user', text: content, native: { role: 'user', content } }],
  sampling: {},
  native: {},
  ...more,
});
const said = (text: string, ...more: ReplyEvent[]): ReplyEvent[] => [
  { kind: 'model', model: 'm' },
  { kind: 'delta', index: 0, text },
  { kind: 'finish', index: 0, reason: 'stop' },
  ...more,
];
const words = (events: readonly ReplyEvent[] | undefined) =>
  events?.flatMap((event) => (event.kind === 'delta' ? [event.text] : [])).join('|');

function open(settings: Partial<AnswerCacheSettings> = {}) {
  const clock = { now: 1_000 };
  const cache = createAnswerCache(() => clock.now, {
    scope: 'subject',
    ttlMs: 1_000,
    maxBytes: 100_000,
    ...settings,
  });
  return { cache, clock };
}

test('find() gives the same user the same words again, streamed or not, until they are too old', () => {
  const { cache, clock } = open();
  const pieces: ReplyEvent[] = [
    { kind: 'delta', index: 0, text: 'It is ' },
    { kind: 'delta', index: 0, text: 'noon.' },
    { kind: 'finish', index: 0, reason: 'stop' },
    { kind: 'usage', usage: { promptTokens: 1, completionTokens: 2 } },
  ];
  cache.remember(caller('a'), call('what time is it?', { stream: true }), pieces);
  const found = cache.find(caller('a'), call('what time is it?'));
  assert.equal(words(found), 'It is noon.');
  assert.ok(
    found?.every(({ kind }) => kind !== 'usage'),
    'nothing is used the second time',
  );
  clock.now += 1_001;
  assert.equal(cache.find(caller('a'), call('what time is it?')), undefined);
  assert.deepEqual(cache.state(), { answers: 0, bytes: 0 });
});

test('find() tells every other question apart', () => {
  const { cache } = open();
  cache.remember(caller('a'), call('q', { sampling: { temperature: 0 } }), said('x'));
  for (const [name, other] of Object.entries({
    words: call('q!', { sampling: { temperature: 0 } }),
    temperature: call('q', { sampling: { temperature: 1 } }),
    model: call('q', { sampling: { temperature: 0 }, model: 'n' }),
    tools: call('q', { sampling: { temperature: 0 }, native: { tools: [] } }),
    dialect: call('q', { sampling: { temperature: 0 }, dialect: 'ollama' }),
    task: call('q', { sampling: { temperature: 0 }, task: 'prompt' }),
    history: call('q', {
      sampling: { temperature: 0 },
      turns: [{ role: 'system', text: 's', native: {} }, ...call('q').turns],
    }),
  }))
    assert.equal(cache.find(caller('a'), other), undefined, name);
  assert.equal(cache.find(caller('b'), call('q', { sampling: { temperature: 0 } })), undefined, 'of another user');
  assert.equal(words(cache.find(caller('a'), call('q', { sampling: { temperature: 0 } }))), 'x');
});

test('a shared cache gives whoever asks the same the same', () => {
  const { cache } = open({ scope: 'shared' });
  cache.remember(caller('a'), call('q'), said('x'));
  assert.equal(words(cache.find(caller('b'), call('q'))), 'x');
  assert.equal(cache.forget('a'), 1);
  assert.equal(cache.find(caller('b'), call('q')), undefined, 'it was theirs');
});

test('remember() passes over what must not be given again', () => {
  const { cache } = open();
  const kept = (events: ReplyEvent[]) => {
    cache.remember(caller('a'), call('q'), events);
    return cache.find(caller('a'), call('q')) !== undefined;
  };
  assert.ok(!kept([{ kind: 'delta', index: 0, text: 'half' }]), 'no end was seen');
  assert.ok(
    !kept([
      { kind: 'delta', index: 0, text: 'half' },
      { kind: 'finish', index: 0, reason: 'length' },
    ]),
  );
  assert.ok(
    !kept([
      { kind: 'delta', index: 0, toolCalls: [{}] },
      { kind: 'finish', index: 0, reason: 'tool_calls' },
    ]),
  );
  assert.ok(
    !kept([
      { kind: 'delta', index: 0, text: 'x', logprobs: {} },
      { kind: 'finish', index: 0, reason: 'stop' },
    ]),
  );
  assert.ok(!kept(said('x'.repeat(10_000))), 'one answer is not all there is room for');
  assert.ok(kept([{ kind: 'embedding', index: 0, vector: [1, 2] }]));
});

test('the cache never takes more than its bytes: the oldest goes first', () => {
  const { cache } = open({ maxBytes: 20_000 });
  for (let nth = 0; nth < 5_000; nth++) {
    cache.remember(caller('a'), call(`q${nth}`), said('x'.repeat(100)));
    assert.ok(cache.state().bytes <= 20_000);
  }
  assert.equal(cache.find(caller('a'), call('q4000')), undefined);
  assert.ok(cache.find(caller('a'), call('q4999')) !== undefined);
  const { answers } = cache.state();
  assert.ok(answers >= 10 && answers < 20, `${answers}`);
  assert.deepEqual([cache.forget('a'), cache.state()], [answers, { answers: 0, bytes: 0 }]);
});

test('a long streamed answer takes no more room than its words', () => {
  const { cache } = open();
  const pieces = Array.from(
    { length: 300 },
    (_, nth): ReplyEvent => ({ kind: 'delta', index: 0, text: `${nth % 10}` }),
  );
  cache.remember(caller('a'), call('q'), [...pieces, { kind: 'finish', index: 0, reason: 'stop' }]);
  assert.ok(cache.state().bytes < 2_500, `${cache.state().bytes}`);
  assert.equal(words(cache.find(caller('a'), call('q')))?.length, 300);
});
