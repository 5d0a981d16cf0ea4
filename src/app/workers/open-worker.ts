// A worker's data plane: a gateway of its own at the address that all share, with what all threads count and know together.

import diagnostics from 'node:diagnostics_channel';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import type { Config } from '../../config.ts';
import { createLimitedServer } from '../../platform/base/limited-server.ts';
import { createLog, setLogLevel } from '../../platform/base/log.ts';
import { joinJournal } from '../../platform/journal/journals.ts';
import { openCounters } from '../../platform/shared/counters.ts';
import { drain } from '../../protect/data-plane.ts';
import { givenKeys } from '../../protect/gateway/access-config.ts';
import type { Gateway } from '../../protect/gateway/gateway.ts';
import { createGatewayMetrics } from '../../protect/gateway/metrics.ts';
import { createQuarantineState } from '../../protect/gateway/quarantine.ts';
import { receive } from '../../protect/gateway/receive.ts';
import { createSwappable } from '../../protect/gateway/swappable.ts';
import { createKeySets } from '../../protect/gateway/tokens/key-set.ts';
import { openModes } from '../../protect/modes.ts';
import { createKeptHealth } from '../../protect/resilience/kept-health.ts';
import { openHeldBack } from '../../protect/restraints.ts';
import { watchJournal } from '../../protect/watch-journal.ts';
import { registerBehaviour } from '../behaviour-metrics.ts';
import { openAnswerCache } from '../deferred.ts';
import { limitsOfThread } from '../limits.ts';
import { openFront } from '../open-front.ts';
import { type GatewayGround, openGateway } from '../open-gateway.ts';
import { type AtEnd, drainMs } from '../options.ts';
import { journalFor } from '../privacy.ts';
import { openTracing } from '../tracing.ts';
import { type Crew, joinCrew } from './crew.ts';
import { createForward } from './forward-request.ts';
import { createUnderWay, type UnderWay } from './last-words.ts';
import type { Link } from './link.ts';
import { openBorrowed } from './open-borrowed.ts';
import { commitTopic, type ForMain, forgetTopic, type Metrics, type Running, type WorkerStart } from './protocol.ts';
import { startReporting } from './reporting.ts';
import { shareHealth } from './shared-health.ts';
import type { TunnelEnds } from './tunnel.ts';
import { signalsTo, stateOf } from './worker-state.ts';

export interface OpenWorker {
  served: ForMain;
  crew: Crew;
  underWay: UnderWay;
  /** Takes nobody in any more. */
  stopListening(): void;
}

