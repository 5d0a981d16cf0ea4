// How busy the machine is by itself: what a load fault is compared with must have been measured on a calm one.
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Other work passes: waits for it, fifteen seconds at most. False when the machine stayed busy. */
export async function waitForCalm(
  { calmBelow, signal }: { calmBelow: number; signal: AbortSignal },
  onMeasured: (busy: number, calm: boolean) => void,
): Promise<boolean> {
  for (let tries = 0; tries < 10 && !signal.aborted; tries++) {
    const busy = await busyShare(1500);
    onMeasured(busy, busy < calmBelow);
    if (busy < calmBelow) return true;
  }
  return false;
}

/** The share of the processors' time that was used over `ms`, 0 to 1. */
async function busyShare(ms: number): Promise<number> {
  const before = cpuTimes();
  await sleep(ms);
  const after = cpuTimes();
  const total = after.total - before.total;
  return total <= 0 ? 0 : Math.round(1000 * (1 - (after.idle - before.idle) / total)) / 1000;
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
