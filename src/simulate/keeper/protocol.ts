// What runner and keeper say to each other: JSON lines over the keeper's standard input and output.
import type { Dialect } from '../../platform/wire/dialect.ts';
import type { Fault } from '../faults/fault.ts';
import type { Replayed } from '../faults/process/undo-log.ts';
import type { Fact } from '../scenarios/evidence.ts';
import type { TargetCommand } from './target-process.ts';

export interface PrepareOptions {
  dialect: Dialect;
  /** Base URL of a real upstream; null: the stand-in. */
  real: string | null;
  host: string;
  port: number;
  /** The provider's own hosts, for a target that reaches it through CONNECT. */
  hosts?: readonly string[];
  keys: { primary: string; spare: string };
  seed: number;
  tokensPerSecond: number;
  /** A database server that the target reaches through a relay; null: none. */
  database?: { kind: 'postgres' | 'mysql'; host: string; port: number; url: string } | null;
}

export interface Commands {
  /** A folder of the run's own: removed at the end, by the next start if need be. */
  'own-folder': { args: { path: string }; reply: Record<string, never> };
  prepare: {
    args: PrepareOptions;
    reply: {
      upstreamUrl: string;
      /** The authority that the target must trust behind CONNECT, as PEM. */
      certificate: string;
      alertsUrl: string;
      database: { host: string; port: number; name: string | null } | null;
    };
  };
  'start-target': { args: TargetCommand; reply: { pid: number } };
  'restart-target': { args: Record<string, never>; reply: { pid: number } };
  'stop-target': { args: Record<string, never>; reply: { logs: { channel: string; text: string }[] } };
  logs: { args: Record<string, never>; reply: { logs: { channel: string; text: string }[] } };
  inject: { args: { fault: Fault; leaseMs: number }; reply: FaultReply };
  clear: { args: Record<string, never>; reply: FaultReply };
  /** Ends proxy, stand-in and sink of a method. */
  clean: { args: Record<string, never>; reply: Record<string, never> };
}

export interface FaultReply {
  t: number;
  proved: boolean;
  proof: string;
  /** Why it could not be done; then nothing was. */
  impossible?: string;
  dose?: Record<string, number | string>;
}

export type CommandName = keyof Commands;
export type Request = { [C in CommandName]: { id: number; command: C; args: Commands[C]['args'] } }[CommandName];

export type FromKeeper =
  | { type: 'ready'; pid: number; replayed: Replayed[] }
  | { type: 'busy'; pid: number }
  | { type: 'reply'; id: number; reply: unknown }
  | { type: 'failed'; id: number; why: string }
  | { type: 'fact'; fact: Fact };
