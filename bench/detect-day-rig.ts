// The detectors of an instance on a clock that runs as fast as it can, fed by hand; for the simulated day.
import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../src/platform/base/log.ts';
import type { ContainerEngine, EngineEvent, InspectedContainer } from '../src/platform/containers/container-engine.ts';
import { inspectedSchema } from '../src/platform/containers/engine-answers.ts';
import { createSignals } from '../src/platform/signals.ts';
import { auditdDetector } from '../src/respond/detectors/auditd.ts';
import { containerEventsDetector } from '../src/respond/detectors/container-events.ts';
import type { Detection, Detector } from '../src/respond/detectors/detector.ts';
import { watchDetectors } from '../src/respond/detectors/hub.ts';
import { createSigmaJudge } from '../src/respond/detectors/journal-patterns.ts';
import { loadShippedSigma } from '../src/respond/detectors/load-sigma.ts';
import { logFilesDetector } from '../src/respond/detectors/log-files.ts';
import type { LogFollower } from '../src/respond/detectors/log-follower.ts';
import { logInjectionDetector } from '../src/respond/detectors/log-injection.ts';
import { loadLogRules } from '../src/respond/detectors/log-rules.ts';
import { defaultMetricRules } from '../src/respond/detectors/metric-rules.ts';
import { metricsScrapeDetector } from '../src/respond/detectors/metrics-scrape.ts';
import { runtimeDetector } from '../src/respond/detectors/runtime.ts';
import { signalsDetector } from '../src/respond/detectors/signals.ts';
import { type SimulatedTimers, simulatedTimers } from '../src/respond/detectors/simulated-timers.ts';
import { stateFilesDetector } from '../src/respond/detectors/state-files.ts';
import { checkState } from '../src/respond/rollback/check-state.ts';
import type { NamedState } from '../src/respond/rollback/named-state.ts';

export interface DayRig {
  timers: SimulatedTimers;
  signals: ReturnType<typeof createSignals>;
  line(file: string, text: string): void;
  audit(text: string): void;
  record(event: Parameters<ReturnType<typeof createSigmaJudge>>[0]['event'], time: number): void;
  container(event: Pick<EngineEvent, 'action' | 'name'> & { attributes?: Record<string, string> }): void;
  containers: Record<string, InspectedContainer>;
  /** What the gateway and the services have counted; raised by whoever feeds. */
  counted: { requests: number; errors: number; refused: number; latencyMs: number; metricsAnswer: boolean };
  writeState(): void;
  damageState(): void;
  /** Files are read in real time: waits until they have been since the last time. */
  filesRead(): Promise<void>;
  taken: Detection[];
  detections(): Record<string, number>;
  close(): Promise<void>;
}

const ordinary = (name: string) =>
  inspectedSchema.parse({
    ...{ Id: name, Name: `/${name}`, HostConfig: {} },
    Config: { Image: name, Healthcheck: { Test: ['CMD-SHELL', 'check'] } },
  });

