// Incidents over the store: one open incident for one thing, each change made on the newest version, then journalled.
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { isAlreadyThere, type Store } from '../../platform/store/store.ts';
import type { Detection } from '../detectors/detector.ts';
import type { Taxonomy } from '../taxonomy/load-taxonomy.ts';
import type { IncidentType } from '../taxonomy/taxonomy.ts';
import {
  acknowledged,
  amended,
  type Change,
  closed,
  escalated,
  marked,
  newIncident,
  noted,
  ranPlaybook,
  repeated,
  resolved,
} from './change-incident.ts';
import { harmlessDetection } from './harmless.ts';
import type { Incidents } from './incidents.ts';
import { detectionEvent, incidentEvent } from './journal-incident.ts';

export interface IncidentsParts {
  store: Pick<Store, 'db'>;
  journal: Pick<Journal, 'append'>;
  taxonomy: Taxonomy;
  now: () => number;
  log: Log;
}

/** Whether the playbook of its type is to be run: decided once, by whoever opened it. */
export type Answer = 'wanted' | 'started' | 'none';

export interface KeptIncidents extends Incidents {
  /** As `detected`, and whether a playbook is to answer it. */
  open(
    detection: Detection,
    more: { parent?: string | null; answer: Answer },
  ): Promise<{ incident: Incident; isNew: boolean }>;
  /** Incidents whose playbook has not been started. */
  unanswered(): Promise<Incident[]>;
  answered(id: string): Promise<void>;
  /** Journals what a crash left out. Resolves to how many incidents that was. */
  catchUp(): Promise<number>;
}

const isOver = ['resolved', 'closed'] as const;

