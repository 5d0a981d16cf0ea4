// Who a process is beyond its number, so that a reused number is never mistaken for it.
import { readdirSync, readFileSync } from 'node:fs';

/** The start time in clock ticks since boot (proc(5), stat field 22); null when there is no such process or no /proc. */
export function processStartTime(pid: number): string | null {
  return statFields(pid)?.[19] ?? null;
}

/** The parent's number; null when there is no such process or no /proc. */
export function parentOf(pid: number): number | null {
  const parent = statFields(pid)?.[1];
  return parent === undefined ? null : Number(parent);
}

/** Alive, and started when it was said to have started; without /proc only alive. */
export function isSameProcess(pid: number, startTime: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const state = statFields(pid)?.[0];
  if (state === 'Z') return false;
  return startTime === null || processStartTime(pid) === startTime;
}

/** The living members of a process group, by number. */
export function groupMembers(group: number): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        const fields = statFields(pid);
        return fields?.[2] === String(group) && fields[0] !== 'Z';
      });
  } catch {
    return [];
  }
}

/** The fields after the command's name, which may itself hold spaces and brackets: state, ppid, pgrp, … */
function statFields(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
