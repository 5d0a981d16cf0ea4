// Connections between zones, held against the allowed matrix of the deployment profile.
import type { Deployment } from '../../../platform/documents/deployment.ts';
import type { Socket } from '../../../platform/host/sockets.ts';
import { isLoopbackAddress, liesIn } from '../exposure/addresses.ts';

export type Place = Deployment['allowed'][number]['from'];

export interface Connection {
  from: string;
  to: string;
  /** The port that was called. */
  port: number;
}

/** Of an attachment, `from` is the container's name, `to` the network's, and there is no port. */
export interface Crossing extends Connection {
  kind: 'cross-network' | 'host-access' | 'attachment';
  fromZone: Place;
  toZone: Place;
}

export interface Zones {
  zones: Deployment['zones'];
  allowed: Deployment['allowed'];
  /** Addresses of this machine itself, the bridges' own among them. */
  hostAddresses: readonly string[];
}

/** Who called whom: the side that listens was called. */
export function connectionsOf(sockets: readonly Socket[]): Connection[] {
  const listening = new Set(sockets.filter(({ state }) => state === 'listen').map(({ local }) => local.port));
  return sockets
    .filter(({ state }) => state === 'established')
    .map(({ local, remote }) =>
      listening.has(local.port)
        ? { from: plain(remote.address), to: plain(local.address), port: local.port }
        : { from: plain(local.address), to: plain(remote.address), port: remote.port },
    );
}

/** `/proc/net/nf_conntrack`: the first pair of a line is the caller and the called. */
export function readConntrack(text: string): Connection[] {
  return text.split('\n').flatMap((line) => {
    if (!/\btcp\b/.test(line) || !/\bESTABLISHED\b/.test(line)) return [];
    const [, from, to, port] = /\bsrc=(\S+) dst=(\S+) sport=\d+ dport=(\d+)/.exec(line) ?? [];
    return from === undefined || to === undefined ? [] : [{ from: plain(from), to: plain(to), port: Number(port) }];
  });
}

export function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}

/** The crossing that a connection is; undefined where it stays at home or is allowed. */
export function judgeConnection(connection: Connection, place: Zones): Crossing | undefined {
  const fromZone = zoneOf(connection.from, place);
  const toZone = zoneOf(connection.to, place);
  if (fromZone === toZone) return undefined;
  // What the machine itself or the Internet asks of each other is no zone's affair.
  const outside = (zone: Place) => zone === 'host' || zone === 'internet';
  if (outside(fromZone) && outside(toZone)) return undefined;
  // Health checks and published ports come from the machine: only its containers are watched.
  if (fromZone === 'host') return undefined;
  const allowed = place.allowed.some(
    ({ from, to, ports }) =>
      from === fromZone && to === toZone && (ports.length === 0 || ports.includes(connection.port)),
  );
  if (allowed) return undefined;
  return { ...connection, fromZone, toZone, kind: toZone === 'host' ? 'host-access' : 'cross-network' };
}

export function zoneOf(address: string, { zones, hostAddresses }: Zones): Place {
  // The bridge's own address lies in the zone and is the machine.
  if (isLoopbackAddress(address) || hostAddresses.includes(address)) return 'host';
  for (const [name, { cidr }] of Object.entries(zones)) if (liesIn(address, cidr)) return name as Place;
  return 'internet';
}
