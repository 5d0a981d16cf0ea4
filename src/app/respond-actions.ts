// What playbooks may do to containers, to this machine and to others, put together from the configuration.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '../config.ts';
import { RempartError } from '../platform/base/errors.ts';
import { type ContainerEngine, openContainerEngine } from '../platform/containers/container-engine.ts';
import { engineSocket } from '../platform/containers/engine-socket.ts';
import type { Deployment } from '../platform/documents/deployment.ts';
import { commandActions } from '../respond/actions/commands/command-actions.ts';
import { findComposeTool } from '../respond/actions/containers/compose-tool.ts';
import { containerActions } from '../respond/actions/containers/container-actions.ts';
import { createEvidence } from '../respond/actions/evidence.ts';
import { hostActions } from '../respond/actions/host/host-actions.ts';
import { networkActions } from '../respond/actions/network/network-actions.ts';
import type { Action } from '../respond/engine/action.ts';
import type { Tasks } from '../respond/engine/durable.ts';
import type { AtEnd } from './options.ts';

export interface ActingGround {
  config: Config;
  configFile: string | undefined;
  /** The data directory; what actions find is kept in its `evidence`. */
  data: string;
  deployment: Deployment | undefined;
  tasks: Tasks;
}

/** Of programs; what is configured for a user's shell is none of theirs. */
const programs = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function actionsOnMachines(
  { config, configFile, data, deployment, tasks }: ActingGround,
  atEnd: AtEnd,
): Action[] {
  const { commands, secrets, firewall, isolation } = config.respond;
  // What the profile's relative paths begin at.
  const folder = dirname(resolve(config.deployment ?? 'deployment.yaml'));
  const composeFile = deployment?.compose === undefined ? undefined : resolve(folder, deployment.compose);
  const evidence = createEvidence(join(data, 'evidence'));
  const { engine, socketPath } = oneEngine(config, atEnd);
  return [
    ...containerActions({
      deployment,
      engine,
      protected: config.respond.actions.protected,
      evidence,
      health: { fetch },
      compose: () => findComposeTool({ file: composeFile, socketPath: socketPath(), env: process.env }),
    }),
    ...hostActions({ deployment, folder, evidence }),
    ...networkActions({ deployment, firewall, ...isolation, evidence, path: programs }),
    ...commandActions({
      tasks,
      evidence,
      secrets: Object.fromEntries(
        Object.entries(secrets).map(([id, at]) => [id, typeof at === 'string' ? { value: at } : at]),
      ),
      urls: commands.urls,
      knownHosts: commands.knownHosts,
      timeoutMs: commands.timeoutSeconds * 1_000,
      path: programs,
      home: homedir(),
      environment: Object.fromEntries(
        commands.environment.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
      ),
      rempart: {
        node: process.execPath,
        program: join(import.meta.dirname, '..', '..', 'bin', 'rempart.js'),
        data: resolve(data),
        // The usual name stands for a file that need not be there.
        configFile: configFile !== undefined && existsSync(configFile) ? resolve(configFile) : undefined,
      },
    }),
  ];
}

/** Opened when it is first needed, and again when an engine was started, or moved, since. */
export function oneEngine(config: Config, atEnd: AtEnd) {
  let opened: ContainerEngine | undefined;
  const socketPath = () => config.posture.engine ?? engineSocket({});
  atEnd(async () => opened?.close());
  const engine = (): ContainerEngine => {
    const path = socketPath();
    if (path === undefined) throw new RempartError('ERR_ENGINE_NONE');
    if (opened?.socketPath !== path) {
      void opened?.close();
      opened = openContainerEngine({ socketPath: path });
    }
    return opened;
  };
  return { engine, socketPath };
}
