// What every check gets and gives: the run's facts in, a share of its points with its reason and evidence out.
import type { Say } from '../../platform/i18n/say.ts';
import type { EvidenceOf } from '../scenarios/evidence.ts';
import type { HealthBaseline } from './health.ts';
import type { FoundLeak } from './leaks.ts';
import type { JudgedAsk, MethodRun, UpstreamCall } from './method-run.ts';
import type { CheckId, Rubric } from './rubric.ts';
import type { Wording } from './wording.ts';

/** An affected ask with all that was told to the user about the failure. */
export interface TellingAsk extends JudgedAsk {
  /** Whether the user could see the failure in this answer. */
  disturbed: boolean;
  wording: Wording;
}

export interface CheckContext {
  run: MethodRun;
  promises: EvidenceOf<'run-begin'>['promises'];
  rubric: Rubric;
  say: Say;
  affected: TellingAsk[];
  calls: UpstreamCall[];
  leaks: FoundLeak[];
  healthBaseline: HealthBaseline;
  /** Every affected ask got its ordinary answer without a word: nobody was disturbed. */
  healed: boolean;
}

/** `share` of the check's points, 0..1; null when it cannot be assessed in this run. */
export type CheckOutcome = { share: number; because: string; evidence: string[] } | null;
export type Check = (context: CheckContext) => CheckOutcome;
export type Checks = Partial<Record<CheckId, Check>>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

/** At most this many ids behind a check: enough to look it up, few enough to read. */
export function ids(facts: readonly { id: string }[], most = 8): string[] {
  return facts.slice(0, most).map((fact) => fact.id);
}
