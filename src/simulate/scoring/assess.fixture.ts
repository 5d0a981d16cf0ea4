// For tests: evidence made by hand, judged by the rubric of the exercise, and the parts of the verdict by name.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckResult } from '../../platform/documents/simulation.ts';
import type { Evidence, Fact } from '../scenarios/evidence.ts';
import { assess } from './assess.ts';
import { ask, type Case, call, evidenceOf, methodFacts } from './fixture.ts';
import { parseRubric } from './rubric.ts';

export const rubric = parseRubric(readFileSync(join(import.meta.dirname, '../../../scenarios/rubric.yaml'), 'utf8'));
const evidenceFile = { file: 'evidence.jsonl', sha256: 'b'.repeat(64) };
export const document = (evidence: readonly Evidence[]) => assess({ evidence, rubric, lang: 'en', evidenceFile });

/** One method run with these facts, what became of it, and which share of a check's points it has: null, not asked. */
export const one = (facts: Case, promises: Record<string, boolean> = {}) => {
  const doc = document(evidenceOf(methodFacts(facts), { promises }));
  const [scenario] = doc.scenarios;
  const [method] = scenario!.methods;
  const check = (id: string): CheckResult | undefined => method!.checks.find((found) => found.id === id);
  const share = (id: string) => {
    const found = check(id);
    return found === undefined ? null : Math.round((1000 * found.points) / found.of) / 1000;
  };
  return { doc, scenario: scenario!, method: method!, check, share };
};

/** What a target promises that has somewhere to send its alerts. */
export const alerts = { alerts: true };

/** An answer that reads like any other. */
export function reply(text: string) {
  return { body: JSON.stringify({ reply: text }), answer: text };
}

/** A call that fails and is made again: its user is served and sees nothing. */
export function secondAttempt(gap = 400): Fact[] {
  const made = ask('fault', 11_000);
  return [
    call(made.marker, 11_010, { fault: 'mid-request', status: null, outcome: 'faulted', endT: 11_020 }),
    call(made.marker, 11_020 + gap),
    made,
  ];
}
