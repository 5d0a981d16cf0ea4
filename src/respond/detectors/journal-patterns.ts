// The detector that holds the journal's records against Sigma rules, as they are written.
import type { JournalRecord } from '../../platform/journal/record.ts';
import type { Detector, DetectorContext } from './detector.ts';
import { harmless } from './harmless.ts';
import { createJournalRecords } from './journal-records.ts';
import { createRecent } from './recent.ts';
import type { SigmaCorrelation, SigmaRule } from './sigma.ts';
import { found } from './sigma-fields.ts';
import { lookEvery, type Timers } from './timers.ts';

export interface JournalPatternsParts {
  /** The journal's directory. */
  dir: string;
  rules: readonly SigmaRule[];
  correlations: readonly SigmaCorrelation[];
  timers: Timers;
  placesFile?: string;
  everyMs?: number;
}

/** What respond writes itself would only tell it of its own deeds. */
const ownStream = 'respond';
const keepEvery = 20;

export function journalPatternsDetector(parts: JournalPatternsParts): Detector {
  const { dir, rules, correlations, timers, everyMs = 300 } = parts;
  return {
    name: 'journal-patterns',
    types: [...new Set([...rules, ...correlations].map(({ type }) => type))],
    deadAfterMs: 60_000,
    start(context) {
      const records = createJournalRecords(dir, parts.placesFile);
      const judge = createSigmaJudge(rules, correlations, context);
      let looks = 0;
      const looking = lookEvery({ timers, ms: everyMs }, context, () => {
        for (const record of records.read()) if (record.stream !== ownStream) judge(record);
        if (looks++ % keepEvery === 0) records.keep();
      });
      return {
        async close() {
          await looking.close();
          records.keep();
        },
      };
    },
  };
}

/** Reports what a record is, and what it is together with those before it. */
export function createSigmaJudge(
  rules: readonly SigmaRule[],
  correlations: readonly SigmaCorrelation[],
  context: Pick<DetectorContext, 'report' | 'tightness' | 'now'>,
): (record: JournalRecord) => void {
  const counting = correlations.map((correlation) => ({ correlation, count: counterOf(correlation) }));

  function tell(one: SigmaRule | SigmaCorrelation, record: JournalRecord, facts: Record<string, number>): void {
    const subject = one.subject === undefined ? undefined : found(record.event, one.subject.split('.'))[0];
    context.report({
      type: one.type,
      subject: subject === undefined || subject === null ? record.stream : harmless(String(subject)),
      occurredAt: record.time,
      severity: one.severity,
      facts: { rule: harmless(one.key), stream: record.stream, seq: record.seq, ...facts },
    });
  }

  return (record) => {
    const hits = new Set(rules.filter(({ matches }) => matches(record.event)));
    if (hits.size === 0) return;
    for (const rule of hits) if (!rule.isPart) tell(rule, record, {});
    for (const { correlation, count } of counting) {
      if (!correlation.of.some((rule) => hits.has(rule))) continue;
      const seen = count(record);
      const tight = context.tightness();
      const isEnough = correlation.isEnough(seen) || (tight < 1 && seen >= Math.ceil(correlation.least * tight));
      if (!isEnough) continue;
      tell(correlation, record, { count: seen, withinSeconds: correlation.timespanMs / 1_000 });
    }
  };
}

/** How many there are in the group of a record, with it. */
function counterOf({ counts, groupBy, timespanMs, field }: SigmaCorrelation): (record: JournalRecord) => number {
  const groupOf = ({ event }: JournalRecord) =>
    JSON.stringify(groupBy.map((one) => found(event, one.split('.'))[0] ?? null)).slice(0, 500);
  if (counts === 'event_count') {
    const recent = createRecent(timespanMs, { each: 5_000 });
    return (record) => recent.add(groupOf(record), record.time);
  }
  const groups = new Map<string, Map<string, number>>();
  return (record) => {
    const group = groupOf(record);
    const values = groups.get(group) ?? new Map<string, number>();
    groups.delete(group);
    groups.set(group, values);
    if (groups.size > 2_000) for (const oldest of groups.keys()) if (groups.delete(oldest)) break;
    const value = found(record.event, (field ?? '').split('.'))[0];
    if (value !== undefined && value !== null) {
      const name = String(value).slice(0, 200);
      values.delete(name);
      values.set(name, record.time);
    }
    for (const [name, at] of values) {
      if (at > record.time - timespanMs && values.size <= 5_000) break;
      values.delete(name);
    }
    return values.size;
  };
}
