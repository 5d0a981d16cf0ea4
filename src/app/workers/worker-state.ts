// How a worker comes to know how things stand, and how its signals reach the hub.
import type { Signal, SignalKind, Signals } from '../../platform/signals.ts';
import type { Crew } from './crew.ts';
import type { Link } from './link.ts';
import type { WorkerState } from './protocol.ts';

/** Asks the main thread; what is known of providers goes into `crew.past`. */
export async function stateOf(main: Link, crew: Crew): Promise<WorkerState> {
  const state = (await main.call('main', 'state')) as WorkerState;
  for (const [name, events] of state.past.health) crew.past.health.set(name, events);
  for (const [name, headers] of state.past.limits) crew.past.limits.set(name, headers);
  return state;
}

/** Of a provider each thread knows the same, and one tells it: the main thread. */
const ofProviders: ReadonlySet<SignalKind> = new Set([
  'provider-key-compromised',
  'provider-unavailable',
  'provider-recovered',
  'network-cut',
  'quota-warning',
  'quota-exhausted',
  'rate-limited',
]);

export function signalsTo(main: Link): Signals {
  return {
    emit(signal: Signal) {
      if (!(ofProviders.has(signal.kind) && 'provider' in signal.facts)) main.tell('main', 'signal', signal);
    },
    // Nobody listens on a worker: the hub is in the main thread.
    subscribe: () => () => {},
  };
}
