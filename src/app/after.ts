// What follows an incident in an instance: people are told, monitoring is heightened, the end is checked, the report is written.
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { ControlHandlers } from '../platform/base/control-socket.ts';
import { type Log, setLogLevel } from '../platform/base/log.ts';
import type { Deployment } from '../platform/documents/deployment.ts';
import type { Journal } from '../platform/journal/journal.ts';
import type { Store } from '../platform/store/store.ts';
import type { Ask } from '../protect/gateway/ask.ts';
import type { Actuators } from '../respond/actuators.ts';
import type { Action } from '../respond/engine/action.ts';
import type { RunLog } from '../respond/engine/durable.ts';
import { openChannels } from '../respond/escalation/channels/open-channels.ts';
import { deedsIn, doneActions } from '../respond/escalation/deeds.ts';
import { escalationService } from '../respond/escalation/escalation.ts';
import { journalMark } from '../respond/escalation/mark.ts';
import { loadMatrix } from '../respond/escalation/matrix.ts';
import { notifyActions } from '../respond/escalation/notify-actions.ts';
import { usualOutbox } from '../respond/escalation/outbox.ts';
import type { Incidents } from '../respond/incidents/incidents.ts';
import { createChecklist } from '../respond/review/checklist.ts';
import { createHeightened, type Heightened } from '../respond/review/heightened.ts';
import { postMortemSet, recordComplete } from '../respond/review/own-checks.ts';
import { reviewActions } from '../respond/review/review-actions.ts';
import { reviewCommands } from '../respond/review/review-commands.ts';
import type { Taxonomy } from '../respond/taxonomy/load-taxonomy.ts';
import { instanceChecks } from './after-checks.ts';
import type { AtEnd } from './options.ts';

export interface AfterGround {
  config: Config;
  /** The data directory. */
  data: string;
  deployment: Deployment | undefined;
  store: Store;
  journal: Journal;
  taxonomy: Taxonomy;
  runs: RunLog;
  incidents: Incidents;
  log: Log;
  now: () => number;
  registry?: Registry;
  actuators?: Actuators;
  ask?: Ask;
}

export interface OpenedAfter extends Pick<Heightened, 'tightness' | 'parentOf'> {
  actions: Action[];
  commands: ControlHandlers;
  /** Monitoring is heightened for a while without an incident, as after a rollback. */
  heighten(by: string): Promise<void>;
  /** For an instance: deadlines and messages are looked after from now on. */
  watch(): Promise<void>;
}

/** Without a deployment profile there are no contacts, and every level says that it reaches nobody. */
const nobody = { language: 'en', contacts: [] } as const satisfies Pick<Deployment, 'language' | 'contacts'>;

export function openAfter(ground: AfterGround, atEnd: AtEnd): OpenedAfter {
  const { config, data, deployment, journal, runs, now, log } = ground;
  const { notify } = config.respond;
  const mark = journalMark({ dir: join(data, 'journal'), journal, log });
  const escalation = escalationService(
    {
      ...ground,
      matrix: loadMatrix(notify.matrix),
      deployment: deployment ?? { ...nobody, language: config.lang },
      channels: openChannels(notify, now),
      deeds: async (incident) => deedsIn(await doneActions(runs, incident)),
      mark,
    },
    { ...usualOutbox, giveUpMs: notify.giveUpHours * 3_600_000 },
  );
  atEnd(() => escalation.close());
  const heightened = createHeightened({ ...ground, ...heightenedParts(ground) });
  atEnd(async () => heightened.close());
  const checks = {
    ...instanceChecks(ground),
    record: recordComplete,
    'post-mortem': postMortemSet(escalation, now),
  };
  const checklist = createChecklist({ ...ground, checks });
  const parts = { ...ground, escalation, heightened, checklist, mark };
  return {
    actions: [...notifyActions(parts), ...reviewActions(parts)],
    commands: reviewCommands(parts),
    tightness: heightened.tightness,
    parentOf: heightened.parentOf,
    async heighten(by) {
      await heightened.raise({ id: `${by}-${new Date(now()).toISOString()}`, type: by }, 72);
    },
    async watch() {
      await heightened.start();
      escalation.start();
    },
  };
}

/** What heightened monitoring changes in this instance. */
function heightenedParts({ config, registry, actuators, log, now }: AfterGround) {
  const modes = actuators?.modes;
  return {
    detail: (on: boolean) => setLogLevel(log, on && config.log !== 'silent' ? 'debug' : config.log),
    ...(registry === undefined ? {} : { sample: () => watchedSeries(registry) }),
    ...(modes === undefined
      ? {}
      : {
          modeOn: () => modes.state('heightened').on,
          turnOn: (until: number) =>
            modes.set({
              name: 'heightened',
              on: true,
              by: 'monitoring.heighten',
              forMs: Math.max(1_000, until - now()),
            }),
        }),
  };
}

const watched = /error|fail|security|anomal|blocked|refused|incident|detection/i;

/** Sums of the series that tell of errors, attacks and anomalies; no label, so nothing of a user. */
async function watchedSeries(registry: Registry): Promise<Record<string, number>> {
  const metrics = await registry.getMetricsAsJSON();
  const counted = metrics.filter(({ name, type }) => watched.test(name) && String(type) !== 'histogram');
  return Object.fromEntries(
    counted.map(({ name, values }) => [name, values.reduce((sum, { value }) => sum + Number(value), 0)]),
  );
}
