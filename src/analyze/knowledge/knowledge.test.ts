// The knowledge in rules/: every sentence given as an example is understood, every reference leads somewhere, no pattern can be slowed down.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findInProse } from '../findings/prose.ts';
import { practicesIn } from '../maturity/practices.ts';
import { hearingOf } from '../prose/hearing.ts';
import { spokenOf } from '../prose/spoken.ts';
import { talk } from '../talk.fixture.ts';
import { knowledge } from './knowledge.ts';

const known = knowledge();
const practices = new Set(known.practices.map(({ id }) => id));

function topicsOf(sentence: string): string[] {
  const spoken = spokenOf(talk([['assistant', sentence]]));
  const seen = practicesIn(known.practices, spoken, []);
  // The container topics that need the subject get it.
  const about = seen.length > 0 ? seen : practicesIn(known.practices, spokenOf(talk([['assistant', 'Docker.']])), []);
  const found = findInProse({
    topics: known.topics,
    spoken,
    hearing: hearingOf(spoken),
    blocks: [],
    practices: about,
    proved: new Set(),
  });
  return found.map(({ topic }) => topic.id);
}

for (const topic of known.topics) {
  for (const sentence of topic.examples.yes) {
    test(`the topic ${topic.id} is heard in "${sentence}"`, () => {
      const spoken = spokenOf(talk([['assistant', sentence]]));
      const only = {
        ...topic,
        onlyIn: undefined,
        notIn: undefined,
        potential: topic.potential && { when: topic.potential.when },
      };
      const found = findInProse({
        topics: [only as typeof topic],
        spoken,
        hearing: hearingOf(spoken),
        blocks: [],
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
    practicesIn([practice], spokenOf(talk([['assistant', sentence]])), []).length > 0;
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
      const short = timeOf(pattern, seed.repeat(Math.ceil(16_000 / seed.length)));
      const long = timeOf(pattern, seed.repeat(Math.ceil(128_000 / seed.length)));
      // The exponent of growth over three doublings; below 25 ms noise decides.
      if (long > 25)
        assert.ok(
          Math.log2(long / Math.max(short, 0.02)) / 3 < 1.6,
          `${pattern} on "${seed}": ${short} ms, then ${long} ms`,
        );
    }
  }
});

/** Milliseconds of this thread's own work, so that a busy machine changes nothing. */
function timeOf(pattern: RegExp, text: string): number {
  let best = Infinity;
  for (let round = 0; round < 3; round += 1) {
    const all = new RegExp(pattern.source, pattern.flags.includes('g') ? pattern.flags : `${pattern.flags}g`);
    const began = process.threadCpuUsage();
    for (const _ of text.matchAll(all));
    const { user, system } = process.threadCpuUsage(began);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}
