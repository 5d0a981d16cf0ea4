// For tests: the exercise's table of one method run on evidence made by hand, and some of its rows held against what is expected.
import assert from 'node:assert/strict';
import type { MethodId, ScenarioId } from '../../platform/documents/simulation.ts';
import { say } from '../../platform/i18n/say.ts';
import type { Evidence, EvidenceOf, Fact } from '../scenarios/evidence.ts';
import { document } from './assess.fixture.ts';
import { type Case, evidenceOf, methodFacts } from './fixture.ts';

type Begin = Partial<EvidenceOf<'run-begin'>>;

/** The rows by their ids; each cites evidence that is there, and stands once. */
export function rows(scenario: ScenarioId, method: MethodId, one: Case, beside: Fact[] = [], begin: Begin = {}) {
  const evidence: Evidence[] = evidenceOf([...beside, ...methodFacts({ scenario, method, ...one })], begin);
  const doc = document(evidence);
  assert.equal(doc.scenarios[0]?.methods[0]?.outcome, 'scored', doc.scenarios[0]?.methods[0]?.why);
  const known = new Set(evidence.map(({ id }) => id));
  const found = doc.scenarios[0]?.observations ?? [];
  for (const { id, evidence: cited } of found)
    assert.ok(
      cited.every((line) => known.has(line)),
      id,
    );
  assert.equal(new Set(found.map(({ id }) => id)).size, found.length, 'each id once');
  return Object.fromEntries(found.map(({ id, value }) => [id, value]));
}

/** Asserts some rows, by the names of their values. */
export function expect(found: Record<string, string | number>, expected: Record<string, string | number>): void {
  const words = Object.fromEntries(
    Object.entries(expected).map(([id, value]) => [
      id,
      typeof value === 'number' ? value : say('en', `report.value.${value}` as Parameters<typeof say>[1]),
    ]),
  );
  assert.deepEqual(Object.fromEntries(Object.keys(expected).map((id) => [id, found[id]])), words);
}

export function log(text: string, baselineLength = 0): Fact {
  return { kind: 'log', t: 25_000, channel: 'stderr', baselineLength, text };
}
export function alert(t: number): Fact {
  return { kind: 'alert', t, body: '{"text":"provider down"}' };
}
export const alerts = { promises: { alerts: true } };
