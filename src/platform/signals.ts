// The events that protect emits and respond reads: something that may matter, as a fact and never as text of a user.
import { EventEmitter } from 'node:events';

export type SignalKind =
  | 'provider-key-compromised'
  | 'provider-unavailable'
  | 'provider-recovered'
  | 'network-cut'
  | 'database-down'
  | 'database-recovered'
  | 'quota-warning'
  | 'quota-exhausted'
  | 'rate-limited'
  | 'host-overload'
  | 'host-recovered'
  | 'failed-auth'
  | 'brute-force'
  | 'hostile-request'
  | 'code-execution-attempt'
  | 'dangerous-route'
  | 'prompt-attack'
  | 'answer-blocked'
  | 'behaviour-anomaly'
  | 'screening-failed'
  | 'model-integrity'
  | 'configuration-drift'
  | 'network-crossing'
  | 'worker-lost'
  | 'alert-threshold'
  | 'failure-predicted';

export interface Signal {
  kind: SignalKind;
  /** Milliseconds since the epoch. */
  time: number;
  severity: 'info' | 'low' | 'medium' | 'high' | 'critical';
  /** Names from the configuration, public ids of credentials, a caller's address where it is the point, and numbers: no key, path, prompt or host of a provider. */
  facts: Readonly<Record<string, string | number | boolean>>;
}

export interface Signals {
  emit(signal: Signal): void;
  /** Returns the function that ends the subscription. */
  subscribe(listener: (signal: Signal) => void): () => void;
}

export function createSignals(): Signals {
  const emitter = new EventEmitter();
  return {
    emit: (signal) => {
      emitter.emit('signal', Object.freeze(signal));
    },
    subscribe: (listener) => {
      emitter.on('signal', listener);
      return () => emitter.off('signal', listener);
    },
  };
}
