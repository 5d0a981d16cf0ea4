// Heightened monitoring after an incident: until a point in time in the store, so that it outlasts restarts and ends by itself.
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { applicationLifecycle } from '../../platform/journal/ocsf.ts';
import type { Store } from '../../platform/store/store.ts';
import type { Detection } from '../detectors/detector.ts';

export interface Heightening {
  incident: string;
  type: string;
  from: number;
  until: number;
}

export interface HeightenedParts {
  store: Pick<Store, 'db'>;
  journal: Pick<Journal, 'append'>;
  now: () => number;
  log: Log;
  /** Whether the mode is on, also by hand; false where an instance has no modes. */
  modeOn?: () => boolean;
  /** Turns the mode on until then; journalled by whoever does it. */
  turnOn?: (untilMs: number) => Promise<void>;
  /** Technical detail while it lasts, e.g. the level of the log. */
  detail?: (on: boolean) => void;
  /** Error, security and anomaly series by name, journalled while it lasts. */
  sample?: () => Promise<Readonly<Record<string, number>>>;
}

export interface Heightened {
  /** On disk when it resolves; what is on already is never shortened. */
  raise(incident: Pick<Incident, 'id' | 'type'>, hours: number): Promise<Heightening>;
  find(incident: string): Promise<Heightening | null>;
  /** Those that last now, as last read. */
  active(): readonly Heightening[];
  /** 1, or below it while monitoring is heightened: what detectors multiply their thresholds with. */
  tightness(): number;
  /** The incident under whose watch the same type is seen again. */
  parentOf(detection: Pick<Detection, 'type'>): Promise<string | null>;
  /** More detail for three days at most; turned off, it lasts as long as heightened monitoring does. */
  setDetail(on: boolean): Promise<void>;
  detailOn(): boolean;
  start(everyMs?: number): Promise<void>;
  look(): Promise<void>;
  close(): void;
}

/** Half of a threshold: what is seldom seen twice in peace is looked at the first time. */
const tighter = 0.5;
const sampleEveryMs = 30_000;
/** Detail that nobody turns off ends with the longest watch that is usual. */
const detailMs = 72 * 3_600_000;
/** No account has such a name. */
const detailRow = { subject: 'rempart:respond', name: 'journal.detail' };

export function createHeightened(parts: HeightenedParts): Heightened {
  const { store, journal, now, log } = parts;
  const { db } = store;
  let rows: Heightening[] = [];
  let detailUntil = 0;
  let applied: boolean | undefined;
  let sampledAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const active = () => rows.filter(({ until }) => until > now());
  const isOn = () => active().length > 0 || parts.modeOn?.() === true;

  async function read(): Promise<void> {
    const found = await db.selectFrom('respond_heightened').selectAll().where('until_at', '>', now()).execute();
    rows = found.map(({ incident, type, from_at, until_at }) => ({ incident, type, from: from_at, until: until_at }));
    const kept = await db
      .selectFrom('settings')
      .select('value')
      .where('subject', '=', detailRow.subject)
      .where('name', '=', detailRow.name)
      .executeTakeFirst();
    detailUntil = Number(kept?.value ?? 0);
  }

  /** Told once at each change. */
  function apply(): void {
    const on = detailUntil > now() || isOn();
    if (on === applied) return;
    if (applied !== undefined || on) parts.detail?.(on);
    applied = on;
  }

  async function sample(): Promise<void> {
    if (parts.sample === undefined || !applied || now() - sampledAt < sampleEveryMs) return;
    sampledAt = now();
    const series = await parts.sample();
    const unmapped: JsonObject = { heightened: active().map(({ incident }) => incident), series: { ...series } };
    await journal.append(
      applicationLifecycle({ time: now(), activity: 'update', app: 'heightened monitoring', unmapped }),
    );
  }

  async function look(): Promise<void> {
    const before = active().length > 0 ? new Set(rows.map(({ incident }) => incident)) : new Set<string>();
    await read();
    for (const incident of before)
      if (!rows.some((row) => row.incident === incident)) log.info({ incident }, 'heightened monitoring has ended');
    apply();
    await sample();
  }

  const again = (everyMs: number): void => {
    if (closed) return;
    timer = setTimeout(() => {
      look()
        .catch((error: unknown) => {
          if (error instanceof RempartError && error.code === 'ERR_STORE_AWAY') return;
          log.error({ err: error }, 'heightened monitoring could not look');
        })
        .finally(() => again(everyMs));
    }, everyMs);
    timer.unref();
  };

  return {
    active,
    look,
    tightness: () => (isOn() ? tighter : 1),
    detailOn: () => applied === true,
    async raise({ id, type }, hours) {
      const until = now() + hours * 3_600_000;
      await db
        .insertInto('respond_heightened')
        .values({ incident: id, type, from_at: now(), until_at: Math.trunc(until) })
        .onConflict((conflict) => conflict.column('incident').doNothing())
        .execute();
      await db
        .updateTable('respond_heightened')
        .set({ until_at: Math.trunc(until) })
        .where('incident', '=', id)
        .where('until_at', '<', Math.trunc(until))
        .execute();
      await read();
      const last = Math.max(...active().map((row) => row.until));
      await parts.turnOn?.(last);
      apply();
      return rows.find(({ incident }) => incident === id) ?? { incident: id, type, from: now(), until };
    },
    async find(incident) {
      const row = await db
        .selectFrom('respond_heightened')
        .selectAll()
        .where('incident', '=', incident)
        .executeTakeFirst();
      return row === undefined ? null : { incident, type: row.type, from: row.from_at, until: row.until_at };
    },
    async parentOf({ type }) {
      const row = await db
        .selectFrom('respond_heightened')
        .select('incident')
        .where('type', '=', type.replaceAll('_', '-'))
        .where('until_at', '>', now())
        .orderBy('from_at', 'desc')
        .executeTakeFirst();
      return row?.incident ?? null;
    },
    async setDetail(on) {
      const until = on ? now() + detailMs : 0;
      const value = String(until);
      await db
        .insertInto('settings')
        .values({ ...detailRow, value })
        .onConflict((conflict) => conflict.columns(['subject', 'name']).doUpdateSet({ value }))
        .execute();
      detailUntil = until;
      apply();
    },
    async start(everyMs = 5_000) {
      await look().catch((error: unknown) => log.warn({ err: error }, 'heightened monitoring could not be read yet'));
      again(everyMs);
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
