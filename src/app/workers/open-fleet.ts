// The workers of an instance as its other parts see them: one data plane, one configuration, one page of metrics.

import { type EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Config } from '../../config.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import { threadUrl } from '../../platform/base/thread.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import type { Journals } from '../../platform/journal/journals.ts';
import { applicationLifecycle } from '../../platform/journal/ocsf.ts';
import type { Signals } from '../../platform/signals.ts';
import { listen } from '../../protect/data-plane.ts';
import type { Deferral } from '../../protect/deferred/deferral.ts';
import type { Keys } from '../../protect/gateway/keys.ts';
import type { GatewayMetrics } from '../../protect/gateway/metrics.ts';
import type { Revocations } from '../../protect/gateway/tokens/revocations.ts';
import type { ModelGuard } from '../../protect/gateway/verified-models.ts';
import type { PredictionWatch } from '../../protect/prediction/watch-prediction.ts';
import { storedKeys } from '../../protect/share-access.ts';
import type { OpenLimits } from '../limits.ts';
import { type AtEnd, drainMs } from '../options.ts';
import { beatsOf, bury, type Crew, type CrewMemory } from './crew.ts';
import { createFleet, type Fleet, type Loss, type LossCause, loopFrom, type Member } from './fleet.ts';
import { remote } from './link.ts';
import {
  commitTopic,
  type ForMain,
  type ForWorkers,
  type Running,
  type WorkerReport,
  type WorkerStart,
} from './protocol.ts';
import { createSummedMetrics } from './summed-metrics.ts';
import { openTunnel } from './tunnel.ts';

export interface FleetGround {
  workers: number;
  config: Config;
  data: string;
  lang: Lang;
  logTo: number;
  crew: Crew;
  crewMemory: CrewMemory;
  memory: SharedArrayBuffer;
  log: Log;
  signals: Signals;
  journals: Pick<Journals, 'door'>;
  journal: Pick<Journal, 'append'>;
  keys: Pick<Keys, 'list'>;
  revocations: Pick<Revocations, 'list'>;
  limits: OpenLimits;
  metrics: GatewayMetrics;
  /** With it, what the threads' providers do is learned from. */
  prediction?: Pick<PredictionWatch, 'attempted' | 'answered'> | undefined;
  registry: Registry;
  promptKey: Uint8Array;
  deferral: Deferral | undefined;
  /** With the names of the providers that it concerns. */
  models: { guard: Pick<ModelGuard, 'admit'>; providers: readonly string[] } | undefined;
  /** Told of each connection, where connections are watched over. */
  peers: EventEmitter | undefined;
  running: () => Running;
}

export interface InstanceFleet {
  /** All serve at this address; `dataPlane` answers what they hand on. Rejects with what keeps one from serving. Returns the origin. */
  serve(dataPlane: Server, address: Parameters<typeof listen>[1], atEnd: AtEnd): Promise<string>;
  /**
   * Makes a configuration ready on each. When one cannot, none has it, `successor` is closed and the reason is thrown.
   * Returns what puts it in force on all at once.
   */
  prepare(next: Running, successor: { close(): Promise<void> }): Promise<() => void>;
  metrics(): Promise<string>;
  state: Fleet['state'];
  journalWritable(): boolean;
  outcomes(): { success: number; failure: number };
  /** What the one that learned most of behaviour has learned. */
  learned(): Promise<{ learned: number; saved: string } | undefined>;
}

/** One that hangs holds up neither the metrics nor the end. */
const answerMs = 2_000;
const prepareMs = 20_000;
/** What a worker counted is known here this often, should it die. */
const noteEveryMs = 2_000;