/** Throws what keeps it from serving. */
export async function openWorker(start: WorkerStart, main: Link): Promise<OpenWorker> {
  const { memory, data, lang, started, slot, row } = start;
  const ends: (() => Promise<void>)[] = [];
  const atEnd: AtEnd = (end) => void ends.push(end);
  const crew = joinCrew(start.crew, row);
  // On the bus first, then told how things stand: nothing of what changes in between is missed.
  const state = await stateOf(main, crew);
  const { config, providers } = state;
  const log = createLog(config.log, start.logTo, { worker: slot });
  const onError = (err: unknown) => log.error({ err }, 'the journal cannot be written');
  const watch = watchJournal(journalFor(started, data, await joinJournal(start.door, 'gateway', { onError })));
  const registry = new Registry();
  const signals = signalsTo(main);
  const reporting = startReporting(
    (report) => main.tell('main', 'report', report),
    watch,
    () => limits.places.state().waiting,
  );
  atEnd(async () => reporting.close());
  const metrics = reporting.counting(createGatewayMetrics(registry));
  const ground = { log, journal: watch.journal, signals, memory, metrics };
  const limits = limitsOfThread(
    { ...ground, touched: reporting.touched, crew },
    config.limits.concurrency,
    atEnd,
    state.share,
  );
  const borrowed = openBorrowed(start, state, crew, main);
  const modes = openModes(join(data, 'modes.json'), { now: Date.now, bus: crew.bus });
  const cache = openAnswerCache(shareOfCache(started, start.workers), registry);
  registerBehaviour(registry, borrowed.behaviour);
  const gatewayGround: GatewayGround = {
    ...ground,
    ...borrowed,
    keySets: createKeySets({ now: Date.now, fetch, log }),
    limits,
    cache,
    tracing: await openTracing({ log, registry }, started, atEnd),
    promptKey: start.promptKey,
    modes,
    restraints: openHeldBack({ now: Date.now, memory }),
    keptHealth: shareHealth(createKeptHealth(), {
      bus: crew.bus,
      past: crew.past.health,
      counters: openCounters(memory),
      now: Date.now,
      probes: false,
    }),
    shutOut: createQuarantineState(memory),
  };
  crew.bus.subscribe(forgetTopic, (subject) => {
    borrowed.behaviour.forget(subject as string);
    cache?.forget(subject as string);
  });
  const gateway = createSwappable(openGateway(gatewayGround, config, lang, providers));
  const front = openFront(gatewayGround, started, lang);
  if (state.generation > 0) front.replace(config);
  const underWay = createUnderWay(lang);
  const server = await listenHere(serverOf({ start, crew, main, front, underWay, gateway: gateway.handle }), start);
  let prepared: { next: Running; gateway: Gateway } | undefined;
  const apply = (next: Running, successor: Gateway) => {
    borrowed.keys.give(givenKeys(next.config.access));
    gateway.swap(successor);
    front.replace(next.config);
    limits.places.replace(next.config.limits.concurrency);
    setLogLevel(log, next.config.log);
  };
  const ready = (next: Running) => openGateway(gatewayGround, next.config, lang, next.providers);
  let { generation } = state;
  crew.bus.subscribe(commitTopic, (data) => {
    if ((data as number) <= generation) return;
    generation = data as number;
    const given = prepared;
    prepared = undefined;
    if (given !== undefined) apply(given.next, given.gateway);
    // It began while the others were made ready. Should it fail here, another one is started.
    else void stateOf(main, crew).then((next) => apply(next, ready(next)));
  });
  return {
    crew,
    underWay,
    stopListening() {
      server.close();
      server.closeIdleConnections();
    },
    served: {
      async metrics() {
        // What the main thread counts for all is to be there when it is asked for.
        reporting.flush();
        return (await registry.getMetricsAsJSON()) as Metrics;
      },
      prepare(next) {
        prepared = { next, gateway: ready(next) };
      },
      async abandon() {
        const unwanted = prepared?.gateway;
        prepared = undefined;
        await unwanted?.close();
      },
      learned: () => ({ learned: borrowed.behaviour.state().learned, saved: borrowed.behaviour.save() }),
      async leave() {
        await drain(server, drainMs);
        await front.close();
        await gateway.close();
        modes.close();
        for (const end of ends.reverse()) await end();
        await watch.journal.checkpoint().catch(() => undefined);
      },
    },
  };
}

/** Each thread keeps what it answered itself: together not more than one would. */
function shareOfCache({ localAnswers }: Config, workers: number): Config['localAnswers'] {
  return { ...localAnswers, cacheMegabytes: localAnswers.cacheMegabytes / workers };
}

interface ServerParts {
  start: WorkerStart;
  crew: Crew;
  main: Link;
  front: ReturnType<typeof openFront>;
  underWay: UnderWay;
  gateway(req: IncomingMessage, res: ServerResponse): void;
}

/** Calls to models are answered here; everything else is the main thread's, which has the chatbot, the lists and the store. */
function serverOf({ start, crew, main, front, underWay, gateway }: ServerParts): Server {
  const forward = createForward((port, ends) => main.hand(port, 'main', 'tunnel', ends));
  const listener: RequestListener = (req, res) => {
    crew.bus.catchUp();
    underWay.add(res);
    if (receive(req).endpoint.kind !== 'call') forward(req, res);
    else if (front.front.admit(req, res)) gateway(req, res);
  };
  const manners = { ...front.front.manners, seats: crew.connections };
  const server = createLimitedServer(listener, front.limits, manners);
  server.maxHeadersCount = front.maxHeaders + 1;
  if (start.watchesPeers) tellPeers(server, (ends) => main.tell('main', 'peer', ends));
  return server;
}

/** Who comes here, and whom this thread calls, in the words of who is called. */
function tellPeers(server: Server, tell: (ends: TunnelEnds) => void): void {
  server.on('connection', ({ localAddress, localPort, remoteAddress }) =>
    tell({ localAddress, localPort, remoteAddress }),
  );
  diagnostics.subscribe('undici:client:connected', (message) => {
    const { localAddress, remoteAddress, remotePort } = (message as { socket: Socket }).socket;
    tell({ remoteAddress: localAddress, localAddress: remoteAddress, localPort: remotePort });
  });
}

function listenHere(server: Server, { started, port }: WorkerStart): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: started.gateway.host, port, reusePort: true }, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}
