// The host's CPU saturated by a burner process; the load really reached is measured and is the dose.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { join } from 'node:path';

export interface CpuFault {
  child: ChildProcess;
  /** Share of samples in which the host was at least 90 % busy, and the mean load. */
  dose(): { busyShare: number; meanLoad: number; samples: number };
  stop(): Promise<void>;
}

const sampleMs = 250;

export function burnCpu(threads: number, deadlineMs: number): CpuFault {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'burner.ts'), String(threads), String(deadlineMs)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: {},
  });
  const loads: number[] = [];
  let before = cpuTimes();
  const timer = setInterval(() => {
    const now = cpuTimes();
    const total = now.total - before.total;
    if (total > 0) loads.push(1 - (now.idle - before.idle) / total);
    before = now;
  }, sampleMs);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    child,
    dose: () => {
      const warm = loads.slice(2); // the burner's own start takes about half a second
      const busy = warm.filter((load) => load >= 0.9).length;
      return {
        busyShare: warm.length === 0 ? 0 : round(busy / warm.length),
        meanLoad: warm.length === 0 ? 0 : round(warm.reduce((a, b) => a + b, 0) / warm.length),
        samples: warm.length,
      };
    },
    stop: async () => {
      clearInterval(timer);
      child.stdin?.end();
      const late = setTimeout(() => child.kill('SIGKILL'), 1000);
      await exited;
      clearTimeout(late);
    },
  };
}

function cpuTimes(): { idle: number; total: number } {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.user + times.nice + times.sys + times.idle + times.irq;
  }
  return { idle, total };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
