// Memory filled up to a share of a budget, in a closed loop on what is really resident: that is the dose.
import { type ChildProcess, spawn } from 'node:child_process';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { addToCgroup, limitCgroup, type MemoryCgroup, residentIn } from './cgroup.ts';

export interface MemoryFault {
  child: ChildProcess;
  dose(): { share: number; residentBytes: number; budgetBytes: number; where: string };
  /** Whether the share was reached and held. */
  reached(): boolean;
  stop(): Promise<void>;
}

const leastStep = 1024 * 1024;
const mostAtOnce = 32 * 1024 * 1024;
/** Of the machine's free memory, never more than this share is taken. */
const mostOfFree = 0.8;
/** What counts as reached: the loop goes in steps. */
const tolerance = 0.02;

export interface MemoryOptions {
  budgetBytes: number;
  share: number;
  deadlineMs: number;
  /** The target's own; null: the ballast stands beside the target. */
  cgroup: MemoryCgroup | null;
}

/** Null when the machine has not enough free memory, or the target alone already holds more than the share. */
export function fillMemory({ budgetBytes, share, deadlineMs, cgroup }: MemoryOptions): MemoryFault | null {
  const goal = budgetBytes * share;
  const already = cgroup === null ? 0 : residentIn(cgroup);
  if (already > goal || goal - already > freemem() * mostOfFree) return null;
  if (cgroup !== null) limitCgroup(cgroup, budgetBytes);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'ballast.ts'), String(deadlineMs)], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: {},
  });
  if (cgroup !== null && child.pid !== undefined) addToCgroup(cgroup, child.pid);
  child.stdin.on('error', () => undefined);
  let rss = 0;
  let resident = 0;
  const reachedIn: boolean[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    rss = Number(line);
    resident = cgroup === null ? rss : residentIn(cgroup);
    const deficit = goal - resident;
    const full = deficit <= budgetBytes * tolerance;
    if (full || reachedIn.length > 0) reachedIn.push(full);
    // One step for each report: the next one shows what became of it.
    if (deficit > leastStep) child.stdin.write(`${Math.floor(Math.min(deficit, mostAtOnce))}\n`);
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    child,
    dose: () => ({
      share: Math.round((resident / budgetBytes) * 1000) / 1000,
      residentBytes: resident,
      budgetBytes,
      where: cgroup === null ? 'beside the target' : "in the target's cgroup",
    }),
    reached: () => reachedIn.length >= 5 && reachedIn.filter(Boolean).length >= 0.8 * reachedIn.length,
    stop: async () => {
      child.stdin.end();
      const late = setTimeout(() => child.kill('SIGKILL'), 1000);
      await exited;
      clearTimeout(late);
      if (cgroup !== null) limitCgroup(cgroup, null);
    },
  };
}
