// What drills showed: kept in the store, and told in the journal with the moment at which each began.

import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import { type DrilledScenario, type DrillResult, drillSchema } from '../../platform/documents/drill.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { detectionFinding } from '../../platform/journal/ocsf.ts';
import type { Store } from '../../platform/store/store.ts';

export interface KeptDrill {
  scenario: string;
  type: string;
  result: DrillResult;
  /** Milliseconds since the epoch at which it began. */
  at: number;
  detectedMs: number | null;
  containedMs: number | null;
}

export interface DrillResults {
  /** On disk and in the journal when it resolves; the same document again changes nothing. */
  record(document: unknown): Promise<number>;
  /** Newest first. */
  since(at: number): Promise<KeptDrill[]>;
  /** The newest of each scenario. */
  last(): Promise<KeptDrill[]>;
}

export function createDrillResults({
  store: { db },
  journal,
}: {
  store: Pick<Store, 'db'>;
  journal: Pick<Journal, 'append'>;
}): DrillResults {
  async function keep(drilled: DrilledScenario): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto('drills')
      .values({
        scenario: drilled.scenario,
        at: Date.parse(drilled.startedAt),
        type: drilled.type,
        result: drilled.result,
        detected_ms: drilled.detectedMs,
        contained_ms: drilled.containedMs,
        document: JSON.stringify(drilled),
      })
      .onConflict((conflict) => conflict.columns(['scenario', 'at']).doNothing())
      .executeTakeFirst();
    return numInsertedOrUpdatedRows === 1n;
  }

  const read = async (since: number): Promise<KeptDrill[]> => {
    const rows = await db
      .selectFrom('drills')
      .select(['scenario', 'type', 'result', 'at', 'detected_ms', 'contained_ms'])
      .where('at', '>=', since)
      .orderBy('at', 'desc')
      .execute();
    return rows.map(({ detected_ms, contained_ms, result, ...row }) => ({
      ...row,
      result: result as DrillResult,
      detectedMs: detected_ms,
      containedMs: contained_ms,
    }));
  };

  return {
    async record(document) {
      const read = drillSchema.safeParse(document);
      if (!read.success || read.data.dryRun) throw new RempartError('ERR_BODY_INVALID', { what: 'document' });
      let kept = 0;
      for (const drilled of read.data.scenarios) {
        if (!(await keep(drilled))) continue;
        kept++;
        await journal.append(eventOf(drilled));
      }
      return kept;
    },
    since: read,
    async last() {
      const newest = new Map<string, KeptDrill>();
      for (const one of await read(0)) if (!newest.has(one.scenario)) newest.set(one.scenario, one);
      return [...newest.values()];
    },
  };
}

/** Names and numbers; the texts of the document stay in the store. */
function eventOf(drilled: DrilledScenario): JsonObject {
  const { scenario, type, result, startedAt, tookMs, detectedMs, containedMs, checks, detector, engine } = drilled;
  const failed = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  return detectionFinding({
    activity: 'close',
    time: Date.parse(startedAt) + tookMs,
    uid: `drill/${scenario}/${startedAt}`,
    title: `drill of ${type}: ${result}`,
    types: ['drill', type],
    severity: result === 'failed' ? 'high' : 'informational',
    ...(result === 'not-run' ? {} : { status: result === 'passed' ? ('success' as const) : ('failure' as const) }),
    unmapped: {
      phase: 'drill',
      scenario,
      type,
      result,
      startedAt,
      detectedMs,
      containedMs,
      detector,
      engine,
      checks: checks.length,
      ...(failed.length === 0 ? {} : { failed }),
    },
  });
}
