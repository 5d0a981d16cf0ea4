// Whether this machine is overloaded: CPU and memory pressure and the event loop's delay, watched four times a second.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Signals } from '../platform/signals.ts';

export interface HostSample {
  /** Milliseconds on a clock that only goes forward. */
  at: number;
  /** Microseconds in which some task waited for a CPU, for memory: /proc/pressure's totals, or their likeness. */
  cpuStalledUs: number;
  memoryStalledUs: number;
  /** Share of the machine's memory that is still to be had, 0..1. */
  memoryAvailable: number;
  eventLoopDelayMs: number;
  rssBytes: number;
}

export interface HostHealth {
  state: 'ok' | 'overloaded';
  /** Share of the last two seconds in which some task waited for a CPU, 0..1. */
  cpuPressure: number;
  memoryPressure: number;
  eventLoopDelayMs: number;
}

export interface HostMonitor {
  health(): HostHealth;
  close(): void;
}

const sampleMs = 250;
/** Pressure must last this long to count, and its absence too: a start-up or a collection is no overload. */
const windowMs = 2_000;
const raiseAt = { cpu: 0.75, memory: 0.25, delayMs: 150, memoryAvailable: 0.06 };
/** Lower than what raises, so that the state does not flutter. */
const clearAt = { cpu: 0.55, memory: 0.1, delayMs: 75, memoryAvailable: 0.08 };

/** Judges samples one by one; apart from the clock and the machine, so that it can be tested with any. */
export function createHostJudge(signals: Signals, options: { now: () => number; maxRssBytes?: number }) {
  let samples: HostSample[] = [];
  let health: HostHealth = { state: 'ok', cpuPressure: 0, memoryPressure: 0, eventLoopDelayMs: 0 };

  function add(sample: HostSample): HostHealth {
    samples.push(sample);
    const begin = samples.findLastIndex(({ at }) => at <= sample.at - windowMs);
    if (begin < 0) return health; // not two seconds yet
    samples = samples.slice(begin);
    const first = samples[0] ?? sample;
    const elapsedUs = Math.max(1, (sample.at - first.at) * 1000);
    const seen = {
      cpuPressure: share(sample.cpuStalledUs - first.cpuStalledUs, elapsedUs),
      memoryPressure: share(sample.memoryStalledUs - first.memoryStalledUs, elapsedUs),
      eventLoopDelayMs: Math.round(samples.reduce((sum, { eventLoopDelayMs: ms }) => sum + ms, 0) / samples.length),
    };
    const marks = health.state === 'ok' ? raiseAt : clearAt;
    const scarce = samples.every(({ memoryAvailable }) => memoryAvailable < marks.memoryAvailable);
    const fat =
      options.maxRssBytes !== undefined && samples.every(({ rssBytes }) => rssBytes > (options.maxRssBytes ?? 0));
    const over =
      seen.cpuPressure >= marks.cpu ||
      seen.memoryPressure >= marks.memory ||
      seen.eventLoopDelayMs >= marks.delayMs ||
      scarce ||
      fat;
    const state = over ? 'overloaded' : 'ok';
    if (state !== health.state) announce(state, seen);
    health = { state, ...seen };
    return health;
  }

  function announce(state: HostHealth['state'], seen: Omit<HostHealth, 'state'>): void {
    signals.emit({
      kind: state === 'overloaded' ? 'host-overload' : 'host-recovered',
      time: options.now(),
      severity: state === 'overloaded' ? 'high' : 'info',
      facts: { ...seen },
    });
  }

  return { add, health: () => health };
}

/** Watches this machine until closed. */
export function startHostMonitor(signals: Signals, options: { now: () => number; maxRssBytes?: number }): HostMonitor {
  const judge = createHostJudge(signals, options);
  const loop = monitorEventLoopDelay({ resolution: 20 });
  loop.enable();
  const cpu = readCpu();
  const timer = setInterval(() => {
    const delayMs = Number.isNaN(loop.mean) ? 0 : Math.max(0, loop.mean / 1e6 - 20);
    loop.reset();
    judge.add({
      at: performance.now(),
      cpuStalledUs: cpu(),
      memoryStalledUs: stalledUs('/proc/pressure/memory') ?? 0,
      memoryAvailable: memoryAvailable(),
      eventLoopDelayMs: delayMs,
      rssBytes: process.memoryUsage.rss(),
    });
  }, sampleMs);
  timer.unref();
  return {
    health: judge.health,
    close() {
      clearInterval(timer);
      loop.disable();
    },
  };
}

function share(part: number, whole: number): number {
  return Math.round(Math.min(1, Math.max(0, part / whole)) * 100) / 100;
}

/** `some … total=` of a pressure file (Linux Documentation/accounting/psi.rst); undefined where there is none. */
function stalledUs(file: string): number | undefined {
  try {
    const found = /^some .*total=(\d+)/m.exec(readFileSync(file, 'utf8'));
    return found === null ? undefined : Number(found[1]);
  } catch {
    return undefined;
  }
}

/** Without pressure files: every CPU busy counts as someone waiting. */
function readCpu(): () => number {
  if (stalledUs('/proc/pressure/cpu') !== undefined) return () => stalledUs('/proc/pressure/cpu') ?? 0;
  let stalled = 0;
  let before = cpuTimes();
  let at = performance.now();
  return () => {
    const now = cpuTimes();
    const nowAt = performance.now();
    const total = now.busy + now.idle - before.busy - before.idle;
    if (total > 0 && (now.busy - before.busy) / total >= 0.97) stalled += (nowAt - at) * 1000;
    before = now;
    at = nowAt;
    return stalled;
  };
}

function cpuTimes(): { busy: number; idle: number } {
  const sums = { busy: 0, idle: 0 };
  for (const { times } of cpus()) {
    sums.busy += times.user + times.nice + times.sys + times.irq;
    sums.idle += times.idle;
  }
  return sums;
}

function memoryAvailable(): number {
  try {
    const text = readFileSync('/proc/meminfo', 'utf8');
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
    const part = kib('MemAvailable') / kib('MemTotal');
    return Number.isFinite(part) ? part : 1;
  } catch {
    return 1;
  }
}
