// The marker that ties an upstream call, a reply and a line of history to one question.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { randomFrom } from '../standin/random.ts';
import { lastMarker, makeMarker, markersIn } from './marker.ts';
import { makeQuestion } from './questions.ts';

test('makeMarker() makes markers that markersIn() finds and that do not repeat', () => {
  const random = randomFrom(7);
  const made = Array.from({ length: 2000 }, () => makeMarker(random));
  assert.equal(new Set(made).size, made.length);
  assert.deepEqual(markersIn(made.join(' ')), made);
});

test('makeMarker() makes the same markers from the same seed, others from another', () => {
  const three = (seed: number) => {
    const random = randomFrom(seed);
    return [makeMarker(random), makeMarker(random), makeMarker(random)];
  };
  assert.deepEqual(three(1), three(1));
  assert.notDeepEqual(three(1), three(2));
});

test('lastMarker() is the last one of a prompt that repeats earlier turns', () => {
  assert.equal(lastMarker('mkaaaaaaaa then mkbbbbbbbb, and mkcccccccc.'), 'mkcccccccc');
  assert.equal(lastMarker('"mkaaaaaaaa\\n"'), 'mkaaaaaaaa');
});

for (const text of ['', 'mk1234567', 'mk123456789', 'xmk12345678', 'MK12345678', 'mk1234567_', 'mk 12345678']) {
  test(`lastMarker() finds none in "${text}"`, () => assert.equal(lastMarker(text), null));
}

test('makeQuestion() always carries its marker, in both languages, and keeps it through JSON', () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom('fr' as const, 'en' as const), (seed, language) => {
      const random = randomFrom(seed);
      const marker = makeMarker(random);
      const body = JSON.stringify({ messages: [{ content: makeQuestion(language, marker, random) }] });
      assert.equal(lastMarker(body), marker);
    }),
    { numRuns: 100 },
  );
});
