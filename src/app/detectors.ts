// The detectors of an instance: what they watch is found here, what they see goes to the responder.
import { accessSync, constants } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Log } from '../platform/base/log.ts';
import { openContainerEngine } from '../platform/containers/container-engine.ts';
import { engineSocket } from '../platform/containers/engine-socket.ts';
import type { Deployment } from '../platform/documents/deployment.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { applicationLifecycle } from '../platform/journal/ocsf.ts';
import type { Signals } from '../platform/signals.ts';
import type { Detection } from '../respond/detectors/detector.ts';
import { createDetectors, type DetectorsParts } from '../respond/detectors/detectors.ts';
import { engineExecutions } from '../respond/detectors/engine-executions.ts';
import { type Hub, type HubEvent, watchDetectors } from '../respond/detectors/hub.ts';
import type { RuntimeSample } from '../respond/detectors/runtime.ts';
import type { Incidents } from '../respond/incidents/incidents.ts';
import { checkState } from '../respond/rollback/check-state.ts';
import { statesOf } from '../respond/rollback/named-state.ts';
import type { AtEnd } from './options.ts';

export interface WatchGround {
  config: Config;
  data: string;
  deployment: Deployment | undefined;
  signals: Signals;
  journal: Pick<Journal, 'append'>;
  incidents: Pick<Incidents, 'list'>;
  log: Log;
  now: () => number;
  detected: (detection: Detection) => unknown;
  tightness: () => number;
  registry?: Registry;
}

/** Watches until the instance ends. */
export function openDetectors(ground: WatchGround, atEnd: AtEnd): Hub {
  const { config, log, now, detected, tightness, registry, journal } = ground;
  const settings = config.respond.detectors;
  const hub = watchDetectors(
    {
      detectors: createDetectors(partsOf(ground, atEnd)),
      ...{ detected, now, log, tightness },
      tell: (event) => {
        journal
          .append(recordOf(event))
          .catch((err: unknown) => log.error({ err }, 'what the detectors told could not be journalled'));
      },
      ...(registry === undefined ? {} : { registry }),
    },
    { repeatMs: settings.repeatSeconds * 1_000, subjectsPerMinute: settings.subjectsPerMinute },
  );
  atEnd(() => hub.close());
  return hub;
}

function partsOf(ground: WatchGround, atEnd: AtEnd): DetectorsParts {
  const { config, deployment, signals, registry, log } = ground;
  const settings = config.respond.detectors;
  const data = resolve(ground.data);
  const folder = dirname(resolve(config.deployment ?? 'deployment.yaml'));
  const engine = settings.containers.on ? engineOf(ground, atEnd) : undefined;
  const isReadable = may(settings.audit.file, constants.R_OK);
  if (settings.audit.on && !isReadable) log.debug('the audit log cannot be read, and is not watched');
  const { maxMegabytes, maxFiles } = config.respond.rollback;
  const limits = { maxBytes: maxMegabytes * 1_048_576, maxFiles };
  return {
    ...{ settings, signals, data, folder, log },
    ...(deployment === undefined ? {} : { deployment }),
    ...(isReadable ? { auditFile: settings.audit.file } : {}),
    ...(engine === undefined ? {} : { engine }),
    states: {
      list: statesOf(deployment ?? { states: [] }, folder, data),
      check: (state) => checkState(state, limits),
      isOurs: () => isRestoring(ground),
      ...(engine === undefined
        ? {}
        : { isOwnerRunning: (owner: string) => isRunning(engine.client, deployment, owner) }),
    },
    ...(registry === undefined ? {} : { sample: sampleOf(registry) }),
  };
}

function engineOf({ config, log }: WatchGround, atEnd: AtEnd): DetectorsParts['engine'] {
  const socketPath = config.posture.engine ?? engineSocket({});
  if (socketPath === undefined) return undefined;
  if (!may(socketPath, constants.R_OK | constants.W_OK)) {
    log.info('the container engine may not be asked, and is not watched');
    return undefined;
  }
  const client = openContainerEngine({ socketPath });
  const executions = engineExecutions({ socketPath, timeoutMs: 5_000 });
  atEnd(async () => {
    await Promise.all([client.close(), executions.close()]);
  });
  return { client, executions };
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** A run that waits for people changes nothing meanwhile, so the last deed must be fresh. */
const deedMs = 30_000;

/** While a playbook is at work, states change by its hand. */
async function isRestoring({ incidents, now }: WatchGround): Promise<boolean> {
  const open = await incidents.list({ open: true, limit: 50 });
  return open.some(
    ({ playbookRuns, timeline }) =>
      playbookRuns.some(({ state }) => state === 'running') && now() - Date.parse(timeline.at(-1)?.time ?? '') < deedMs,
  );
}

/** Undefined for what the engine does not know. */
async function isRunning(
  client: NonNullable<DetectorsParts['engine']>['client'],
  deployment: Deployment | undefined,
  owner: string,
): Promise<boolean | undefined> {
  const service = deployment?.services.find(({ name }) => name === owner);
  try {
    const found = (await client.list({ all: true })).find(
      ({ name, service: label }) => name === (service?.container ?? owner) || label === owner,
    );
    return found === undefined ? undefined : found.state === 'running';
  } catch {
    return undefined;
  }
}

/** What the gateway counts, as numbers; its latency is that of what was answered since the last look. */
function sampleOf(registry: Registry): () => Promise<RuntimeSample> {
  let before = { count: 0, sum: 0 };
  return async () => {
    const metric = registry.getSingleMetric('rempart_gateway_request_duration_seconds');
    const { values } = (await metric?.get()) ?? { values: [] };
    const sum = (suffix: string, outcome?: string) =>
      values
        .filter((one) => nameOf(one).endsWith(suffix) && (outcome === undefined || one.labels['outcome'] === outcome))
        .reduce((total, { value }) => total + value, 0);
    const requests = sum('_count');
    const answered = { count: sum('_count', 'answered'), sum: sum('_sum', 'answered') };
    const count = answered.count - before.count;
    const latencyMs = ((answered.sum - before.sum) * 1_000) / count;
    before = answered;
    return {
      ...{ requests, errors: sum('_count', 'failed'), refused: sum('_count', 'refused') },
      ...(count > 0 ? { latencyMs } : {}),
    };
  };
}

/** A histogram's parts have names of their own, which its type does not say. */
function nameOf(value: object): string {
  return 'metricName' in value && typeof value.metricName === 'string' ? value.metricName : '';
}

function recordOf({ time, kind, ...facts }: HubEvent) {
  return applicationLifecycle({
    ...{ activity: 'update' as const, app: 'detectors', time },
    severity: kind === 'silent' || kind === 'undelivered' ? 'medium' : 'informational',
    unmapped: { phase: 'detectors', kind, ...facts },
  });
}