export function createIncidents({ store: { db }, journal, taxonomy, now, log }: IncidentsParts): KeptIncidents {
  const listeners = new Set<Parameters<Incidents['onChange']>[0]>();

  const tell = (incident: Incident, what: 'opened' | 'changed') => {
    for (const listener of listeners)
      try {
        listener(incident, what);
      } catch (error) {
        log.error({ err: error }, 'a listener could not take a change of an incident');
      }
  };
  const titleOf = ({ type }: Incident) => taxonomy.find(type)?.title.en ?? type;

  async function journalled(id: string, version: number, events: readonly JsonObject[]): Promise<void> {
    await Promise.all(events.map((event) => journal.append(event)));
    await db
      .updateTable('incidents')
      .set({ journalled: version })
      .where('id', '=', id)
      .where('journalled', '<', version)
      .execute();
  }

  async function change(id: string, what: Change, also?: (incident: Incident) => JsonObject): Promise<Incident> {
    for (;;) {
      const row = await db
        .selectFrom('incidents')
        .select(['document', 'version'])
        .where('id', '=', id)
        .executeTakeFirst();
      if (row === undefined) throw new RempartError('ERR_INCIDENT_UNKNOWN', { id });
      const before = JSON.parse(row.document) as Incident;
      const after = what(before, now());
      if (after === undefined) return before;
      const version = row.version + 1;
      const { numUpdatedRows } = await db
        .updateTable('incidents')
        .set({ document: JSON.stringify(after), status: after.status, version })
        .where('id', '=', id)
        .where('version', '=', row.version)
        .executeTakeFirst();
      // Somebody else changed it meanwhile: the change is made anew on what is there now.
      if (numUpdatedRows !== 1n) continue;
      await journalled(id, version, [also?.(after) ?? incidentEvent(after, titleOf(after), now())]);
      tell(after, 'changed');
      return after;
    }
  }

  async function insert(
    detection: Detection,
    type: IncidentType,
    key: string,
    { parent = null, answer }: { parent?: string | null; answer: Answer },
  ): Promise<Incident | 'open already'> {
    for (let count = 1; ; count++) {
      const incident = newIncident(incidentId(detection.detectedAt, count), type, detection, parent);
      try {
        await db
          .insertInto('incidents')
          .values({
            id: incident.id,
            type: type.id,
            level: type.level,
            status: incident.status,
            dedup_key: key,
            detected_at: detection.detectedAt,
            version: 1,
            document: JSON.stringify(incident),
            journalled: 0,
            answer,
          })
          .execute();
        return incident;
      } catch (error) {
        if (!isAlreadyThere(error)) throw error;
        if ((await openOne(key)) !== undefined) return 'open already';
        // The id was taken, by another incident of the same second.
      }
    }
  }

  const openOne = async (key: string) =>
    (
      await db
        .selectFrom('incidents')
        .select('id')
        .where('dedup_key', '=', key)
        .where('status', 'not in', isOver)
        .executeTakeFirst()
    )?.id;

  const open: KeptIncidents['open'] = async (given, more) => {
    const detection = harmlessDetection(given, now());
    const type = taxonomy.find(detection.type);
    if (type === undefined)
      throw new RempartError('ERR_INCIDENT_TYPE', { type: detection.type, known: known(taxonomy) });
    const key = `${type.id}\n${detection.subject}`;
    for (;;) {
      const there = await openOne(key);
      if (there !== undefined)
        return {
          incident: await change(there, repeated(detection), () => detectionEvent(detection, there, type, true)),
          isNew: false,
        };
      const incident = await insert(detection, type, key, more);
      if (incident === 'open already') continue;
      const events = [
        detectionEvent(detection, incident.id, type, false),
        incidentEvent(incident, type.title.en, now()),
      ];
      await journalled(incident.id, 1, events);
      tell(incident, 'opened');
      return { incident, isNew: true };
    }
  };

  const find = async (id: string) => {
    const row = await db.selectFrom('incidents').select('document').where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : (JSON.parse(row.document) as Incident);
  };

  return {
    open,
    find,
    detected: (detection, parent = null) => open(detection, { parent, answer: 'wanted' }),
    async list({ open: isOpen, type, limit = 1_000 } = {}) {
      let rows = db.selectFrom('incidents').select('document').orderBy('detected_at', 'desc').orderBy('id', 'desc');
      if (isOpen === true) rows = rows.where('status', 'not in', isOver);
      if (isOpen === false) rows = rows.where('status', 'in', isOver);
      if (type !== undefined) rows = rows.where('type', '=', type.replaceAll('_', '-'));
      return (await rows.limit(limit).execute()).map(({ document }) => JSON.parse(document) as Incident);
    },
    mark: (id, moment, by) => change(id, marked(moment, by)),
    acknowledge: (id, by) => change(id, acknowledged(by)),
    escalate: (id, level, by) => change(id, escalated(level, by)),
    resolve: (id, by) => change(id, resolved(by)),
    close: (id, verdict, by) => change(id, closed(verdict, by)),
    note: (id, entry) => change(id, noted(entry)),
    amend: (id, amendment, by) => change(id, amended(amendment, by)),
    run: (id, run) => change(id, ranPlaybook(run)),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async unanswered() {
      const rows = await db
        .selectFrom('incidents')
        .select('document')
        .where('answer', '=', 'wanted')
        .where('status', 'not in', isOver)
        .orderBy('detected_at')
        .execute();
      return rows.map(({ document }) => JSON.parse(document) as Incident);
    },
    async answered(id) {
      await db.updateTable('incidents').set({ answer: 'started' }).where('id', '=', id).execute();
    },
    async catchUp() {
      const behind = await db
        .selectFrom('incidents')
        .select(['id', 'version', 'document'])
        .whereRef('journalled', '<', 'version')
        .execute();
      for (const { id, version, document } of behind) {
        const incident = JSON.parse(document) as Incident;
        await journalled(id, version, [incidentEvent(incident, titleOf(incident), now(), true)]);
      }
      return behind.length;
    },
  };
}

/** INC-YYYYMMDD-HHMMSS in UTC; with a number where that is taken. */
export function incidentId(detectedAt: number, count = 1): string {
  const [day = '', time = ''] = new Date(detectedAt).toISOString().slice(0, 19).split('T');
  const base = `INC-${day.replaceAll('-', '')}-${time.replaceAll(':', '')}`;
  return count === 1 ? base : `${base}-${count}`;
}

function known(taxonomy: Taxonomy): string {
  return taxonomy.all.map(({ id }) => id).join(', ');
}
