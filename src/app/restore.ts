// Rollback in an instance: backups of the profile's states, the actions that put things back, and what commands ask of them.
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Config, loadConfig } from '../config.ts';
import type { ControlHandlers } from '../platform/base/control-socket.ts';
import type { Log } from '../platform/base/log.ts';
import type { ContainerEngine } from '../platform/containers/container-engine.ts';
import type { Deployment } from '../platform/documents/deployment.ts';
import { loadDeployment } from '../platform/documents/load-deployment.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { remediation } from '../platform/journal/ocsf-incident.ts';
import { accessActions } from '../respond/actions/access/access-actions.ts';
import { modelActions } from '../respond/actions/models/model-actions.ts';
import { modeActions } from '../respond/actions/modes/mode-actions.ts';
import { configActions } from '../respond/actions/source/config-actions.ts';
import { openSource, type SourceActionsParts, sourceActions } from '../respond/actions/source/source-actions.ts';
import { stateActions } from '../respond/actions/states/state-actions.ts';
import type { Actuators } from '../respond/actuators.ts';
import type { Action } from '../respond/engine/action.ts';
import type { Incidents } from '../respond/incidents/incidents.ts';
import { backUpFirst } from '../respond/rollback/back-up-first.ts';
import { type BackupSettings, createBackups } from '../respond/rollback/backups.ts';
import { type NamedState, statesOf } from '../respond/rollback/named-state.ts';
import { createRollback, type RollbackParts } from '../respond/rollback/rollback.ts';
import { rollbackCommands } from '../respond/rollback/rollback-commands.ts';
import type { RollbackConfig } from '../respond/rollback/rollback-config.ts';
import { scheduleBackups } from '../respond/rollback/schedule.ts';
import { createModelActuator } from './model-actuator.ts';
import type { AtEnd } from './options.ts';
import { createServiceActuator } from './service-actuator.ts';

export interface RestoreGround {
  config: Config;
  /** The data directory. */
  data: string;
  deployment: Deployment | undefined;
  journal: Pick<Journal, 'append'>;
  log: Log;
  now: () => number;
  /** Throws ERR_ENGINE_NONE. */
  engine: () => ContainerEngine;
  incidents: Pick<Incidents, 'find'>;
  /** What only a running instance can do. */
  actuators?: Actuators;
  /** Where the configuration was read from. */
  configFile?: string;
  /** After a rollback of the system. */
  heighten?: (by: string) => Promise<void>;
}

export interface OpenedRestore {
  actions: Action[];
  commands: ControlHandlers;
  /** The same action, with a backup of every state before it when it destroys something. */
  backUpFirst(action: Action): Action;
  /** For an instance: backups from time to time. */
  watch(atEnd: AtEnd): void;
}

export function openRestore(ground: RestoreGround): OpenedRestore {
  const { config, deployment, log } = ground;
  const data = resolve(ground.data);
  const folder = dirname(resolve(config.deployment ?? 'deployment.yaml'));
  const actuators = actuatorsOf(ground, data, folder);
  const states = statesOf(deployment ?? { states: [] }, folder, data);
  const settings = settingsOf(config.respond.rollback);
  const backups = createBackups({ states, data, now: ground.now, settings });
  const restoring = { backups, data, now: ground.now };
  const source: SourceActionsParts = {
    folders: deployment === undefined ? [] : [dirname(resolve(folder, deployment.compose ?? 'compose.yaml')), folder],
    apart: [data, ...states.flatMap(({ path, backups: kept, copies = kept }) => [path, kept, copies])],
    scratch: resolve(data, 'scratch'),
    path: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
  };
  const evidenceOf = (incident: string) => firstEvidence(ground.incidents, incident);
  const configuration = configurationOf(ground, data, settings);
  const actions = [
    ...stateActions({ ...restoring, firstEvidence: evidenceOf }),
    ...modelActions({ actuators, deployment }),
    ...accessActions(actuators),
    ...modeActions(actuators),
    ...sourceActions(source),
    ...configActions({ ...restoring, ...configuration, firstEvidence: evidenceOf, actuators }),
  ];
  const rollback =
    deployment === undefined
      ? undefined
      : createRollback({
          ...restoring,
          deployment,
          ...(actuators.services === undefined ? {} : { services: actuators.services }),
          source: () => openSource(source),
          checks: checksOf(config, actuators),
          ...(ground.heighten === undefined ? {} : { heighten: ground.heighten }),
          tell: (event) => tell(ground.journal, event),
        });
  return {
    actions,
    commands: rollbackCommands(rollback === undefined ? undefined : { backups, rollback, now: ground.now }),
    backUpFirst: (action) => backUpFirst(backups, action),
    watch(atEnd) {
      const everyMs = config.respond.rollback.everyMinutes * 60_000;
      if (everyMs === 0) return;
      atEnd(scheduleBackups({ backups, everyMs, log }));
      atEnd(scheduleBackups({ backups: configuration.backups, everyMs, log }));
    },
  };
}

