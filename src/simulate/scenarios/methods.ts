// How each method causes its failure: the fault, how long it lasts, and what a target must offer for it.
import { availableParallelism } from 'node:os';
import type { MethodId, ScenarioId } from '../../platform/documents/simulation.ts';
import type { TextKey } from '../../platform/i18n/say.ts';
import type { Fault } from '../faults/fault.ts';
import { type Profile, placeholdersIn } from '../targets/profile.ts';
import type { Stage } from './stage.ts';

export interface MethodPlan {
  scenario: ScenarioId;
  method: MethodId;
  fault: (at: FaultPlaces) => Fault;
  /** The fault lasts at least this long at the quick pace, and ends once its checks are decided, at most after `quickMaxMs`. */
  quickMinMs: number;
  quickMaxMs: number;
  /** The duration of the exercise. */
  realMs: number;
  /** Why this method cannot be had with this target; null when it can. */
  impossible: (profile: Profile, allowed: { load: boolean }) => TextKey | null;
  /** The kinds of database it has a meaning for; without it every kind. */
  databases?: readonly Profile['database']['kind'][];
  /** Somebody new comes in the moment the fault ends. */
  freshUser?: true;
}

/** What a fault may need of the method run it is made for. */
export interface FaultPlaces {
  databasePath: string;
  /** The target's database is a server, reached through a relay. */
  server: boolean;
  reconfigured: Stage['reconfigured'];
  pace: 'real' | 'quick';
  /** The machine's own firewall may be used. */
  firewall: boolean;
}

const always = () => null;
const needsDatabase: MethodPlan['impossible'] = ({ start, database }) => {
  if (start === undefined) return 'simulate.why.no-start';
  return database.kind === 'none' ? 'simulate.why.no-database' : null;
};
const needsSqlite: MethodPlan['impossible'] = (profile) =>
  needsDatabase(profile, { load: true }) ?? (profile.database.kind === 'sqlite' ? null : 'simulate.why.no-database');
const sqlite = { impossible: needsSqlite, databases: ['sqlite'] } as const;
/** Methods that start the target again with another value in place of `name`. */
const needsPlace =
  (name: string): MethodPlan['impossible'] =>
  ({ start }) => {
    if (start === undefined) return 'simulate.why.no-start';
    return name === '' || placeholdersIn(start).includes(name) ? null : 'simulate.why.no-setting';
  };
const short = { quickMinMs: 2000, quickMaxMs: 6000, realMs: 30_000 };
/** Who waits out a cut of some seconds gets the time to give up and say so. */
const shortCut = { ...short, quickMaxMs: 12_000 };

