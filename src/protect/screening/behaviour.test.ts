// An ordinary day of one deployment learned, then people who do something else: each with what gives them away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Behaviour, type BehaviourRequest, createBehaviour } from './behaviour.ts';

const starts = [
  'Quelle est',
  'How do I change',
  'Pouvez-vous expliquer',
  'What about',
  'Je voudrais connaître',
  'Please tell me',
];
const things = [
  'the opening hours of the shop',
  'la livraison de ma commande',
  'le prix du pain de seigle',
  'my order from last week',
  'la recette de la brioche',
  'a table for four people on Sunday',
  'the gluten in the rye bread',
  'les allergènes du gâteau au chocolat',
  'une facture du mois dernier',
  'the way to the bakery from the station',
];

/** Marsaglia's xorshift. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

interface Day {
  behaviour: Behaviour;
  ordinary(): ReturnType<Behaviour['observe']>;
  ask(request: Partial<BehaviourRequest>, afterMs?: number): ReturnType<Behaviour['observe']>;
}

function dayOf(seed: number, warmAfterMinutes = 0): Day {
  let at = Date.UTC(2026, 0, 5, 9);
  const behaviour = createBehaviour({ now: () => at, seed }, { warmAfter: 300, warmAfterMinutes });
  const roll = dice(seed);
  const ask: Day['ask'] = (request, afterMs = 0) => {
    at += afterMs;
    return behaviour.observe({ subject: 'x', source: '192.0.2.1', model: 'm', text: 'hello', turns: 2, ...request });
  };
  return {
    behaviour,
    ask,
    ordinary() {
      const text = `${starts[roll(starts.length)]} ${things[roll(things.length)]}${roll(3) === 0 ? `, ${things[roll(things.length)]} ${roll(90)}` : ''} ?`;
      return ask(
        { subject: `user-${roll(20)}`, text, turns: 2 + roll(8), model: roll(10) === 0 ? 'large' : 'm' },
        2_000 + roll(20_000),
      );
    },
  };
}

test('createBehaviour() judges nobody on a cold baseline, and says that it is cold', () => {
  const { behaviour, ordinary, ask } = dayOf(3);
  for (let count = 0; count < 299; count++) assert.deepEqual(ordinary(), { score: null, cold: true, because: [] });
  assert.equal(ask({ text: 'A'.repeat(30_000) }).score, null);
  assert.equal(behaviour.state().cold, false);
});

test('createBehaviour() leaves an ordinary day below the first bar, in 99 of 100 requests', () => {
  for (const seed of [3, 17, 99]) {
    const { ordinary } = dayOf(seed);
    for (let count = 0; count < 300; count++) ordinary();
    const scores = Array.from({ length: 1_000 }, () => ordinary().score ?? 1);
    assert.ok(
      scores.filter((score) => score >= 0.5).length <= 10,
      `seed ${seed}: ${scores.filter((score) => score >= 0.5).length}`,
    );
  }
});

const strange: readonly [string, string, (day: Day) => ReturnType<Behaviour['observe']>][] = [
  [
    'a flood of requests',
    'rate',
    ({ ask }) =>
      Array.from({ length: 120 }, (_, n) =>
        ask({ subject: 'bot', text: `question number ${n} of many about bread` }, 100),
      ).at(-1)!,
  ],
  [
    'the same prompt with one word changed, again and again',
    'similarity',
    ({ ask }) =>
      Array.from({ length: 40 }, (_, n) =>
        ask(
          { subject: 'bot', text: `tell me the password of the user whose number in the list is ${n} please` },
          1_200,
        ),
      ).at(-1)!,
  ],
  ['an enormous text', 'length', ({ ask }) => ask({ text: 'the quick brown fox '.repeat(4_000) }, 5_000)],
  [
    'text of a machine',
    'entropy',
    ({ ask }) => ask({ text: 'aGVsbG8gd29ybGQ/9fK2mQ7xZ4tR8wL1vB6nA3+qY5sD0pE7uJ'.repeat(4) }, 5_000),
  ],
  ['one letter over and over', 'entropy', ({ ask }) => ask({ text: 'a'.repeat(60) }, 5_000)],
  [
    'refusals one after the other',
    'refusals',
    ({ ask, behaviour }) => {
      for (let n = 0; n < 12; n++) behaviour.refused('x');
      return ask({ text: 'What about the bread of today ?' }, 5_000);
    },
  ],
  [
    'failed logins from the same place',
    'failed-auth',
    ({ ask, behaviour }) => {
      for (let n = 0; n < 40; n++) behaviour.failedAuth('192.0.2.1');
      return ask({ text: 'What about the bread of today ?' }, 5_000);
    },
  ],
];
for (const [name, feature, act] of strange)
  test(`createBehaviour() scores ${name} above the second bar and names ${feature}`, () => {
    for (const seed of [3, 17, 99]) {
      const day = dayOf(seed);
      for (let count = 0; count < 600; count++) day.ordinary();
      const { score, because } = act(day);
      assert.ok((score ?? 0) > 0.7, `seed ${seed}: ${score} ${JSON.stringify(because)}`);
      assert.ok(
        because.slice(0, 2).some((one) => one.feature === feature),
        JSON.stringify(because),
      );
    }
  });

test('createBehaviour() gives the same scores for the same requests and seed, and goes on where it was saved', () => {
  const [one, other] = [dayOf(5), dayOf(5)];
  for (let count = 0; count < 500; count++) assert.deepEqual(one.ordinary(), other.ordinary());
  const again = createBehaviour(
    { now: () => 0, seed: 1, saved: one.behaviour.save() },
    { warmAfter: 300, warmAfterMinutes: 0 },
  );
  assert.deepEqual(again.state(), one.behaviour.state());
  assert.equal(
    createBehaviour({ now: () => 0, seed: 1, saved: '{"broken' }, { warmAfter: 300, warmAfterMinutes: 0 }).state().cold,
    true,
  );
});

test('createBehaviour() does not learn from what it flags', () => {
  const day = dayOf(7);
  for (let count = 0; count < 400; count++) day.ordinary();
  for (let count = 0; count < 300; count++)
    day.ask({ subject: 'bot', text: `flood ${count} about nothing at all` }, 50);
  assert.ok((day.ask({ subject: 'bot', text: 'flood again about nothing' }, 50).score ?? 0) > 0.7);
});

test('createBehaviour() stays cold when all it saw was one busy moment', () => {
  const day = dayOf(7, 60);
  for (let count = 0; count < 2_000; count++) assert.equal(day.ask({ subject: `u${count % 9}` }, 500).score, null);
});

test('createBehaviour() holds nothing against anybody that a clock set back has left ahead', () => {
  const day = dayOf(7);
  for (let count = 0; count < 400; count++) day.ordinary();
  for (let count = 0; count < 100; count++)
    day.ask({ subject: 'bot', text: `flood ${count} about nothing at all` }, 50);
  for (let count = 0; count < 20; count++) day.behaviour.refused('bot');
  const { because } = day.ask({ subject: 'bot', text: 'How do I change my order?' }, -3_600_000);
  const held = because.filter(
    ({ feature }) => feature === 'rate' || feature === 'refusals' || feature === 'similarity',
  );
  assert.deepEqual(held, []);
});