function settingsOf({ keep, keepDays, maxAgeDays, maxMegabytes, maxFiles }: RollbackConfig): BackupSettings {
  return {
    keep,
    keepDays,
    maxAgeMs: maxAgeDays * 86_400_000,
    limits: { maxBytes: Math.round(maxMegabytes * 1_048_576), maxFiles },
  };
}

/** Rempart's own configuration is kept as states are, apart from those of the profile. */
function configurationOf({ configFile, now }: RestoreGround, data: string, settings: BackupSettings) {
  const file: NamedState | undefined =
    configFile === undefined || !existsSync(configFile)
      ? undefined
      : {
          name: 'configuration',
          path: resolve(configFile),
          format: 'yaml',
          backups: resolve(data, 'backups', '.configuration'),
        };
  const backups = createBackups({ states: file === undefined ? [] : [file], data, now, settings });
  const accept = () =>
    void (configFile !== undefined && loadConfig({ file: configFile, asked: true, env: process.env }));
  return { file, backups, accept };
}

function actuatorsOf({ config, deployment, engine, actuators = {} }: RestoreGround, data: string, folder: string) {
  const [store] = deployment?.models ?? [];
  const models =
    store === undefined
      ? {}
      : {
          models: createModelActuator({
            data,
            store: resolve(folder, store.store),
            backup: store.backup === undefined ? undefined : resolve(folder, store.backup),
            api: store.api,
            fetch,
          }),
        };
  const services =
    deployment === undefined
      ? {}
      : {
          services: createServiceActuator({ deployment, engine, protected: config.respond.actions.protected, fetch }),
        };
  return { ...models, ...services, ...actuators } satisfies Actuators as Actuators;
}

/** The first that was seen of it: a backup from then on may hold what the incident left. */
async function firstEvidence(incidents: Pick<Incidents, 'find'>, id: string): Promise<number | null> {
  const incident = await incidents.find(id);
  if (incident === null) return null;
  return Math.min(
    ...[incident.occurredAt, ...incident.signals.map(({ time }) => time)].map((time) => Date.parse(time)),
  );
}

function checksOf({ deployment }: Config, { models }: Actuators): RollbackParts['checks'] {
  return [
    {
      name: 'profile',
      async run() {
        if (deployment === undefined) return undefined;
        loadDeployment(deployment);
        return true;
      },
    },
    {
      name: 'models',
      async run(signal) {
        if (models === undefined || models.trusted().length === 0) return undefined;
        return (await models.verify(signal)).ok;
      },
    },
  ];
}

/** OCSF 7001 to 7003: what a rollback did, and by whom it was asked. */
async function tell(journal: Pick<Journal, 'append'>, { run, by, step, time }: Parameters<RollbackParts['tell']>[0]) {
  const { step: name, target, state, from, to, code, why, undo } = step;
  await journal.append(
    remediation({
      time,
      severity: state === 'failed' ? 'high' : 'medium',
      ...(state === 'skipped' || state === 'unavailable'
        ? {}
        : { status: state === 'failed' ? ('failure' as const) : ('success' as const) }),
      ...(code === null ? {} : { statusCode: code }),
      kind:
        name === 'stop'
          ? 'isolate'
          : name === 'evidence' || name === 'validate' || name === 'check'
            ? 'detect'
            : 'restore',
      commandUid: `${run}:${name}:${target}${undo ? ':undo' : ''}`,
      description: `rollback ${name} ${target}`,
      on:
        name === 'stop' || name === 'start'
          ? { kind: 'process', name: target }
          : ['restore', 'evidence', 'validate'].includes(name)
            ? { kind: 'file', name: target }
            : { kind: 'other' },
      unmapped: { run, by, step: name, target, state, from, to, why, undo },
    }),
  );
}
