// What respond may have other parts do: plain functions that the instance hands in. A part that is missing makes its actions refuse, rather than pretend.
import { RempartError } from '../platform/base/errors.ts';

/** Who wants it, for the journal, and how long it holds; without an end until it is undone. */
export interface Order {
  by: string;
  /** Milliseconds since the epoch. */
  until?: number;
}

/** Something that is on or off for a name; turning it twice the same way is no error. */
export interface Restraint {
  isOn(name: string): boolean;
  on(name: string, order: Order): Promise<void>;
  off(name: string, by: string): Promise<void>;
}

export interface KeyActuator extends Restraint {
  /** By its public id; undefined for a key that nobody has. */
  find(id: string): { subject: string; role: string; revoked: boolean } | undefined;
  revoke(id: string, by: string): Promise<void>;
}

export interface ProviderActuator {
  names(): readonly string[];
  /** Calls to it stop. */
  suspended: Restraint;
  /** Its first key is passed over. */
  spare: Restraint;
  /** How many spare keys it has. */
  spares(name: string): number;
}

export interface ModelFinding {
  what: string;
  /** Null for what concerns the store. */
  model: string | null;
}

export interface ModelActuator {
  /** Reads every byte. Throws when there is no store or no trusted list. */
  verify(signal: AbortSignal): Promise<{ ok: boolean; findings: readonly ModelFinding[]; models: readonly string[] }>;
  /** The time is part of the place, so that it is known before and after a crash. */
  quarantine(model: string, facts: { by: string; at: number }): Promise<{ folder: string; moved: number }>;
  /** Puts back what was moved away at that time. False when nothing lies there any more. */
  release(model: string, at: number): Promise<boolean>;
  /** From the profile's clean copy; null when there is none. */
  backup(): string | null;
  restore(
    model: string,
    facts: { at: number; signal: AbortSignal },
  ): Promise<{ files: number; replaced: string | null }>;
  /** Has the model server fetch what the trusted list names; undefined without a server. */
  pull?: (model: string, signal: AbortSignal) => Promise<void>;
  /** The names in the signed list of trusted models. */
  trusted(): readonly string[];
}

export interface ServiceActuator {
  /** Names of the profile's services. Resolves once each is. */
  stop(services: readonly string[], signal: AbortSignal): Promise<void>;
  start(services: readonly string[], signal: AbortSignal): Promise<void>;
  /** Undefined where it cannot be told. */
  isRunning(service: string): Promise<boolean | undefined>;
}

export interface ModeActuator {
  names: readonly string[];
  state(name: string): { on: boolean; since?: number; until?: number };
  set(change: { name: string; on: boolean; by: string; forMs?: number }): Promise<void>;
}

export interface LimitActuator {
  /** What limits are multiplied with; 1 is as configured. */
  factor(): number;
  tighten(factor: number): void;
}

export interface ConfigActuator {
  /** Reads the configuration's file anew. Throws what is wrong with it; then the one before stays in force. */
  reload(by: string): Promise<void>;
}

export interface Actuators {
  services?: ServiceActuator;
  models?: ModelActuator;
  sessions?: Restraint;
  keys?: KeyActuator;
  providers?: ProviderActuator;
  sources?: Restraint;
  limits?: LimitActuator;
  modes?: ModeActuator;
  config?: ConfigActuator;
}

/** The part, or ERR_ACTION_UNAVAILABLE. */
export function needed<T>(action: string, part: T | undefined): T {
  if (part === undefined) throw new RempartError('ERR_ACTION_UNAVAILABLE', { action });
  return part;
}
