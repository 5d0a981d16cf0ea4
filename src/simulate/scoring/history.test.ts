// Whether acknowledged messages stand in the history: lost, doubled, out of order, and what must not be mistaken for that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fact } from '../scenarios/evidence.ts';
import { bareError, call, evidenceOf, injectedT, methodFacts, silence, ask as some } from './fixture.ts';
import { lostMessages, userMarkers } from './history.ts';
import { methodRuns } from './method-run.ts';

const markers = ['mkaaaaaaaa', 'mkbbbbbbbb', 'mkcccccccc'] as const;
const [a, b, c] = markers;
const user = (marker: string) => ({ role: 'user', text: `question (${marker})` });
const bot = (text: string) => ({ role: 'assistant', text });

/** Three messages that were answered, then the history as given; the result by first letters of the markers. */
function judged(messages: unknown, options: { status?: number; asks?: Fact[] } = {}) {
  const asks =
    options.asks ??
    markers.flatMap((marker, index) => [
      call(marker, injectedT + 2000 * index),
      some('fault', injectedT + 2000 * index, { marker }),
    ]);
  const history: Fact = {
    kind: 'history',
    t: 25_000,
    conversation: 'c1',
    status: options.status ?? 200,
    body: JSON.stringify(messages),
  };
  const [run] = methodRuns(evidenceOf(methodFacts({ fault: asks, recovery: [], beside: [history] })));
  const result = lostMessages({
    ...run!,
    asks: run!.asks.filter(({ ask }) => (markers as readonly string[]).includes(ask.marker)),
  });
  const letters = (list: { marker: string }[]) => list.map(({ marker }) => marker[2]).join('');
  return [letters(result.lost), letters(result.doubled), letters(result.disordered)];
}

const cases: [name: string, messages: unknown, expected: [lost: string, doubled: string, disordered: string]][] = [
  ['all three in order', [user(a), bot('x'), user(b), bot('y'), user(c), bot('z')], ['', '', '']],
  ['one missing', [user(a), user(c)], ['b', '', '']],
  ['all missing', [], ['abc', '', '']],
  ['a history that is no list', { messages: [] }, ['abc', '', '']],
  ['one twice', [user(a), user(b), user(b), user(c)], ['', 'b', '']],
  ['two swapped', [user(a), user(c), user(b)], ['', '', 'c']],
  [
    'the bot repeating the question',
    [user(a), bot(`you said ${a}`), user(b), bot(b), user(c), bot(`${a} ${b}`)],
    ['', '', ''],
  ],
  ['only the bot repeating it', [user(a), user(b), bot(`you said ${c}`)], ['c', '', '']],
  ['a user quoting an earlier one', [user(a), user(`${b} as in ${a}`), user(c)], ['', '', '']],
  ['messages without role', [`q ${a}`, 'answer', `q ${b}`, 'answer', `q ${c}`], ['', '', '']],
  ['question and answer in one record', markers.map((m) => ({ question: m, answer: `about ${m}` })), ['', '', '']],
  ['an answer without role that repeats the question', markers.flatMap((m) => [`q ${m}`, `about ${m}`]), ['', '', '']],
  ['the same words without role twice', [`q ${a}`, `q ${b}`, `q ${b}`, `q ${c}`], ['', 'b', '']],
  ['an object of messages', { m1: user(a), m2: user(b), m3: user(c) }, ['', '', '']],
  ['one text, a line each', markers.map((m) => `user: ${m}\nassistant: about ${m}`).join('\n'), ['', '', '']],
  [
    'the role inside the author',
    markers.flatMap((m) => [
      { author: { role: 'user' }, m },
      { author: { role: 'assistant' }, m },
    ]),
    ['', '', ''],
  ],
  [
    'a flag for the role',
    markers.flatMap((m) => [
      { isUser: true, m },
      { isUser: false, m },
    ]),
    ['', '', ''],
  ],
  [
    'another word for the role',
    markers.flatMap((m) => [
      { sender: 'human', m },
      { sender: 'bot', m },
    ]),
    ['', '', ''],
  ],
  [
    'roles in capitals',
    markers.flatMap((m) => [
      { role: 'USER', m },
      { role: 'ASSISTANT', m },
    ]),
    ['', '', ''],
  ],
];
for (const [name, messages, [lost, doubled, disordered]] of cases) {
  test(`lostMessages() of ${name}: lost "${lost}", doubled "${doubled}", out of order "${disordered}"`, () => {
    const [wasLost, wasDoubled, wasDisordered] = judged(messages);
    assert.equal(wasLost, lost);
    assert.equal(wasDoubled, doubled);
    assert.equal(wasDisordered !== '', disordered !== '', wasDisordered);
  });
}

test('lostMessages() takes a history that cannot be read for one in which nothing stands', () => {
  assert.equal(judged([user(a), user(b), user(c)], { status: 500 })[0], 'abc');
});

test('lostMessages() does not miss what was refused or met silence: it was never acknowledged', () => {
  const asks = [
    call(a, injectedT),
    some('fault', injectedT, { marker: a }),
    some('fault', injectedT + 2000, { marker: b, ...bareError }),
    some('fault', injectedT + 4000, { marker: c, ...silence }),
  ];
  assert.deepEqual(judged([user(a)], { asks }), ['', '', '']);
});

test('lostMessages() misses what was answered with a limited answer: that was acknowledged', () => {
  const asks = [
    some('fault', injectedT, {
      marker: a,
      body: '{"reply":"Le service est indisponible."}',
      answer: 'Le service est indisponible.',
    }),
  ];
  assert.deepEqual(judged([], { asks }), ['a', '', '']);
});

test('userMarkers() keeps order and repetition of users and leaves the bot out', () => {
  assert.deepEqual(userMarkers(JSON.stringify([user(b), bot(a), user(a), user(b)])), [b, a, b]);
  assert.deepEqual(userMarkers('not json'), []);
});

test('lostMessages() reads a history that begins with the newest message, told by the ordinary day before', () => {
  const [x, y, z] = ['mkxxxxxxxx', 'mkyyyyyyyy', 'mkzzzzzzzz'];
  const asks = [
    ...[x, y].map((marker, i) => some('baseline', 1000 + 1000 * i, { marker, conversation: 'c7' })),
    some('fault', injectedT, { marker: z, conversation: 'c7' }),
  ];
  const of = (order: string[]) => {
    const history: Fact = {
      kind: 'history',
      t: 25_000,
      conversation: 'c7',
      status: 200,
      body: JSON.stringify(order.map(user)),
    };
    const calls = asks.map((ask) => call(ask.marker, ask.t));
    const [run] = methodRuns(
      evidenceOf(methodFacts({ fault: [], recovery: [], beside: [...asks, ...calls, history] })),
    );
    const mine = run!.asks.filter(({ ask }) => ask.conversation === 'c7');
    return lostMessages({ ...run!, asks: mine }).disordered.length;
  };
  assert.equal(of([x, y, z]), 0);
  assert.equal(of([z, y, x]), 0);
  assert.notEqual(of([x, z, y]), 0);
});