export function openFleet(ground: FleetGround): InstanceFleet {
  const { workers, crew, crewMemory, limits, metrics, log, signals, running } = ground;
  const reports = new Map<object, Pick<WorkerReport, 'journalWritable'>>();
  const outcomes = { success: 0, failure: 0 };
  const summed = createSummedMetrics(ground.registry);
  let generation = 0;
  let dataPlane: Server | undefined;
  let port = 0;
  let best: { learned: number; saved: string } | undefined;

  const of = ({ link }: Member) => remote<ForMain>(link, 'worker', methods);

  function served(member: Member): ForWorkers {
    return {
      state: () => ({
        ...running(),
        generation,
        keys: storedKeys(ground.keys.list()),
        revocations: ground.revocations.list(),
        share: limits.share(),
        past: crew.past,
      }),
      signal: (signal) => signals.emit(signal),
      report(report) {
        reports.set(member, report);
        outcomes.success += report.outcomes.success;
        outcomes.failure += report.outcomes.failure;
        for (const touched of report.touched) limits.touched(...touched);
        for (const [name, first, second, count] of report.counted)
          for (let nth = 0; nth < count; nth++)
            if (name === 'failedAuth') metrics.failedAuth(first);
            else if (name === 'suspicious') metrics.suspicious(first, second);
            // Counted by the thread itself already: here they are only learned from.
            else if (name === 'attempt') ground.prediction?.attempted(first, second);
            else ground.prediction?.answered(first, Math.exp(Number(second) / 10) * 1_000);
      },
      tunnel: (end, ends) => void dataPlane?.emit('connection', openTunnel(end, ends)),
      peer: (ends) => void ground.peers?.emit('connection', ends),
    };
  }

  const fleet = createFleet({
    workers,
    now: Date.now,
    startThread: (place) => startThread(ground, place, port),
    served: (member) => ({ main: served(member), deferral: ground.deferral ?? {}, models: ground.models?.guard ?? {} }),
    beats: (row) => beatsOf(crewMemory, row),
    bury: (row) => bury(crewMemory, row),
    onLoss: (loss) => tellLoss(ground, loss),
    onServing: ({ slot }) => log.info({ worker: slot }, 'a worker serves'),
    onGone(member) {
      reports.delete(member);
      summed.keep(member);
    },
  });

  async function noteAll(): Promise<void> {
    await Promise.all(
      fleet.serving().map(async (member) => {
        const told = await within(of(member).metrics(), answerMs);
        if (told !== undefined && member.state !== 'gone') summed.note(member, told);
      }),
    );
  }

  async function learned() {
    for (const member of fleet.serving()) {
      const told = await within(of(member).learned(), answerMs);
      if (told !== undefined && told.learned >= (best?.learned ?? 0)) best = told;
    }
    return best;
  }

  let timer: NodeJS.Timeout | undefined;
  registerWorkers(ground.registry, fleet);
  return {
    async serve(server, address, atEnd) {
      dataPlane = server;
      const url = await freeAddress(address);
      port = Number(new URL(url).port || 80);
      atEnd(async () => {
        clearInterval(timer);
        await learned();
        await fleet.close((member) => within(of(member).leave(), drainMs + answerMs));
      });
      await fleet.start();
      timer = setInterval(() => void noteAll(), noteEveryMs).unref();
      return url;
    },
    async prepare(next, successor) {
      const asked = fleet.serving();
      const ends = await Promise.allSettled(asked.map((member) => inTime(of(member).prepare(next), prepareMs)));
      const failed = ends.find((end, at) => end.status === 'rejected' && asked[at]?.state === 'serving');
      if (failed?.status === 'rejected') {
        await Promise.allSettled([...asked.map((member) => of(member).abandon()), successor.close()]);
        throw failed.reason;
      }
      return () => {
        generation++;
        crew.bus.publish(commitTopic, generation);
      };
    },
    async metrics() {
      await noteAll();
      return summed.text();
    },
    state: fleet.state,
    journalWritable: () => [...reports.values()].every(({ journalWritable }) => journalWritable),
    outcomes: () => ({ ...outcomes }),
    learned,
  };
}

