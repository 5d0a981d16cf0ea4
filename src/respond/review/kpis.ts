// KPIs from records of the journal only, so that whoever has the journal can compute them again.
import { z } from 'zod';
import type { JsonObject } from '../../platform/base/json.ts';
import { incidentVerdicts } from '../../platform/documents/incident.ts';
import type { Kpi, Kpis } from '../../platform/documents/kpi.ts';
import type { IncidentType } from '../taxonomy/taxonomy.ts';
import { type Drilled, drillOf } from './drill-record.ts';
import { type Interval, intervalOfMean, intervalOfShare, mean } from './intervals.ts';
import type { KpiTargets } from './kpi-config.ts';

/** What is read of a record; `time` is when it was written. */
export interface KpiRecord {
  time: number;
  event: JsonObject;
}

export interface KpiOptions {
  /** Milliseconds since the epoch: incidents detected from then on. */
  from: number;
  now: number;
  targets: KpiTargets;
  types: readonly Pick<IncidentType, 'id' | 'atlas'>[];
  /** Lines that could not be read. */
  unreadable?: number;
}

const incidentSchema = z.object({
  id: z.string(),
  verdict: z.enum(incidentVerdicts).nullable(),
  status: z.string(),
  occurredAt: z.iso.datetime(),
  detectedAt: z.iso.datetime(),
  containedAt: z.iso.datetime().nullable(),
});
type Seen = z.output<typeof incidentSchema>;

export function computeKpis(records: Iterable<KpiRecord>, options: KpiOptions): Kpis {
  const { from, now, targets, unreadable = 0 } = options;
  const incidents = new Map<string, Seen>();
  const drills = new Map<string, Drilled & { at: number }>();
  let count = 0;
  for (const { time, event } of records) {
    if (time > now) continue;
    count++;
    const incident = incidentOf(event);
    // The newest record of an incident is how it stands.
    if (incident !== undefined) incidents.set(incident.id, incident);
    const drill = drillOf(event);
    if (drill === undefined || drill.result === 'not-run') continue;
    const at = Date.parse(drill.startedAt);
    if (at <= now && at >= (drills.get(drill.type)?.at ?? 0)) drills.set(drill.type, { ...drill, at });
  }
  const seen = [...incidents.values()].filter(({ detectedAt }) => {
    const at = Date.parse(detectedAt);
    return at >= from && at <= now;
  });
  const coverage = coverageOf(drills, options);
  return {
    schema: 'rempart/kpi@1',
    from: iso(from),
    to: iso(now),
    incidents: countsOf(seen),
    kpis: [
      detection(seen, targets),
      containment(seen, targets),
      falsePositives(seen, targets),
      coverageKpi(coverage, drills.size, targets),
    ],
    coverage,
    journal: { records: count, unreadable },
  };
}

function incidentOf(event: JsonObject): Seen | undefined {
  if (event['class_uid'] !== 2005) return undefined;
  const { incident } = (event['unmapped'] ?? {}) as { incident?: unknown };
  const read = incidentSchema.safeParse(incident);
  return read.success ? read.data : undefined;
}

/** Not known to be something else: an open one is real until it is shown not to be. */
function isReal({ verdict }: Seen): boolean {
  return verdict === null || verdict === 'true-positive';
}

function countsOf(seen: readonly Seen[]): Kpis['incidents'] {
  const of = (verdict: Seen['verdict']) => seen.filter((one) => one.verdict === verdict).length;
  return {
    all: seen.length,
    real: of('true-positive'),
    falsePositives: of('false-positive'),
    tests: of('test'),
    duplicates: of('duplicate'),
    undecided: of(null),
  };
}

const seconds = (from: string, to: string) => Math.max(0, Date.parse(to) - Date.parse(from)) / 1_000;

function detection(seen: readonly Seen[], { mttdMinutes }: KpiTargets): Kpi {
  const times = seen.filter(isReal).map(({ occurredAt, detectedAt }) => seconds(occurredAt, detectedAt));
  return duration('mttd', times, mttdMinutes, 0);
}

function containment(seen: readonly Seen[], { mttrMinutes }: KpiTargets): Kpi {
  const real = seen.filter(isReal);
  const times = real.flatMap(({ detectedAt, containedAt }) =>
    containedAt === null ? [] : [seconds(detectedAt, containedAt)],
  );
  return duration('mttr', times, mttrMinutes, real.length - times.length);
}

function duration(id: 'mttd' | 'mttr', times: readonly number[], targetMinutes: number, pending: number): Kpi {
  const value = times.length === 0 ? null : mean(times);
  const same = { id, unit: 'seconds', better: 'below', target: targetMinutes * 60 } as const;
  return { ...same, value, n: times.length, state: stateOf(value, same), interval: intervalOfMean(times), pending };
}

function falsePositives(seen: readonly Seen[], { falsePositivePercent }: KpiTargets): Kpi {
  const judged = seen.filter(({ verdict }) => verdict === 'true-positive' || verdict === 'false-positive');
  const wrong = judged.filter(({ verdict }) => verdict === 'false-positive').length;
  const undecided = seen.filter(({ verdict }) => verdict === null).length;
  const same = { id: 'false-positives', better: 'below', target: falsePositivePercent / 100 } as const;
  return { ...same, ...shareOf(wrong, judged.length, same), pending: undecided };
}

function coverageKpi({ types }: Kpis['coverage'], drilled: number, { coveragePercent }: KpiTargets): Kpi {
  const covered = types.filter((one) => one.covered).length;
  const same = { id: 'coverage', better: 'above', target: coveragePercent / 100 } as const;
  // Every type is counted, so there is nothing to be unsure of; before the first drill nothing is known.
  if (drilled === 0)
    return { ...same, unit: 'share', value: null, n: 0, state: 'no-data', interval: null, pending: types.length };
  return { ...same, ...shareOf(covered, types.length, same), interval: null, pending: 0 };
}

function shareOf(count: number, n: number, kpi: Pick<Kpi, 'better' | 'target'>) {
  const value = n === 0 ? null : count / n;
  const interval: Interval | null = intervalOfShare(count, n);
  return { unit: 'share' as const, value, n, state: stateOf(value, kpi), interval };
}

function stateOf(value: number | null, { better, target }: Pick<Kpi, 'better' | 'target'>): Kpi['state'] {
  if (value === null) return 'no-data';
  return (better === 'below' ? value < target : value > target) ? 'met' : 'missed';
}

/** A type is covered when its newest drill is recent, passed, was detected, and was contained by its playbook. */
function coverageOf(drills: ReadonlyMap<string, Drilled & { at: number }>, options: KpiOptions): Kpis['coverage'] {
  const { types, now, targets } = options;
  const oldest = now - targets.drillDays * 86_400_000;
  const found = types.map(({ id, atlas }) => {
    const drill = drills.get(id);
    const isRecent = drill !== undefined && drill.at >= oldest;
    const lacks = [
      ...(isRecent && drill.detector !== null ? [] : (['detector'] as const)),
      ...(isRecent && drill.containedMs !== null ? [] : (['playbook'] as const)),
      ...(isRecent && drill.result === 'passed' ? [] : (['drill'] as const)),
    ];
    return {
      type: id,
      covered: lacks.length === 0,
      drilledAt: drill === undefined ? null : iso(drill.at),
      lacks,
      atlas,
    };
  });
  const techniques = (list: typeof found) => new Set(list.flatMap(({ atlas }) => atlas)).size;
  return {
    types: found.map(({ atlas: _, ...one }) => one),
    techniques: { covered: techniques(found.filter(({ covered }) => covered)), of: techniques(found) },
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
