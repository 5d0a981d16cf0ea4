// The score: its bounds, its order, and that mending and practising never lower it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { confidences, findingStates, severities } from '../../platform/documents/analysis.ts';
import { type Practised, score, type Weighed } from './score.ts';

const finding = fc.record<Weighed>({
  family: fc.constantFrom('CWE-89', 'CWE-78', 'CWE-79', 'CWE-798'),
  severity: fc.constantFrom(...severities),
  confidence: fc.constantFrom(...confidences),
  state: fc.constantFrom(...findingStates),
  mitigated: fc.boolean(),
  abandoned: fc.boolean(),
});
const practice = fc.record<Practised>({ depth: fc.constantFrom('shown', 'named'), minor: fc.boolean() });
const open = (severity: Weighed['severity'], state: Weighed['state'] = 'introduced', family = 'CWE-89'): Weighed => ({
  family,
  severity,
  confidence: 'certain',
  state,
  mitigated: false,
  abandoned: false,
});
const shown: Practised = { depth: 'shown', minor: false };

test('score() never falls when an open finding is fixed or taken away', () => {
  fc.assert(
    fc.property(
      fc.array(finding, { minLength: 1, maxLength: 12 }),
      fc.array(practice),
      fc.nat(),
      (findings, done, at) => {
        const chosen = at % findings.length;
        const before = score(findings, done);
        const one = findings[chosen] as Weighed;
        const isOpen = ['introduced', 'reintroduced', 'discussed'].includes(one.state);
        if (isOpen) assert.ok(score(findings.with(chosen, { ...one, state: 'fixed' }), done) >= before);
        assert.ok(score(findings.toSpliced(chosen, 1), done) >= before);
      },
    ),
  );
});

test('score() never falls when a practice is added, and never when a named one is shown', () => {
  fc.assert(
    fc.property(fc.array(finding), fc.array(practice), practice, (findings, done, added) => {
      const before = score(findings, done);
      assert.ok(score(findings, [...done, added]) >= before);
      assert.ok(
        score(
          findings,
          done.map(({ minor }) => ({ minor, depth: 'shown' as const })),
        ) >= before,
      );
    }),
  );
});

test('score() stays between 0 and 10 with one decimal', () => {
  fc.assert(
    fc.property(fc.array(finding, { maxLength: 60 }), fc.array(practice, { maxLength: 60 }), (findings, done) => {
      const got = score(findings, done);
      assert.ok(got >= 0 && got <= 10 && Math.round(got * 10) / 10 === got);
    }),
  );
});

test('score() tells a weakness that was mended from one that was left, by a clear step', () => {
  assert.ok(score([open('critical', 'fixed')], [shown]) - score([open('critical')], [shown]) >= 0.9);
});

test('score() puts a thread of open critical weaknesses at 2 or less', () => {
  assert.ok(score([open('critical'), open('critical', 'introduced', 'CWE-78')], []) <= 2);
});

test('score() gives a lesson that only names things 6 at most', () => {
  const words = Array.from({ length: 10 }, (_, at) => open('high', 'mentioned', `CWE-${at}`));
  const named = Array.from({ length: 8 }, (): Practised => ({ depth: 'named', minor: false }));
  assert.ok(score(words, named) <= 6);
});

test('score() is not moved by one low finding more than a quarter of a point', () => {
  assert.ok(score([], [shown, shown]) - score([open('low')], [shown, shown]) <= 0.3);
});