export function openDay(start: number): DayRig {
  const timers = simulatedTimers(start);
  const signals = createSignals();
  const folder = mkdtempSync(join(tmpdir(), 'rempart-day-'));
  const state: NamedState = { name: 'core', path: join(folder, 'core.toml'), format: 'toml', backups: folder };
  const logs = fedFollower(timers);
  const audits = fedFollower(timers);
  const containers: DayRig['containers'] = Object.fromEntries(
    ['gateway', 'core', 'model', 'web', 'db'].map((name) => [name, ordinary(name)]),
  );
  const engine = fedEngine(containers, timers);
  const counted = { requests: 0, errors: 0, refused: 0, latencyMs: 900, metricsAnswer: true };
  const journal = fedJournal();
  const detectors: Detector[] = [
    signalsDetector({ signals, timers }),
    logFilesDetector(logs.follower, loadLogRules()),
    logInjectionDetector(logs.follower),
    auditdDetector(audits.follower, timers),
    containerEventsDetector({
      engine: engine.client,
      executions: { find: async () => undefined },
      services: [],
      timers,
    }),
    metricsScrapeDetector({
      ...{ urls: ['http://core:9100/metrics'], rules: defaultMetricRules, timers, steady: timers.now },
      fetch: async () => {
        if (!counted.metricsAnswer) throw new Error('away');
        return new Response(
          `app_errors_total ${counted.errors}\napp_security_events_total ${Math.floor(counted.refused / 3)}\n`,
        );
      },
    }),
    stateFilesDetector({
      states: [state],
      check: (one) => checkState(one, { maxBytes: 1e6, maxFiles: 10 }),
      timers,
      everyMs: 5_000,
    }),
    runtimeDetector({
      ...{ timers, steady: timers.now, delayMs: () => 5 },
      memory: () => ({ heapUsed: 3e8 + (timers.now() % 60_000) * 1_000, heapLimit: 4e9, rss: 4e8 }),
      sample: () => {
        const { latencyMs, ...rest } = counted;
        const isAsked = rest.requests > sampled;
        sampled = rest.requests;
        return isAsked ? { ...rest, latencyMs } : rest;
      },
    }),
    journal.detector,
  ];
  let sampled = 0;
  const taken: Detection[] = [];
  const writeState = () => {
    writeFileSync(`${state.path}.new`, `[decision]\nlast = "normal"\nat = ${timers.now()}\n`);
    renameSync(`${state.path}.new`, state.path);
  };
  writeState();
  const hub = watchDetectors({
    ...{ detectors, detected: (detection) => taken.push(detection) },
    ...{ now: timers.now, steady: timers.now, timers, log: createLog('silent') },
  });
  return {
    ...{ timers, signals, containers, counted, taken, writeState },
    line: logs.add,
    audit: (text) => audits.add('audit.log', text),
    record: journal.add,
    container: engine.tell,
    damageState: () => truncateSync(state.path, 5),
    async filesRead() {
      const readAt = () => hub.states().find(({ name }) => name === 'state-files')?.aliveAt ?? 0;
      for (let tries = 0; readAt() < timers.now() - 5_000 && tries < 500; tries++) {
        await timers.pass(20);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
    detections: () => Object.fromEntries(hub.states().map(({ name, detections }) => [name, detections])),
    async close() {
      engine.end();
      await hub.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function fedFollower(timers: SimulatedTimers) {
  const takes = new Set<Parameters<LogFollower['follow']>[1]>();
  const follower: LogFollower = {
    follow(context, take) {
      takes.add(take);
      timers.every(1_000, context.alive);
      return { close: async () => void takes.delete(take) };
    },
    state: () => ({ files: 1, unreadable: 0, skippedBytes: 0 }),
  };
  const add = (file: string, text: string) => {
    for (const take of takes) take({ file, path: `/logs/${file}`, text, cutBytes: 0 });
  };
  return { follower, add };
}

function fedJournal() {
  let judge: ReturnType<typeof createSigmaJudge> = () => {};
  let seq = 0;
  const { rules, correlations } = loadShippedSigma();
  const detector: Detector = {
    name: 'journal-patterns',
    types: [...new Set([...rules, ...correlations].map(({ type }) => type))],
    start(context) {
      judge = createSigmaJudge(rules, correlations, context);
      return { close() {} };
    },
  };
  const add: DayRig['record'] = (event, time) =>
    judge({ event, time, seq: ++seq, stream: 'gateway', hash: '', prev: '' });
  return { detector, add };
}

function fedEngine(containers: DayRig['containers'], timers: SimulatedTimers) {
  const waiting: EngineEvent[] = [];
  let wake = () => {};
  let isOver = false;
  let cpuNs = 0;
  async function* events() {
    while (!isOver) {
      while (waiting.length > 0) yield waiting.shift()!;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  const client: Pick<ContainerEngine, 'within' | 'list' | 'inspect' | 'top' | 'stats' | 'events'> = {
    within: () => client as ContainerEngine,
    list: async () =>
      Object.keys(containers).map((name) => ({
        id: name,
        name,
        image: name,
        state: 'running',
        labels: {},
        networks: [],
      })),
    inspect: async (name) => containers[name]!,
    top: async () => [],
    stats: async () => {
      cpuNs += 5e8;
      const memoryBytes = 4e8 + (timers.now() % 900_000) * 200;
      return {
        readAt: timers.now(),
        cpuNs,
        systemCpuNs: 0,
        cpus: 4,
        memoryBytes,
        memoryLimitBytes: 1e9,
        processes: 20,
      };
    },
    events: async () => events(),
  };
  return {
    client,
    tell: ({ action, name, attributes = {} }: Parameters<DayRig['container']>[0]) => {
      waiting.push({ type: 'container', action, id: name, name, attributes, timeMs: timers.now() });
      wake();
    },
    end: () => {
      isOver = true;
      wake();
    },
  };
}