const status = (
  name: string,
  error: Extract<Fault, { type: 'status' }>['error'],
  keys: 'all' | 'primary',
  retryAfterSeconds?: number,
): MethodPlan['fault'] => {
  const fault: Fault = {
    type: 'status',
    name,
    error,
    keys,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  return () => fault;
};

const quickQuota = { warnMs: 2000, refuseMs: 1500 };
const realQuota = { warnMs: 20_000, refuseMs: 20_000 };

export const methodPlans: readonly MethodPlan[] = [
  {
    scenario: 'api-maintenance',
    method: 'invalid-key',
    fault: status('invalid-key', 'key-refused', 'all'),
    ...short,
    impossible: always,
  },
  {
    scenario: 'api-maintenance',
    method: 'wrong-url',
    fault: ({ reconfigured }) => reconfigured('wrong-url'),
    ...short,
    impossible: needsPlace('upstream.url'),
  },
  {
    scenario: 'api-maintenance',
    method: 'timeout',
    fault: ({ reconfigured }) => reconfigured('timeout'),
    ...short,
    impossible: needsPlace('upstream.timeoutMs'),
  },
  {
    scenario: 'api-maintenance',
    method: 'unavailable',
    fault: status('unavailable', 'overloaded', 'all'),
    ...short,
    impossible: always,
  },
  {
    scenario: 'api-maintenance',
    method: 'unavailable-retry-after',
    fault: status('unavailable-retry-after', 'overloaded', 'all', 1),
    ...short,
    impossible: always,
  },
  {
    scenario: 'network-cut',
    method: 'refused',
    fault: () => ({ type: 'refused' }),
    ...shortCut,
    impossible: always,
  },
  {
    scenario: 'network-cut',
    method: 'proxy-dead',
    fault: ({ reconfigured }) => reconfigured('proxy-dead'),
    ...shortCut,
    impossible: needsPlace(''),
  },
  {
    scenario: 'network-cut',
    method: 'blackhole-connect',
    fault: ({ firewall }) => ({ type: 'blackhole-connect', firewall }),
    quickMinMs: 3000,
    quickMaxMs: 12_000,
    realMs: 30_000,
    impossible: always,
  },
  {
    scenario: 'network-cut',
    method: 'blackhole-silent',
    fault: () => ({ type: 'silent' }),
    quickMinMs: 4000,
    quickMaxMs: 12_000,
    realMs: 30_000,
    impossible: always,
  },
  {
    scenario: 'network-cut',
    method: 'mid-request',
    fault: () => ({ type: 'mid-request' }),
    ...short,
    impossible: always,
  },
  {
    scenario: 'network-cut',
    method: 'mid-stream',
    fault: () => ({ type: 'mid-stream', afterEvents: 3 }),
    ...short,
    impossible: always,
  },
  {
    scenario: 'network-cut',
    method: 'brief-cut',
    fault: () => ({ type: 'refused' }),
    quickMinMs: 500,
    quickMaxMs: 500,
    realMs: 5000,
    impossible: always,
  },
  {
    scenario: 'network-cut',
    method: 'long-cut',
    fault: () => ({ type: 'refused' }),
    quickMinMs: 8000,
    quickMaxMs: 8000,
    realMs: 120_000,
    impossible: always,
  },
  {
    scenario: 'network-cut',
    method: 'reconnect',
    fault: () => ({ type: 'refused' }),
    quickMinMs: 2000,
    quickMaxMs: 2000,
    realMs: 30_000,
    impossible: always,
    freshUser: true,
  },
  {
    scenario: 'key-compromised',
    method: 'invalid-key',
    fault: ({ reconfigured }) => reconfigured('invalid-key'),
    ...short,
    impossible: needsPlace('upstream.key'),
  },
  {
    scenario: 'key-compromised',
    method: 'revoked-401',
    fault: status('revoked-401', 'key-refused', 'primary'),
    ...short,
    impossible: always,
  },
  {
    scenario: 'key-compromised',
    method: 'revoked-403',
    fault: status('revoked-403', 'forbidden', 'primary'),
    ...short,
    impossible: always,
  },
  {
    scenario: 'key-compromised',
    method: 'streak',
    fault: () => ({ type: 'streak' }),
    ...short,
    impossible: always,
  },
  {
    scenario: 'overload',
    method: 'cpu',
    // Two threads a core: each core is busy even while the target runs on it.
    fault: () => ({ type: 'cpu', threads: 2 * availableParallelism() }),
    quickMinMs: 5000,
    quickMaxMs: 12_000,
    realMs: 30_000,
    impossible: (_profile, { load }) => (load ? null : 'simulate.why.no-load'),
  },
  {
    scenario: 'overload',
    method: 'memory',
    fault: () => ({ type: 'memory', budgetBytes: 512 * 1024 ** 2, share: 0.8 }),
    quickMinMs: 3500,
    quickMaxMs: 6000,
    realMs: 30_000,
    impossible: (_profile, { load }) => (load ? null : 'simulate.why.no-load'),
  },
  {
    scenario: 'database-down',
    method: 'stopped',
    fault: ({ databasePath, server }) =>
      server ? { type: 'database-server', how: 'stopped' } : { type: 'database', how: 'stopped', file: databasePath },
    ...short,
    impossible: needsDatabase,
  },
  {
    scenario: 'database-down',
    method: 'corrupted',
    fault: ({ databasePath }) => ({ type: 'database', how: 'corrupted', file: databasePath }),
    ...short,
    ...sqlite,
  },
  {
    scenario: 'database-down',
    method: 'permission',
    fault: ({ databasePath }) => ({ type: 'database', how: 'permission', file: databasePath }),
    ...short,
    ...sqlite,
  },
  {
    scenario: 'database-down',
    method: 'locked',
    fault: ({ databasePath }) => ({ type: 'database', how: 'locked', file: databasePath }),
    ...short,
    ...sqlite,
  },
  {
    scenario: 'database-down',
    method: 'connections-exhausted',
    fault: () => ({ type: 'database-server', how: 'connections-exhausted' }),
    ...short,
    impossible: (profile) =>
      needsDatabase(profile, { load: true }) ??
      (profile.database.kind === 'sqlite' ? 'simulate.why.no-database' : null),
    databases: ['postgres', 'mysql'],
  },
  {
    scenario: 'quota-exhausted',
    method: 'rate-limited',
    fault: status('rate-limited', 'rate-limited', 'all', 1),
    ...short,
    impossible: always,
  },
  {
    scenario: 'quota-exhausted',
    method: 'hard-quota',
    fault: status('hard-quota', 'quota-exhausted', 'all'),
    ...short,
    impossible: always,
  },
  {
    scenario: 'quota-exhausted',
    method: 'progressive',
    fault: ({ pace }) => ({ type: 'progressive', ...(pace === 'quick' ? quickQuota : realQuota) }),
    // The whole way: down to the mark, to the end, and on to the next window.
    quickMinMs: 6000,
    quickMaxMs: 9000,
    realMs: 60_000,
    impossible: ({ upstream }) => (upstream.dialect === 'ollama' ? 'simulate.why.no-quota-headers' : null),
  },
];
