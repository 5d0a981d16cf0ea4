// What all of respond stands on: its types, playbooks, incidents, runs and questions, and its stream of the journal.
import type { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Log } from '../platform/base/log.ts';
import type { Deployment } from '../platform/documents/deployment.ts';
import { loadDeployment } from '../platform/documents/load-deployment.ts';
import type { Journals } from '../platform/journal/journals.ts';
import type { Store } from '../platform/store/store.ts';
import type { Ask } from '../protect/gateway/ask.ts';
import type { Actuators } from '../respond/actuators.ts';
import type { Action } from '../respond/engine/action.ts';
import { createRunLog } from '../respond/engine/run-log.ts';
import { createTasks } from '../respond/engine/tasks.ts';
import { createIncidents } from '../respond/incidents/create-incidents.ts';
import { createRespondMetrics } from '../respond/metrics.ts';
import { loadPlaybooks } from '../respond/playbooks/library.ts';
import { loadTaxonomy } from '../respond/taxonomy/load-taxonomy.ts';

export interface RespondGround {
  config: Config;
  /** The data directory. */
  data: string;
  store: Store;
  journals: Journals;
  log: Log;
  now: () => number;
  /** Of an instance; a command has none. */
  registry?: Registry;
  /** What only a running instance can do. */
  actuators?: Actuators;
  /** The gateway of an instance, to ask it a question once an incident is over. */
  ask?: Ask;
  /** Where the configuration was read from, for what is wrong with it. */
  configFile?: string;
  /** Puts another action in the place of one. */
  respondWith?: (actions: readonly Action[]) => readonly Action[];
}

export type RespondRecords = Awaited<ReturnType<typeof openRecords>>;

export async function openRecords({ config, store, journals, log, now, registry }: RespondGround) {
  const { respond } = config;
  const deployment: Deployment | undefined =
    config.deployment === undefined ? undefined : loadDeployment(config.deployment);
  const taxonomy = loadTaxonomy(respond.taxonomy);
  const playbooks = await loadPlaybooks(respond.playbooks);
  const journal = await journals.stream('respond');
  const metrics = createRespondMetrics(registry);
  const incidents = createIncidents({ store, journal, taxonomy, now, log });
  incidents.onChange(({ type }, what) => {
    if (what === 'opened') metrics.opened(type);
  });
  const [runs, tasks] = [createRunLog(store, now), createTasks(store, now)];
  return { deployment, journal, metrics, taxonomy, playbooks, runs, tasks, incidents };
}