/** Nobody listens there: where several may share an address, another instance could take part in it unnoticed. */
async function freeAddress(address: Parameters<typeof listen>[1]): Promise<string> {
  const server = createServer();
  const url = await listen(server, address);
  server.close();
  await once(server, 'close');
  return url;
}

const methods = ['metrics', 'prepare', 'abandon', 'learned', 'leave'] as const;

function startThread(ground: FleetGround, { slot, row }: { slot: number; row: number }, port: number): Worker {
  const { workers, config, crewMemory, memory, data, lang, logTo, promptKey, models, peers, deferral } = ground;
  const door = ground.journals.door();
  const workerData: WorkerStart = {
    slot,
    row,
    workers,
    crew: crewMemory,
    memory,
    data,
    lang,
    started: config,
    port,
    promptKey,
    logTo,
    door,
    watchesPeers: peers !== undefined,
    defers: deferral !== undefined,
    ...(models === undefined ? {} : { watched: models.providers }),
  };
  const heapMegabytes = getHeapStatistics().heap_size_limit / 1_048_576;
  return new Worker(threadUrl('worker-thread', import.meta.url), {
    name: `gateway-${slot}`,
    workerData,
    transferList: [door],
    // Together they need no more than the process would alone, and one that leaks ends before the process does.
    resourceLimits: { maxOldGenerationSizeMb: Math.max(leastHeapMegabytes, Math.floor(heapMegabytes / workers)) },
  });
}

const leastHeapMegabytes = 256;

function tellLoss({ log, signals, journal, registry }: FleetGround, loss: Loss): void {
  const { slot, cause, times, code, serving } = loss;
  const time = Date.now();
  lossesOf(registry).inc({ cause });
  log.error(
    { worker: slot, cause, code, times, waitMs: loss.waitMs, serving },
    'a worker was lost, another one follows',
  );
  const severity = times >= loopFrom ? 'high' : 'medium';
  const facts = { worker: slot, cause, times, serving, ...(code === undefined ? {} : { code }) };
  signals.emit({ kind: 'worker-lost', time, severity, facts });
  journal
    .append(
      applicationLifecycle({
        activity: 'stop',
        app: 'worker',
        time,
        severity,
        status: 'failure',
        unmapped: { phase: 'worker', ...facts },
      }),
    )
    .catch((err: unknown) => log.error({ err }, 'the loss of a worker could not be journalled'));
}

const lossName = 'rempart_gateway_workers_lost_total';

function lossesOf(registry: Registry): Counter<'cause'> {
  return registry.getSingleMetric(lossName) as Counter<'cause'>;
}

function registerWorkers(registry: Registry, fleet: Fleet): void {
  const registers = [registry];
  new Gauge({
    name: 'rempart_gateway_workers',
    help: 'Threads that serve the gateway now, and how many there should be',
    labelNames: ['state'],
    registers,
    collect() {
      const { serving, of } = fleet.state();
      this.set({ state: 'serving' }, serving);
      this.set({ state: 'wanted' }, of);
    },
  });
  const losses = new Counter({
    name: lossName,
    help: 'Threads of the gateway that died and were replaced, by what ended them',
    labelNames: ['cause'],
    registers,
  });
  for (const cause of ['exception', 'exit', 'memory', 'stuck', 'start'] satisfies LossCause[]) losses.inc({ cause }, 0);
}

/** Undefined when it does not come in time, or not at all. */
async function within<T>(answer: Promise<T>, ms: number): Promise<T | undefined> {
  return Promise.race([answer.catch(() => undefined), pause(ms, undefined, { ref: false })]);
}

async function inTime<T>(answer: Promise<T>, ms: number): Promise<T> {
  const late = Symbol('late');
  const end = await Promise.race([answer, pause(ms, late, { ref: false })]);
  if (end === late) throw new RempartError('ERR_INTERNAL');
  return end as T;
}
