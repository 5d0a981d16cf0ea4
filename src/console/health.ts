// The state of every dependency now, read from the parts that know: for /readyz, the console, and the public word on health.

import type { DeliveryState } from '../platform/journal/sinks/deliver.ts';
import type { StoreHealth } from '../platform/store/store.ts';
import type { PublicHealth } from '../protect/data-plane.ts';
import type { GatewayState } from '../protect/gateway/gateway.ts';
import type { HostHealth } from '../protect/host-monitor.ts';
import type { Dependencies, Dependency, DependencyState } from './status.ts';

export interface HealthSources {
  journalWritable: () => boolean;
  store: () => StoreHealth;
  /** Whether messages still wait for the store. */
  waiting: () => boolean;
  host: () => HostHealth;
  gateway: () => GatewayState;
  sinks?: () => Readonly<Record<string, DeliveryState>>;
  models?: () => Dependency;
  /** Where several threads serve the gateway. */
  workers?: (() => { serving: number; of: number; crashing: boolean }) | undefined;
}

export function dependenciesOf(sources: HealthSources): Dependencies {
  const store = sources.store();
  const host = sources.host();
  return {
    journal: { state: sources.journalWritable() ? 'ok' : 'away' },
    store:
      store.state === 'away'
        ? { state: 'away', since: store.since, cause: store.cause }
        : { state: sources.waiting() ? 'degraded' : 'ok', since: store.since },
    host,
    providers: Object.fromEntries(sources.gateway().providers.map((one) => [one.name, providerState(one)])),
    sinks: Object.fromEntries(Object.entries(sources.sinks?.() ?? {}).map(([name, one]) => [name, sinkState(one)])),
    ...(sources.models === undefined ? {} : { models: sources.models() }),
    ...(sources.workers === undefined ? {} : { workers: workersState(sources.workers()) }),
  };
}

function workersState({ serving, of, crashing }: { serving: number; of: number; crashing: boolean }) {
  const state = serving === 0 ? 'away' : serving < of || crashing ? 'degraded' : 'ok';
  return { state, serving, of, ...(crashing ? { cause: 'crash-loop' } : {}) } as const;
}

function sinkState({ state, since, cause, refused }: DeliveryState): Dependency {
  if (state === 'away') return { state, since, ...(cause === undefined ? {} : { cause }) };
  return refused > 0 ? { state: 'degraded', since, cause: 'refused' } : { state, since };
}

function providerState({ keys, lastError, lastErrorAt }: GatewayState['providers'][number]): Dependency {
  const usable = keys.filter(({ refused, breaker }) => !refused && breaker === 'closed').length;
  const state = usable === 0 ? 'away' : usable < keys.length || lastError !== undefined ? 'degraded' : 'ok';
  return {
    state,
    ...(lastErrorAt === undefined ? {} : { since: lastErrorAt }),
    ...(lastError === undefined ? {} : { cause: lastError }),
  };
}

export function publicHealth(
  { journal, store, host, providers, workers }: Dependencies,
  modes: readonly string[] = [],
): PublicHealth {
  const states = Object.values(providers).map(({ state }) => state);
  const all: DependencyState[] = [journal.state, store.state, host.state, workers?.state ?? 'ok', ...states];
  return {
    status: modes.length === 0 && all.every((state) => state === 'ok') ? 'ok' : 'degraded',
    store: store.state === 'away' ? 'away' : 'ok',
    assistant:
      journal.state === 'away' || states.every((state) => state === 'away')
        ? 'away'
        : states.every((state) => state === 'ok')
          ? 'ok'
          : 'degraded',
    host: host.state === 'overloaded' ? 'overloaded' : 'ok',
  };
}
