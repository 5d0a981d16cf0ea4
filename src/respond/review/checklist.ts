// The eight points of an incident's end: checked by the program where it can, else by people, and kept with who said so.
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { apiActivity } from '../../platform/journal/ocsf.ts';
import type { Store } from '../../platform/store/store.ts';

export const checkPoints = [
  'services',
  'metrics',
  'logs',
  'functional',
  'posture',
  'states',
  'record',
  'post-mortem',
] as const;
export type CheckPoint = (typeof checkPoints)[number];

/** `person`: the program cannot tell, and says why in the evidence. */
export interface Checked {
  state: 'ok' | 'not-ok' | 'person';
  /** Names, numbers and codes that show it. */
  evidence: JsonObject;
}

export type Check = (incident: Incident, signal: AbortSignal) => Promise<Checked>;
export type Checks = Partial<Record<CheckPoint, Check>>;

export interface ChecklistEntry extends Checked {
  point: CheckPoint;
  checkedAt: string;
  /** Somebody vouches for it, or accepts that it is not so; with what they said. */
  tick: { by: string; at: string; note: string | null } | null;
  /** ok, or vouched for by a person. */
  passed: boolean;
}

export interface ChecklistParts {
  store: Pick<Store, 'db'>;
  journal: Pick<Journal, 'append'>;
  checks: Checks;
  now: () => number;
  log: Log;
  /** For one point; a check that does not end is one that cannot tell. */
  withinMs?: number;
}

export interface Checklist {
  /** Checks all points anew; what people ticked stays. */
  run(incident: Incident, signal: AbortSignal): Promise<ChecklistEntry[]>;
  /** As last checked; empty when it never was. */
  read(incident: string): Promise<ChecklistEntry[]>;
  /** Throws ERR_CHECKLIST_POINT for what is no point, ERR_CHECKLIST_NOTE for a failed point without a reason, ERR_CHECKLIST_NONE before a first run. */
  tick(incident: string, point: string, by: string, note?: string): Promise<ChecklistEntry[]>;
}

export function createChecklist(parts: ChecklistParts): Checklist {
  const { store, journal, checks, now, log, withinMs = 60_000 } = parts;
  const { db } = store;

  async function check(point: CheckPoint, incident: Incident, signal: AbortSignal): Promise<Checked> {
    const own = checks[point];
    if (own === undefined) return { state: 'person', evidence: { why: 'not-configured' } };
    const limited = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
    const ended = new Promise<never>((_, reject) => {
      limited.addEventListener('abort', () => reject(new RempartError('ERR_ACTION_TIMEOUT', { action: point })), {
        once: true,
      });
    });
    try {
      return await Promise.race([own(incident, limited), ended]);
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ err: error, point }, 'a point of the checklist could not be checked');
      // What could not be looked at is not well for that: a person has to look.
      const why = error instanceof RempartError ? error.code : 'ERR_INTERNAL';
      return { state: 'person', evidence: { why } };
    }
  }

  async function read(incident: string): Promise<ChecklistEntry[]> {
    const rows = await db.selectFrom('respond_checklist').selectAll().where('incident', '=', incident).execute();
    return checkPoints.flatMap((point) => {
      const row = rows.find((one) => one.point === point);
      if (row === undefined) return [];
      const state = row.state as Checked['state'];
      const tick =
        row.ticked_by === null
          ? null
          : { by: row.ticked_by, at: new Date(row.ticked_at ?? 0).toISOString(), note: row.note };
      const checkedAt = new Date(row.checked_at).toISOString();
      const evidence = JSON.parse(row.evidence) as JsonObject;
      return [{ point, state, evidence, checkedAt, tick, passed: state === 'ok' || tick !== null }];
    });
  }

  const record = (incident: string, by: string, operation: string, unmapped: JsonObject) =>
    journal.append(
      apiActivity({
        time: now(),
        activity: 'update',
        operation,
        actor: { subject: by },
        sourceIp: '127.0.0.1',
        correlation: incident,
        status: 'success',
        unmapped: { incident, ...unmapped },
      }),
    );

  return {
    read,
    async run(incident, signal) {
      const found = await Promise.all(
        checkPoints.map(async (point) => ({ point, ...(await check(point, incident, signal)) })),
      );
      for (const { point, state, evidence } of found) {
        const row = { state, evidence: JSON.stringify(evidence), checked_at: now() };
        await db
          .insertInto('respond_checklist')
          .values({ incident: incident.id, point, ...row, ticked_by: null, ticked_at: null, note: null })
          .onConflict((conflict) => conflict.columns(['incident', 'point']).doUpdateSet(row))
          .execute();
      }
      const states = Object.fromEntries(found.map(({ point, state }) => [point, state]));
      await record(incident.id, 'rempart', 'checklist run', { checklist: states });
      return read(incident.id);
    },
    async tick(incident, given, by, note) {
      const point = checkPoints.find((one) => one === given);
      if (point === undefined)
        throw new RempartError('ERR_CHECKLIST_POINT', { point: given.slice(0, 60), known: checkPoints.join(', ') });
      const entry = (await read(incident)).find((one) => one.point === point);
      if (entry === undefined) throw new RempartError('ERR_CHECKLIST_NONE', { id: incident });
      if (entry.state === 'not-ok' && note === undefined) throw new RempartError('ERR_CHECKLIST_NOTE', { point });
      await record(incident, by, 'checklist tick', { point, ...(note === undefined ? {} : { note }) });
      await db
        .updateTable('respond_checklist')
        .set({ ticked_by: by, ticked_at: now(), note: note ?? null })
        .where('incident', '=', incident)
        .where('point', '=', point)
        .execute();
      return read(incident);
    },
  };
}

/** Whether every point is well, or somebody answers for it. */
export function isComplete(entries: readonly ChecklistEntry[]): boolean {
  return entries.length === checkPoints.length && entries.every(({ passed }) => passed);
}
