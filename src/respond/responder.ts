// From a detection to an incident, and from the incident to the run of its playbook: once each, also over a crash.
import { RempartError } from '../platform/base/errors.ts';
import type { Log } from '../platform/base/log.ts';
import type { Incident } from '../platform/documents/incident.ts';
import type { Store } from '../platform/store/store.ts';
import type { Detection } from './detectors/detector.ts';
import type { RunLog } from './engine/durable.ts';
import type { Engine } from './engine/engine.ts';
import type { KeptIncidents } from './incidents/create-incidents.ts';
import { openWaitingDetections } from './incidents/waiting-detections.ts';
import type { PlaybookLibrary } from './playbooks/library.ts';
import type { Taxonomy } from './taxonomy/load-taxonomy.ts';

export interface ResponderParts {
  incidents: KeptIncidents;
  engine: Pick<Engine, 'start'>;
  runs: Pick<RunLog, 'find'>;
  taxonomy: Taxonomy;
  playbooks: Pick<PlaybookLibrary, 'find'>;
  store: Pick<Store, 'health' | 'onChange'>;
  /** Where detections wait while the store is away. */
  waitingFile: string;
  log: Log;
  now: () => number;
  /** Told of a detection that has to wait, since nothing that needs the store can tell of it. */
  whileAway?: (detection: Detection) => void;
  /** Whose heightened monitoring saw it again, if any. */
  parentOf?: (detection: Detection) => Promise<string | null>;
}

export interface Responder {
  /** Resolves once it is an incident, or on disk until it can be one. Null: it waits. */
  detected(detection: Detection): Promise<Incident | null>;
  /** Opens what waited, and starts the playbooks of incidents that have none yet. */
  catchUp(): Promise<void>;
  /** Starts the playbook of one that was opened by hand. */
  answer(incident: Incident): Promise<void>;
  /** Detections that wait for the store. */
  waiting(): number;
  close(): Promise<void>;
}

/** Another node may have died between an incident and its run. */
const lookEveryMs = 5_000;

export function createResponder(parts: ResponderParts): Responder {
  const { incidents, store, log } = parts;
  const kept = openWaitingDetections(parts.waitingFile, parts.now);
  /** Incidents whose playbook cannot be started; said once. */
  const refused = new Set<string>();
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };

  async function opened(detection: Detection): Promise<Incident> {
    const parent = (await parts.parentOf?.(detection)) ?? null;
    const { incident, isNew } = await incidents.detected(detection, parent);
    if (isNew)
      await answer(incident).catch((error: unknown) => log.error({ err: error }, 'a playbook was not started'));
    return incident;
  }

  async function answer(incident: Incident): Promise<void> {
    if (refused.has(incident.id)) return;
    const name = parts.taxonomy.find(incident.type)?.playbook ?? incident.type;
    try {
      const { read, text } = parts.playbooks.find(name);
      const known = { __incident__: incident.id, __subject__: incident.subject, __type__: incident.type };
      const declared = read.playbook.playbook_variables;
      const given = Object.fromEntries(Object.entries(known).filter(([key]) => declared[key]?.external === true));
      const { id } = incident;
      const run = await parts.engine.start({
        read,
        text,
        incident: id,
        given,
        requestedBy: 'rempart',
        id: `run_${id}`,
      });
      await incidents.run(id, { run: run.id, playbook: name, state: run.state });
      await incidents.answered(id);
    } catch (error) {
      if (!(error instanceof RempartError) || error.code === 'ERR_STORE_AWAY') throw error;
      refused.add(incident.id);
      log.error({ err: error, incident: incident.id }, 'the playbook of an incident cannot be started');
      const facts = { playbook: name, code: error.code };
      const said = incident.timeline.some(({ kind, facts: { code } }) => kind === 'run-refused' && code === error.code);
      if (!said) await incidents.note(incident.id, { kind: 'run-refused', by: 'rempart', facts });
    }
  }

  /** A run that ended, or was cancelled, while nobody could write it down. */
  async function settle(): Promise<void> {
    for (const { id, playbookRuns } of await incidents.list({ open: true }))
      for (const run of playbookRuns) {
        if (run.state !== 'running' && run.state !== 'waiting') continue;
        const record = await parts.runs.find(run.run);
        if (record !== null && record.state !== run.state) await incidents.run(id, { ...run, state: record.state });
      }
  }

  const catchUp = () =>
    inTurn(async () => {
      if (closed || store.health().state !== 'open') return;
      try {
        await incidents.catchUp();
        await kept.handOn(opened);
        for (const incident of await incidents.unanswered()) await answer(incident);
        await settle();
      } catch (error) {
        if (!isAway(error)) log.error({ err: error }, 'what was left of incidents could not be caught up with');
      }
    });

  const silence = store.onChange(({ state }) => {
    if (state === 'open') void catchUp();
  });
  const timer = setInterval(() => void catchUp(), lookEveryMs);
  timer.unref();

  return {
    catchUp,
    answer: (incident) => inTurn(() => answer(incident)),
    waiting: kept.count,
    detected: (detection) =>
      inTurn(async () => {
        try {
          return await opened(detection);
        } catch (error) {
          if (!isAway(error)) throw error;
          kept.keep(detection);
          parts.whileAway?.(detection);
          return null;
        }
      }),
    async close() {
      closed = true;
      clearInterval(timer);
      silence();
      await last;
    },
  };
}

function isAway(error: unknown): boolean {
  return error instanceof RempartError && error.code === 'ERR_STORE_AWAY';
}
