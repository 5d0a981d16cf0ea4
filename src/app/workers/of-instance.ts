// What an instance does differently when several threads serve its gateway, in the words of app.ts.
import { EventEmitter } from 'node:events';
import type { Config } from '../../config.ts';
import { openCounters } from '../../platform/shared/counters.ts';
import type { ModelGuard } from '../../protect/gateway/verified-models.ts';
import { createKeptHealth, type KeptHealth } from '../../protect/resilience/kept-health.ts';
import type { Behaviour } from '../../protect/screening/behaviour.ts';
import type { Ground } from '../ground.ts';
import type { AppOptions } from '../options.ts';
import type { Crew } from './crew.ts';
import { type FleetGround, type InstanceFleet, openFleet } from './open-fleet.ts';
import { forgetTopic } from './protocol.ts';
import { shareHealth } from './shared-health.ts';

/** The main thread probes and tells for all. */
export function healthOf(crew: Crew | undefined, memory: SharedArrayBuffer): KeptHealth {
  const kept = createKeptHealth();
  if (crew === undefined) return kept;
  const { bus, past } = crew;
  return shareHealth(kept, { bus, past: past.health, counters: openCounters(memory), now: Date.now, probes: true });
}

type GivenGround = Pick<FleetGround, 'limits' | 'metrics' | 'prediction' | 'registry' | 'promptKey' | 'running'> & {
  deferral?: FleetGround['deferral'];
  modelGuard: ModelGuard | undefined;
  network: { watchPeers(server: EventEmitter): void } | undefined;
};

/** Undefined for an instance of one thread. */
export function fleetOf(
  { config, data, lang, logTo = () => 2 }: AppOptions,
  ground: Ground,
  { modelGuard, network, deferral, ...given }: GivenGround,
): InstanceFleet | undefined {
  const { crew, crewMemory, watch } = ground;
  if (crew === undefined || crewMemory === undefined) return undefined;
  const peers = network && new EventEmitter();
  if (peers !== undefined) network?.watchPeers(peers);
  return openFleet({
    ...ground,
    ...given,
    deferral,
    crew,
    crewMemory,
    config,
    data,
    lang,
    logTo: logTo(),
    journal: watch.journal,
    models: modelGuard && { guard: modelGuard, providers: concerned(config, modelGuard) },
    peers,
  });
}

function concerned({ providers }: Config, guard: { concerns(provider: string): boolean }): string[] {
  return providers.map(({ name }) => name).filter((name) => guard.concerns(name));
}

/** What is to be forgotten of somebody, every thread forgets. */
export function forgettingEverywhere(
  behaviour: Pick<Behaviour, 'forget'>,
  crew: Crew | undefined,
): Pick<Behaviour, 'forget'> {
  if (crew === undefined) return behaviour;
  return {
    forget(subject) {
      crew.bus.publish(forgetTopic, subject);
      return behaviour.forget(subject);
    },
  };
}

interface Outcomes {
  success: number;
  failure: number;
}

export function sumOf(own: Outcomes, others: Outcomes | undefined): Outcomes {
  if (others === undefined) return own;
  return { success: own.success + others.success, failure: own.failure + others.failure };
}
