// The network monitor of a running instance: connection tables, the gateway's peers and the engine's networks become counts and signals.
import diagnostics from 'node:diagnostics_channel';
import type { EventEmitter } from 'node:events';
import type { Registry } from 'prom-client';
import type { Log } from '../../../platform/base/log.ts';
import type { Deployment } from '../../../platform/documents/deployment.ts';
import type { Signals } from '../../../platform/signals.ts';
import { openCrossingLog } from './crossing-log.ts';
import { type Connection, type Crossing, plain } from './crossings.ts';
import { judgeAttachments, watchEngineNetworks } from './engine-networks.ts';
import { hostAddresses } from './host-addresses.ts';
import { connectionsHere, createNetworkMonitor, crossingCounters } from './watch-network.ts';

export interface NetworkServiceParts {
  data: string;
  signals: Signals;
  log: Log;
  registry: Registry;
  now: () => number;
  read?: () => readonly Connection[];
  hostAddresses?: () => readonly string[];
}

export interface NetworkServiceSettings {
  deployment: Deployment;
  everyMs: number;
  /** The container engine's socket; without one its events are not watched. */
  engine?: string | undefined;
}

export interface NetworkService {
  /** Every connection that this server takes is held against the matrix. */
  watchPeers(server: Pick<EventEmitter, 'on'>): void;
  close(): Promise<void>;
}

interface Ends {
  localAddress?: string | undefined;
  localPort?: number | undefined;
  remoteAddress?: string | undefined;
  remotePort?: number | undefined;
}

/** Looks at once, then every `everyMs`. */
export function startNetworkService(parts: NetworkServiceParts, settings: NetworkServiceSettings): NetworkService {
  const { data, signals, log, now } = parts;
  const { deployment, everyMs } = settings;
  const counters = crossingCounters(parts.registry);
  const file = openCrossingLog(data);
  const stop = new AbortController();
  let own = (parts.hostAddresses ?? hostAddresses)();

  function onCrossing(crossing: Crossing, time: number): void {
    counters.count(crossing);
    const { kind, fromZone, toZone, port } = crossing;
    const severity = kind === 'host-access' ? 'high' : 'medium';
    signals.emit({ kind: 'network-crossing', severity, time, facts: { kind, from: fromZone, to: toZone, port } });
    file.add(crossing, time);
  }

  const monitor = createNetworkMonitor({
    deployment,
    read: parts.read ?? connectionsHere,
    hostAddresses: () => own,
    now,
    onCrossing,
  });
  const attached = createAttachmentWatch(deployment, (crossing) => onCrossing(crossing, now()));

  function look(): void {
    try {
      own = (parts.hostAddresses ?? hostAddresses)();
      monitor.look();
      file.watched(now());
    } catch (err) {
      log.error({ err }, 'the connections could not be looked at');
    }
  }
  look();
  const timer = setInterval(look, everyMs).unref();
  const onCall = (message: unknown) => {
    const { socket } = message as { socket: Ends };
    note(socket.localAddress, socket.remoteAddress, socket.remotePort);
  };
  diagnostics.subscribe(called, onCall);
  const engine = watchEngine(settings.engine, attached, log, stop.signal);

  function note(from: string | undefined, to: string | undefined, port: number | undefined): void {
    if (from === undefined || to === undefined || port === undefined) return;
    try {
      monitor.note({ from: plain(from), to: plain(to), port });
    } catch (err) {
      log.error({ err }, 'a crossing could not be written down');
    }
  }

  return {
    watchPeers(server) {
      server.on('connection', ({ localAddress, localPort, remoteAddress }: Ends) =>
        note(remoteAddress, localAddress, localPort),
      );
    },
    async close() {
      clearInterval(timer);
      diagnostics.unsubscribe(called, onCall);
      stop.abort();
      await engine;
    },
  };
}

/** undici tells each connection that it opened here, to providers and webhooks alike. */
const called = 'undici:client:connected';
const engineRetryMs = 30_000;

async function watchEngine(
  socket: string | undefined,
  onChange: Parameters<typeof watchEngineNetworks>[1]['onChange'],
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  if (socket === undefined) return log.info('no container engine here: connections alone are watched');
  const onError = (err: unknown) => log.warn({ err }, 'the container engine does not tell its networks');
  await watchEngineNetworks(socket, { onChange, onError, signal, retryMs: engineRetryMs });
}

/** What stays attached is told once. */
function createAttachmentWatch(deployment: Deployment, tell: (crossing: Crossing) => void) {
  let before = new Set<string>();
  return (all: Parameters<typeof judgeAttachments>[0]) => {
    const found = new Map(judgeAttachments(all, deployment).map((one) => [`${one.from} ${one.to}`, one]));
    for (const [key, crossing] of found) if (!before.has(key)) tell(crossing);
    before = new Set(found.keys());
  };
}
