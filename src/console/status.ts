// What the console and /readyz say of every dependency: the truth, in one shape.

export type DependencyState = 'ok' | 'degraded' | 'away' | 'overloaded';

export interface Dependency {
  state: DependencyState;
  /** Milliseconds since the epoch of the last change, where it is known. */
  since?: number;
  /** One word of a fixed list, never a text of an error. */
  cause?: string;
}

export interface Dependencies {
  journal: Dependency;
  store: Dependency;
  host: { state: 'ok' | 'overloaded'; cpuPressure: number; memoryPressure: number; eventLoopDelayMs: number };
  providers: Readonly<Record<string, Dependency>>;
  /** Where copies of the journal go; one that is away delays them and loses none. */
  sinks: Readonly<Record<string, Dependency>>;
  /** With a watch over the models: whether each that may be used is verified. */
  models?: Dependency;
  /** The threads that serve the gateway, where there are several. */
  workers?: Dependency & { serving: number; of: number };
}

export interface Readiness {
  status: 'ready' | 'degraded' | 'unavailable';
  /** Emergency modes that are on. */
  modes: readonly string[];
  dependencies: Dependencies;
  /** What is foreseen to fail if it goes on like this; as long as it has not, everything is as ready as it says. */
  predictions: readonly { what: string; target: string; since: number; failsInMs: number }[];
}

export interface Status extends Readiness {
  standin: boolean;
  gatewayUrl: string;
  outcomes: { success: number; failure: number };
  keys: readonly { prefix: string; subject: string; role: string; revoked: boolean }[];
}

/** Without its journal, or without anybody who serves, nothing is; without anything else something still is. */
export function readinessOf(
  dependencies: Dependencies,
  modes: readonly string[] = [],
  predictions: Readiness['predictions'] = [],
): Readiness {
  const { journal, store, host, providers, sinks, models, workers } = dependencies;
  if (journal.state === 'away' || workers?.state === 'away')
    return { status: 'unavailable', modes, dependencies, predictions };
  const all = [
    ...[journal, store, host, ...Object.values(providers), ...Object.values(sinks)],
    ...(models === undefined ? [] : [models]),
    ...(workers === undefined ? [] : [workers]),
  ];
  const usual = modes.length === 0 && all.every(({ state }) => state === 'ok');
  return { status: usual ? 'ready' : 'degraded', modes, dependencies, predictions };
}
