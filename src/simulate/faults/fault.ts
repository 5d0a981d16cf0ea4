// What can be done to a target: each fault is data, so that it can be sent to the keeper, leased, logged and replayed.
import type { Dialect } from '../../platform/wire/dialect.ts';
import type { ProviderErrorKind } from '../../platform/wire/provider-errors.ts';
import type { TargetCommand } from '../keeper/target-process.ts';
import type { AnswerEdit } from './llm/answer-edit.ts';

/** A fault on calls to the upstream, decided per request. */
export type CallFault =
  | {
      type: 'status';
      name: string;
      error: ProviderErrorKind;
      retryAfterSeconds?: number;
      keys: 'all' | 'primary' | 'unknown';
    }
  | { type: 'silent' }
  | { type: 'mid-request' }
  | { type: 'mid-stream'; afterEvents: number }
  | { type: 'streak' }
  /** From the mark at 80 % used until refusal, and from there until the window turns. */
  | { type: 'progressive'; warnMs: number; refuseMs: number };

export type Fault =
  | CallFault
  | { type: 'refused' }
  /** By the machine's firewall where that is allowed and there is one; else by a listener that accepts nobody. */
  | { type: 'blackhole-connect'; firewall?: boolean }
  | { type: 'database'; how: 'stopped' | 'corrupted' | 'permission' | 'locked'; file: string }
  /** On the relay to a database server. */
  | { type: 'database-server'; how: 'stopped' | 'connections-exhausted' }
  | { type: 'cpu'; threads: number }
  | { type: 'memory'; budgetBytes: number; share: number }
  /** The target started again with one wrong setting; `nowhere` is where it is sent. */
  | {
      type: 'reconfigured';
      how: 'wrong-url' | 'timeout' | 'proxy-dead' | 'invalid-key';
      command: TargetCommand;
      nowhere: { host: string; port: number };
    };

/** One call as the fault proxy sees it, its body read. */
export interface Call {
  key: 'primary' | 'spare' | 'other' | 'none';
  marker: string | null;
  /** How often this marker was seen before. */
  earlierAttempts: number;
  isChat: boolean;
}

export type CallAction =
  /** Untouched but for what the headers tell of the quota. */
  | { act: 'relay'; headers?: Record<string, string>; quotaUsed?: number }
  | { act: 'answer'; status: number; headers: Record<string, string>; body: string }
  | { act: 'silence' }
  | { act: 'cut-request' }
  /** Relayed, the answer changed on its way. */
  | { act: 'edit'; edit: AnswerEdit };

export type CallDecider = (call: Call, dialect: Dialect) => CallAction;
