// Memory, processors and processes of a container over time: what nears its limit and was not there before.
import type { ContainerStats } from '../../platform/containers/container-engine.ts';

export interface LoadFinding {
  type: 'memory-exhaustion' | 'denial-of-service' | 'performance-anomaly';
  severity: 'medium' | 'high';
  facts: Readonly<Record<string, number>>;
}

export interface ContainerLoad {
  /** At a limit, and not told of yet: looked at again soon. */
  isNear(): boolean;
  /** `busyIsUsual`: what computes all day, as a model does, is not told of for it. */
  add(stats: ContainerStats, limits: { processes: number; cpus: number; busyIsUsual: boolean }): LoadFinding[];
}

const full = 0.95;
const calm = 0.9;
/** Looks in a row at a limit. */
const looks = 3;
/** Time at all of its processors before that is an anomaly. */
const busyMs = 300_000;

export function createContainerLoad(tightness: () => number): ContainerLoad {
  let before: ContainerStats | undefined;
  let memoryFull = 0;
  let wasCalm = false;
  let manyProcesses = 0;
  let busySince: number | undefined;

  function memory({ memoryBytes, memoryLimitBytes }: ContainerStats): LoadFinding[] {
    if (memoryLimitBytes <= 0) return [];
    const share = memoryBytes / memoryLimitBytes;
    if (share < calm) wasCalm = true;
    memoryFull = share >= full * Math.min(1, tightness() + 0.4) ? memoryFull + 1 : 0;
    // One that is always nearly full was made so.
    if (memoryFull !== looks || !wasCalm) return [];
    wasCalm = false;
    return [
      {
        type: 'memory-exhaustion',
        severity: 'high',
        facts: { memoryPercent: percent(share), memoryBytes, memoryLimitBytes },
      },
    ];
  }

  function processes(running: number, limit: number): LoadFinding[] {
    manyProcesses = limit > 0 && running >= limit * full ? manyProcesses + 1 : 0;
    if (manyProcesses !== looks) return [];
    return [{ type: 'denial-of-service', severity: 'high', facts: { processes: running, processLimit: limit } }];
  }

  function processors(stats: ContainerStats, allowed: number): LoadFinding[] {
    const elapsed = before === undefined ? 0 : stats.readAt - before.readAt;
    if (before === undefined || elapsed <= 0) return [];
    const used = (stats.cpuNs - before.cpuNs) / 1e6 / elapsed;
    const most = allowed > 0 ? allowed : stats.cpus;
    if (most <= 0 || used < most * full) {
      busySince = undefined;
      return [];
    }
    busySince ??= before.readAt;
    if (stats.readAt - busySince < busyMs * tightness()) return [];
    busySince = Number.POSITIVE_INFINITY;
    return [
      { type: 'performance-anomaly', severity: 'medium', facts: { cpuPercent: percent(used / most), cpus: most } },
    ];
  }

  return {
    isNear: () => (wasCalm && memoryFull > 0 && memoryFull < looks) || (manyProcesses > 0 && manyProcesses < looks),
    add(stats, limits) {
      const found = [
        ...memory(stats),
        ...processes(stats.processes, limits.processes),
        ...(limits.busyIsUsual ? [] : processors(stats, limits.cpus)),
      ];
      before = stats;
      return found;
    },
  };
}

function percent(share: number): number {
  return Math.round(share * 100);
}
