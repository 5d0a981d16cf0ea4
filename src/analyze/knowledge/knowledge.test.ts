// The knowledge in rules/: every sentence given as an example is understood, every reference leads somewhere, no pattern can be slowed down.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertGrowth } from '../../platform/base/test-time.ts';
import { findInProse } from '../findings/prose.ts';
import { practicesIn } from '../maturity/practices.ts';
import { hearingOf } from '../prose/hearing.ts';
import { speechOf } from '../prose/spoken.ts';
import { talk } from '../talk.fixture.ts';
import { knowledge } from './knowledge.ts';

const known = knowledge();
const practices = new Set(known.practices.map(({ id }) => id));

function topicsOf(sentence: string): string[] {
  const speech = speechOf(talk([['assistant', sentence]]));
  const seen = practicesIn(known.practices, speech, new Map());
  // The container topics that need the subject get it.
  const about =
    seen.length > 0 ? seen : practicesIn(known.practices, speechOf(talk([['assistant', 'Docker.']])), new Map());
  const found = findInProse({
    topics: known.topics,
    speech,
    hearing: hearingOf(speech),
    code: new Map(),
    practices: about,
    proved: new Set(),
  });
  return found.map(({ topic }) => topic.id);
}

for (const topic of known.topics) {
  for (const sentence of topic.examples.yes) {
    test(`the topic ${topic.id} is heard in "${sentence}"`, () => {
      const speech = speechOf(talk([['assistant', sentence]]));
      const only = {
        ...topic,
        onlyIn: undefined,
        notIn: undefined,
        potential: topic.potential && { when: topic.potential.when },
      };
      const found = findInProse({
        topics: [only as typeof topic],
        speech,
        hearing: hearingOf(speech),
        code: new Map(),
        practices: [],
        proved: new Set(),
      });
      assert.equal(found.length, 1);
    });
  }
  for (const sentence of topic.examples.no) {
    test(`the topic ${topic.id} is not heard in "${sentence}"`, () => {
      assert.ok(!topicsOf(sentence).includes(topic.id));
    });
  }
}

for (const practice of known.practices) {
  const seenIn = (sentence: string) =>
    practicesIn([practice], speechOf(talk([['assistant', sentence]])), new Map()).length > 0;
  for (const sentence of practice.examples.yes) {
    test(`the practice ${practice.id} is heard in "${sentence}"`, () => assert.ok(seenIn(sentence)));
  }
  for (const sentence of practice.examples.no) {
    test(`the practice ${practice.id} is not heard in "${sentence}"`, () => assert.ok(!seenIn(sentence)));
  }
}

test('every practice that a topic, an advice or another rule names is known, once', () => {
  assert.equal(practices.size, known.practices.length);
  const named = [
    ...known.topics.flatMap(({ mitigatedBy, potential }) => [...mitigatedBy, ...(potential?.needs ?? [])]),
    ...known.advice.flatMap(({ unless }) => unless),
  ];
  assert.deepEqual(
    named.filter((id) => !practices.has(id)),
    [],
  );
});

test('no pattern of the prose takes more than linear time: twice the text, about twice the time', () => {
  const seeds = ['a', ' ', 'docker ', 'validate ', "n'est pas ", 'secrets in ', 'password ', 'x'.repeat(80), 'sql '];
  const patterns = [
    ...known.topics.flatMap(({ saidPattern, whenPattern }) => [saidPattern, whenPattern]),
    ...known.practices.flatMap(({ saidPattern, codePattern }) => [saidPattern, codePattern]),
  ]
    .filter((pattern) => pattern !== null)
    .map(({ regex }) => regex);
  for (const pattern of patterns) {
    for (const seed of seeds) {
      const all = new RegExp(pattern.source, pattern.flags.includes('g') ? pattern.flags : `${pattern.flags}g`);
      const work = (length: number) => {
        const text = seed.repeat(Math.ceil(length / seed.length));
        return () => [...text.matchAll(all)].length;
      };
      assertGrowth({ what: `${pattern} on "${seed}"`, work, lengths: [16_000, 128_000], floorMs: 1 });
    }
  }
});
