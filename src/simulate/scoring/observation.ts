// What every observation table is made with: rows, scales in words, and readings that several tables share.
import type { CheckResult, Simulation } from '../../platform/documents/simulation.ts';
import type { Say, TextKey } from '../../platform/i18n/say.ts';
import type { Evidence, EvidenceOf } from '../scenarios/evidence.ts';
import type { MethodAssessment } from './assess-method.ts';
import { ids } from './check.ts';

export type Observation = Simulation['scenarios'][number]['observations'][number];

/** What a table is filled from: the scored method runs of one scenario. */
export interface Seen {
  scored: readonly MethodAssessment[];
  evidence: readonly Evidence[];
  begin: Pick<EvidenceOf<'run-begin'>, 'language'>;
  say: Say;
}
export type Table = (seen: Seen) => Observation[];

type ValueName<K> = K extends `report.value.${infer Name}` ? Name : never;
export type Value = ValueName<TextKey>;

/** A row whose value is one of the words of its scale, or that it could not be assessed. */
export function worded(
  { say }: Pick<Seen, 'say'>,
  id: string,
  value: Value,
  scale: readonly Value[],
  evidence: readonly string[],
): Observation {
  const words = scale.map((name) => say(`report.value.${name}`)).join(' | ');
  return { id, value: say(`report.value.${value}`), scale: words, evidence: [...new Set(evidence)].slice(0, 8) };
}

export function measured(id: string, value: number, unit: string, evidence: readonly string[]): Observation {
  return { id, value: Math.round(value * 100) / 100, scale: unit, evidence: [...new Set(evidence)].slice(0, 8) };
}

export const yesNo = ['yes', 'no'] as const;
export const compliance = ['compliant', 'not-compliant'] as const;

export function shareOf({ points, of }: Pick<CheckResult, 'points' | 'of'>): number {
  return of === 0 ? 0 : points / of;
}

/** The worst outcome of one of these checks over all methods; undefined where none could be assessed. */
export function worstCheck({ scored }: Pick<Seen, 'scored'>, ...names: string[]): CheckResult | undefined {
  return scored
    .flatMap(({ checks }) => checks.filter(({ id }) => names.includes(id)))
    .sort((a, b) => shareOf(a) - shareOf(b))[0];
}

/** A check's worst outcome in three words, best first. */
export function graded(
  seen: Seen,
  id: string,
  checks: readonly string[],
  scale: readonly [Value, Value, Value],
): Observation {
  const found = worstCheck(seen, ...checks);
  if (found === undefined) return worded(seen, id, 'not-assessed', scale, []);
  const share = shareOf(found);
  return worded(seen, id, share >= 0.9 ? scale[0] : share > 0 ? scale[1] : scale[2], scale, found.evidence);
}

const messageChecks = ['says-what', 'says-do', 'says-when', 'language', 'plain'];

/** How well those who were disturbed were told, at the worst method: 0..1; null when nobody was disturbed. */
export function clarity({ scored }: Pick<Seen, 'scored'>): { share: number; evidence: string[] } | null {
  const told = scored.flatMap(({ checks }) => {
    const mine = checks.filter(({ id }) => messageChecks.includes(id));
    if (mine.length === 0) return [];
    const of = mine.reduce((sum, check) => sum + check.of, 0);
    const points = mine.reduce((sum, check) => sum + check.points, 0);
    return [{ share: points / of, evidence: mine.flatMap(({ evidence }) => evidence) }];
  });
  return told.sort((a, b) => a.share - b.share)[0] ?? null;
}

export function informationRow(seen: Seen, id: string): Observation {
  const scale = ['clear', 'acceptable', 'confusing'] as const;
  const told = clarity(seen);
  if (told === null) return worded(seen, id, 'not-needed', scale, worstCheck(seen, 'undisturbed')?.evidence ?? []);
  const value = told.share >= 0.9 ? 'clear' : told.share >= 0.5 ? 'acceptable' : 'confusing';
  return worded(seen, id, value, scale, told.evidence);
}

export type Recovery = 'automatic' | 'manual' | 'none';

/** At the worst method: came back by itself, after a restart, or not at all. */
export function recoveryOf({ scored }: Pick<Seen, 'scored'>): { value: Recovery; evidence: string[] } {
  const restarts = scored.flatMap(({ run }) => run.process.filter(({ state }) => state === 'restarted'));
  const evidence = [...(worstCheck({ scored }, 'back')?.evidence ?? []), ...ids(restarts)];
  if (scored.some(({ recoverMs }) => recoverMs === null)) return { value: 'none', evidence };
  return { value: restarts.length > 0 ? 'manual' : 'automatic', evidence };
}

export function recoveryRow(seen: Seen, id: string): Observation {
  const { value, evidence } = recoveryOf(seen);
  return worded(seen, id, value, ['automatic', 'manual', 'none'], evidence);
}

/** A line of a log that tells of a failure. */
const failureLine =
  /\b(error|err|warn(ing)?|fail(ed|ure)?|fatal|critical|exception|unavailable|refused|time(d )?out|alert|signal|échec|échoué|erreur|avertissement|indisponible|refusée?|panne)\b|"level":\s*"?(40|50|60|warn|error)/i;

export interface LogRecord {
  /** Whether each method left a record of its failure; null where no log is read. */
  found: boolean | null;
  secrets: boolean;
  evidence: string[];
}

/** One traceable record of the failure in the logs, free of canaries. */
export function logRecord({ scored }: Pick<Seen, 'scored'>): LogRecord {
  const logs = scored.flatMap(({ run }) => run.logs);
  if (logs.length === 0) return { found: null, secrets: false, evidence: [] };
  const telling = scored.map(({ run }) =>
    run.logs.find((log) =>
      log.text
        .slice(log.baselineLength)
        .split('\n')
        .some((line) => failureLine.test(line)),
    ),
  );
  const leaked = scored.flatMap(({ leaks }) => leaks.filter(({ channel }) => channel.startsWith('log:')));
  return {
    found: telling.every((log) => log !== undefined),
    secrets: leaked.length > 0,
    evidence: [...leaked.map((leak) => leak.evidence), ...ids(telling.filter((log) => log !== undefined))],
  };
}

export function logRow(seen: Seen): Observation {
  const { found, secrets, evidence } = logRecord(seen);
  const value = found === null ? 'not-assessed' : !found ? 'log-none' : secrets ? 'log-secrets' : 'compliant';
  return worded(seen, 'log-record', value, ['compliant', 'log-none', 'log-secrets'], evidence);
}

/** Each id once, those of leaks first: where a leak is seen is what a reader looks up. */
export function leakEvidence(leaks: readonly { evidence: string }[]): string[] {
  return [...new Set(leaks.map(({ evidence }) => evidence))];
}
