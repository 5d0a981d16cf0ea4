// One proxy: a listener, its open connections, its toxics and its faults on model calls.
import { createServer, type Server, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { type Address, formatAddress, listenOn, resolveListen } from './address.ts';
import { type Connection, endGently, joinConnection } from './connection.ts';
import { dial } from './dial.ts';
import { createLease, type Lease } from './lease.ts';
import type { ModelCalls } from './model-calls.ts';
import { createToxics, type Direction, type Toxics } from './toxics.ts';

export type Protocol = 'tcp' | 'http';

export interface NamedProxy {
  readonly name: string;
  /** The actual address once it listened, else as it was given. */
  listen(): string;
  upstream(): string;
  enabled(): boolean;
  protocol(): Protocol;
  readonly toxics: Toxics;
  readonly calls: ModelCalls;
  /** Until when it stays disabled. */
  readonly downLease: Lease;
  /** When each toxic goes by itself. */
  readonly toxicLeases: Map<string, Lease>;
  /** Bytes read, by the direction in which they go. */
  readonly traffic: Record<Direction, { received: number; sent: number }>;
  connections(): number;
  /** Throws a Refusal when the address cannot be taken; the proxy is disabled then. */
  start(): Promise<void>;
  /** Closes the listener and ends every connection; waits for nobody. */
  stop(): void;
  /** New addresses; the proxy must be stopped. */
  move(to: { listen: string; upstream: string }): void;
  /** Connections of the other protocol end. */
  speak(protocol: Protocol): void;
  close(): Promise<void>;
}

export interface ProxyParts {
  name: string;
  listen: string;
  upstream: string;
  seed: () => number;
  now: () => number;
  /** Faults on calls, for proxies that read HTTP. */
  createCalls: (proxy: { name: string; upstream: () => string }) => ModelCalls;
  downExpired: () => void;
}

export function createProxy(parts: ProxyParts): NamedProxy {
  let { listen, upstream } = parts;
  let server: Server | null = null;
  let protocol: Protocol = 'tcp';
  let accepted = 0;
  const open = new Set<Connection>();
  const dialling = new Map<Socket, AbortController>();
  const traffic = { upstream: { received: 0, sent: 0 }, downstream: { received: 0, sent: 0 } };
  const toxics = createToxics({ proxy: parts.name, seed: parts.seed, now: parts.now, open: () => open });
  const calls = parts.createCalls({ name: parts.name, upstream: () => upstream });

  function join(client: Socket, behind: Duplex, ordinal: number): Connection {
    const connection: Connection = joinConnection({
      ordinal,
      client,
      upstream: behind,
      count: (direction, bytes) => {
        traffic[direction].received += bytes;
        traffic[direction].sent += bytes;
      },
      closed: () => open.delete(connection),
    });
    open.add(connection);
    toxics.attach(connection);
    return connection;
  }

  function accept(client: Socket): void {
    const ordinal = ++accepted;
    if (protocol === 'http') {
      const [near, far] = duplexPair();
      const connection = join(client, near, ordinal);
      calls.serve(far, connection.close);
      return;
    }
    const given = new AbortController();
    const gone = () => given.abort();
    dialling.set(client, given);
    client.on('error', gone).on('close', gone);
    dial(upstream, given.signal).then(
      (behind) => {
        dialling.delete(client);
        client.off('error', gone).off('close', gone);
        join(client, behind, ordinal);
      },
      () => {
        dialling.delete(client);
        endGently(client);
      },
    );
  }

  function endConnections(): void {
    for (const connection of [...open]) connection.close('close');
    for (const [client, given] of dialling) {
      given.abort();
      endGently(client);
    }
  }

  const proxy: NamedProxy = {
    name: parts.name,
    listen: () => listen,
    upstream: () => upstream,
    enabled: () => server !== null,
    protocol: () => protocol,
    toxics,
    calls,
    downLease: createLease(parts.downExpired),
    toxicLeases: new Map(),
    traffic,
    connections: () => open.size + dialling.size,
    async start() {
      if (server !== null) return;
      const address: Address = await resolveListen(listen);
      const made = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false }, accept);
      listen = formatAddress(await listenOn(made, address));
      made.on('error', () => {});
      server = made;
      proxy.downLease.end();
    },
    stop() {
      server?.close();
      server = null;
      endConnections();
    },
    move(to) {
      ({ listen, upstream } = to);
      calls.moved();
    },
    speak(wanted) {
      if (wanted === protocol) return;
      protocol = wanted;
      endConnections();
    },
    async close() {
      proxy.stop();
      proxy.downLease.end();
      for (const lease of proxy.toxicLeases.values()) lease.end();
      await calls.close();
    },
  };
  return proxy;
}
