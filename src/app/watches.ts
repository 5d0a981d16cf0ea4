// The watches that the configuration asks for: over the model store, and over connections between zones.
import type { Registry } from 'prom-client';
import { engineSocket } from '../platform/containers/engine-socket.ts';
import { loadDeployment } from '../platform/documents/load-deployment.ts';
import type { GatewaySettings } from '../protect/gateway/settings.ts';
import { watchDrift } from '../protect/posture/baseline/watch-drift.ts';
import { type ModelService, startModelService } from '../protect/posture/models/model-service.ts';
import { storeFolder } from '../protect/posture/models/store.ts';
import { type NetworkService, startNetworkService } from '../protect/posture/monitor/network-service.ts';
import { crossingCounters } from '../protect/posture/monitor/watch-network.ts';
import type { Ground } from './ground.ts';
import type { AppOptions, AtEnd } from './options.ts';

/** With `models` in the configuration: the watch over the store that the gateway asks before it uses a model. */
export function modelGuardOf(
  { config, data }: AppOptions,
  { signals, watch, log }: Ground,
  registry: Registry,
  providers: GatewaySettings['providers'],
  atEnd: AtEnd,
): ModelService | undefined {
  const { models } = config;
  if (models === undefined) return undefined;
  const service = startModelService(
    { data, signals, journal: watch.journal, log, registry, now: Date.now, fetch },
    {
      folder: storeFolder(models.store, {}),
      api: models.api,
      everyMs: models.every * 1_000,
      fullEveryMs: models.full * 3_600_000,
      onMismatch: models.onMismatch,
      providers: models.providers ?? providers.filter(({ dialect }) => dialect === 'ollama').map(({ name }) => name),
    },
  );
  atEnd(() => service.close());
  return service;
}

/** With a deployment profile in the configuration: the watch over connections between its zones. */
export function networkServiceOf(
  { config, data }: AppOptions,
  { signals, log }: Ground,
  registry: Registry,
  atEnd: AtEnd,
): NetworkService | undefined {
  if (config.deployment === undefined) {
    // Known by name and without a value: nothing is counted where nobody watches.
    crossingCounters(registry);
    return undefined;
  }
  const service = startNetworkService(
    { data, signals, log, registry, now: Date.now },
    {
      deployment: loadDeployment(config.deployment),
      everyMs: config.posture.every * 1_000,
      engine: config.posture.engine ?? engineSocket({}),
    },
  );
  atEnd(() => service.close());
  return service;
}

const driftEveryMs = 30_000;

/** With a configuration file: a departure from the signed baseline is told. */
export function watchDriftOf({ configFile, data }: AppOptions, { signals, log }: Ground, atEnd: AtEnd): void {
  if (configFile === undefined) return;
  const drift = watchDrift({ data, configFile, signals, log, now: Date.now, everyMs: driftEveryMs });
  atEnd(async () => drift.close());
}
