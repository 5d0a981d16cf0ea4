// Respond in an instance: incidents, the engine with its actions, the detectors, and what commands ask of them.
import { join } from 'node:path';
import type { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { ControlHandlers } from '../platform/base/control-socket.ts';
import { RempartError } from '../platform/base/errors.ts';
import type { Log } from '../platform/base/log.ts';
import type { Deployment } from '../platform/documents/deployment.ts';
import { loadDeployment } from '../platform/documents/load-deployment.ts';
import type { Journals } from '../platform/journal/journals.ts';
import type { Signals } from '../platform/signals.ts';
import type { Store } from '../platform/store/store.ts';
import type { Ask } from '../protect/gateway/ask.ts';
import type { Actuators } from '../respond/actuators.ts';
import type { Detection } from '../respond/detectors/detector.ts';
import { drillCommands } from '../respond/drills/drill-commands.ts';
import { type Action, createActions } from '../respond/engine/action.ts';
import { type AllowanceSettings, createAllowance, isEnabled } from '../respond/engine/allowance.ts';
import { createEngine, defaultEngine } from '../respond/engine/engine.ts';
import { createRunLog } from '../respond/engine/run-log.ts';
import { createTasks } from '../respond/engine/tasks.ts';
import { openChannels } from '../respond/escalation/channels/open-channels.ts';
import { loadMatrix } from '../respond/escalation/matrix.ts';
import { createIncidents } from '../respond/incidents/create-incidents.ts';
import { followRuns } from '../respond/incidents/follow-runs.ts';
import { incidentActions } from '../respond/incidents/incident-actions.ts';
import { incidentCommands } from '../respond/incidents/incident-commands.ts';
import { createRespondMetrics } from '../respond/metrics.ts';
import { loadPlaybooks } from '../respond/playbooks/library.ts';
import { playbookCommands } from '../respond/playbooks/playbook-commands.ts';
import type { RespondConfig } from '../respond/respond-config.ts';
import { createResponder } from '../respond/responder.ts';
import { loadTaxonomy } from '../respond/taxonomy/load-taxonomy.ts';
import { type TellWhileAwayParts, tellWhileAway } from '../respond/tell-while-away.ts';
import { openAfter } from './after.ts';
import { openDetectors } from './detectors.ts';
import { watchDrills } from './drill-process.ts';
import type { AtEnd } from './options.ts';
import { actionsOnMachines, oneEngine } from './respond-actions.ts';
import { openRestore } from './restore.ts';

/** What the actions, detectors and commands of all parts are built from. */
export interface RespondGround {
  config: Config;
  /** The data directory. */
  data: string;
  store: Store;
  journals: Journals;
  log: Log;
  now: () => number;
  /** Of an instance; a command has none. */
  signals?: Signals;
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

export type Respond = Awaited<ReturnType<typeof openRespond>>;

/** Nothing is watched and no run is taken before `watch()` and `engine.work()`. */
export async function openRespond(ground: RespondGround, atEnd: AtEnd) {
  const { config, data, store, journals, log, now, registry } = ground;
  const { respond } = config;
  const journal = await journals.stream('respond');
  const deployment: Deployment | undefined =
    config.deployment === undefined ? undefined : loadDeployment(config.deployment);
  const metrics = createRespondMetrics(registry);
  const taxonomy = loadTaxonomy(respond.taxonomy);
  const playbooks = await loadPlaybooks(respond.playbooks);
  const runs = createRunLog(store, now);
  const tasks = createTasks(store, now);
  const incidents = createIncidents({ store, journal, taxonomy, now, log });
  incidents.onChange(({ type }, what) => {
    if (what === 'opened') metrics.opened(type);
  });

  const after = openAfter({ ...ground, deployment, journal, taxonomy, runs, incidents }, atEnd);
  const restore = openRestore({
    ...ground,
    deployment,
    journal,
    incidents,
    engine: oneEngine(config, atEnd).engine,
    heighten: after.heighten,
  });
  const list: Action[] = [
    ...incidentActions({ incidents, runs, actions: () => actions }),
    ...actionsOnMachines({ config, configFile: ground.configFile, data, deployment, tasks }, atEnd),
    ...restore.actions,
    ...after.actions,
    // One line for each part that acts.
  ];
  const actions = createActions((ground.respondWith?.(list) ?? list).map(restore.backUpFirst));
  refuseUnknown(ground, actions.names());
  const engine = createEngine(
    {
      store,
      runs,
      tasks,
      actions,
      allowance: createAllowance(allowanceOf(respond), now),
      log,
      now,
      findPlaybook: playbooks.findPlaybook,
      ...followRuns({
        ...{ incidents, journal, actions, log, now, ended: metrics.ran },
        nameOf: (id) => playbooks.all.find(({ read }) => read.playbook.id === id)?.name,
      }),
    },
    { ...defaultEngine, idle: true },
  );
  atEnd(() => engine.close());
  const responder = createResponder({
    incidents,
    engine,
    runs,
    taxonomy,
    playbooks,
    store,
    log,
    now,
    waitingFile: join(data, 'spool', 'detections.json'),
    parentOf: after.parentOf,
    whileAway: tellingWhileAway({ ...ground, deployment, journal, taxonomy }, atEnd),
  });
  atEnd(() => responder.close());
  const parts = {
    ...ground,
    deployment,
    journal,
    taxonomy,
    playbooks,
    runs,
    tasks,
    incidents,
    actions,
    engine,
    responder,
  };

  const commands: ControlHandlers = {
    ...incidentCommands(parts),
    ...drillCommands(parts),
    ...playbookCommands({ ...parts, enabled: respond.actions.enabled }),
    ...restore.commands,
    ...after.commands,
    // One line for each part that is asked by commands.
  };
  return {
    ...parts,
    commands,
    /** For an instance: takes runs, opens what waited, watches. */
    async watch(signals: Signals): Promise<void> {
      engine.work();
      void responder.catchUp();
      restore.watch(atEnd);
      await after.watch();
      watchDrills({ data, store, log, now }, respond.drills.schedule, atEnd);
      if (!respond.enabled) return;
      openDetectors({ ...parts, signals, detected: responder.detected, tightness: after.tightness }, atEnd);
    },
  };
}

function tellingWhileAway(
  {
    config,
    deployment,
    ...same
  }: RespondGround & Pick<TellWhileAwayParts, 'taxonomy' | 'journal'> & { deployment: Deployment | undefined },
  atEnd: AtEnd,
) {
  const { notify } = config.respond;
  const stop = new AbortController();
  const channels = openChannels(notify, same.now);
  atEnd(async () => {
    stop.abort();
    for (const channel of Object.values(channels)) channel.close();
  });
  const tell = tellWhileAway({
    ...same,
    contacts: deployment?.contacts ?? [],
    channels,
    matrix: loadMatrix(notify.matrix),
    lang: deployment?.language ?? config.lang,
    signal: stop.signal,
  });
  return (detection: Detection) =>
    void tell(detection).catch((err: unknown) => same.log.error({ err }, 'people could not be told'));
}

/** A mistyped name would leave an action off, and nobody would know before it is needed. */
function refuseUnknown({ config, configFile = 'rempart.yaml' }: RespondGround, names: readonly string[]): void {
  const { enabled } = config.respond.actions;
  // Some actions exist only for what a deployment profile names.
  if (config.deployment === undefined) return;
  for (const [index, entry] of enabled.entries())
    if (!names.some((name) => isEnabled([entry], name)))
      throw new RempartError('ERR_CONFIG_INVALID', {
        file: configFile,
        path: `respond.actions.enabled.${index}`,
        what: { key: 'incident.issue.action', facts: { name: entry, known: names.join(', ') } },
      });
}

function allowanceOf({ actions }: RespondConfig): AllowanceSettings {
  const { windowSeconds, approval, ...same } = actions;
  return {
    ...same,
    windowMs: windowSeconds * 1_000,
    approval: { quorum: approval.quorum, ttl: approval.minutes * 60_000, on_timeout: approval.onTimeout },
  };
}
