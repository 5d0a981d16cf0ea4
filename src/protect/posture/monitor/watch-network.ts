// The network monitor: reads connection tables again and again, writes down and counts each crossing that is not allowed, once.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Counter, type Registry } from 'prom-client';
import type { Deployment } from '../../../platform/documents/deployment.ts';
import { type Socket, socketsHere } from '../../../platform/host/sockets.ts';
import { type Connection, type Crossing, connectionsOf, judgeConnection, readConntrack } from './crossings.ts';

export interface NetworkMonitorParts {
  deployment: Pick<Deployment, 'zones' | 'allowed'>;
  /** The connections of this moment. */
  read: () => readonly Connection[];
  hostAddresses: () => readonly string[];
  now: () => number;
  onCrossing: (crossing: Crossing, time: number) => void;
}

export interface NetworkMonitor {
  /** Reads the tables; what is new among what is not allowed. */
  look(): Crossing[];
  /** A connection that somebody else saw, perhaps too short for any look. */
  note(connection: Connection): void;
}

/** A connection that stays is counted once; one that was gone and is back, again; what is only noted, once between two looks. */
export function createNetworkMonitor(parts: NetworkMonitorParts): NetworkMonitor {
  let before = new Set<string>();
  const judge = (connection: Connection) => {
    const { zones, allowed } = parts.deployment;
    return judgeConnection(connection, { zones, allowed, hostAddresses: parts.hostAddresses() });
  };
  return {
    look() {
      const seen = new Map<string, Crossing>();
      for (const connection of parts.read()) {
        const crossing = judge(connection);
        if (crossing !== undefined) seen.set(keyOf(crossing), crossing);
      }
      const fresh = [...seen].filter(([key]) => !before.has(key)).map(([, crossing]) => crossing);
      before = new Set(seen.keys());
      for (const crossing of fresh) parts.onCrossing(crossing, parts.now());
      return fresh;
    },
    note(connection) {
      const crossing = judge(connection);
      if (crossing === undefined || before.has(keyOf(crossing)) || before.size >= maxKnown) return;
      before.add(keyOf(crossing));
      parts.onCrossing(crossing, parts.now());
    },
  };
}

/** A flood of addresses between two looks is told, not remembered one by one. */
const maxKnown = 10_000;

function keyOf({ from, to, port }: Connection): string {
  return `${from} ${to} ${port}`;
}

export interface CrossingCounters {
  count(crossing: Crossing): void;
}

export function crossingCounters(registry: Registry): CrossingCounters {
  const labels = ['from', 'to'] as const;
  const crossed = new Counter({
    name: 'rempart_cross_network_requests_total',
    help: 'Connections between zones that the deployment profile does not allow',
    labelNames: labels,
    registers: [registry],
  });
  const host = new Counter({
    name: 'rempart_host_access_violations_total',
    help: 'Connections from a zone to a port of the host that the deployment profile does not allow',
    labelNames: labels,
    registers: [registry],
  });
  return {
    // Zones are names of a fixed list, never addresses.
    count: ({ kind, fromZone, toZone }) =>
      (kind === 'host-access' ? host : crossed).inc({ from: fromZone, to: toZone }),
  };
}

/** The kernel's own list of connections where it keeps one; else the tables of every network namespace that can be seen. */
export function connectionsHere(proc = '/proc'): Connection[] {
  try {
    return readConntrack(readFileSync(join(proc, 'net', 'nf_conntrack'), 'utf8'));
  } catch {
    return namespaces(proc).flatMap((folder) => connectionsOf(socketsHere(folder) ?? ([] as Socket[])));
  }
}

function namespaces(proc: string): string[] {
  const seen = new Map<string, string>();
  for (const pid of readdirSync(proc).filter((name) => /^\d+$/.test(name))) {
    try {
      const id = readlinkSync(join(proc, pid, 'ns', 'net'));
      if (!seen.has(id)) seen.set(id, join(proc, pid, 'net'));
    } catch {
      // Gone meanwhile, or not ours to see.
    }
  }
  return seen.size === 0 ? [join(proc, 'net')] : [...seen.values()];
}
