// The data directory: made for its owner alone, and held by one process at a time.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, unlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createWhole } from './create-whole.ts';
import { RempartError } from './errors.ts';

export interface DataDirectory {
  dir: string;
  path(...parts: string[]): string;
  lock: { release(): void };
}

interface Holder {
  pid: number;
  /** When that process started, as the system tells it: a pid is used again, the pair is not. */
  started: string;
}

/** Makes the directory (0700) and takes its lock. Throws ERR_DATA_LOCKED with the pid of a living holder. */
export async function openDataDirectory(dir: string): Promise<DataDirectory> {
  const absolute = resolve(dir);
  mkdirSync(absolute, { recursive: true, mode: 0o700 });
  const file = join(absolute, 'lock');
  const me: Holder = { pid: process.pid, started: startOf(process.pid) ?? '' };
  // Twice: once the lock of a dead process is out of the way, it may be another starter that is faster.
  for (let attempt = 0; !take(file, me); attempt++) {
    const holder = readHolder(file);
    if (holder !== null && (isAlive(holder) || attempt > 0)) {
      throw new RempartError('ERR_DATA_LOCKED', { dir: absolute, pid: holder.pid });
    }
    removeStale(file, holder);
  }
  return {
    dir: absolute,
    path: (...parts) => join(absolute, ...parts),
    lock: {
      release() {
        if (sameHolder(readHolder(file), me)) unlinkSync(file);
      },
    },
  };
}

/** The process that holds a data directory now, or null. */
export function lockHolder(dir: string): number | null {
  const holder = readHolder(join(resolve(dir), 'lock'));
  return holder !== null && isAlive(holder) ? holder.pid : null;
}

function take(file: string, me: Holder): boolean {
  return createWhole(file, Buffer.from(JSON.stringify(me)));
}

/** Moved aside before it is looked at once more: if another starter was faster, it is theirs, and goes back. */
function removeStale(file: string, holder: Holder | null): void {
  const aside = `${file}.${process.pid}-stale`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (!sameHolder(readHolder(aside), holder)) createWhole(file, readFileSync(aside));
  unlinkSync(aside);
}

function sameHolder(a: Holder | null, b: Holder | null): boolean {
  return a?.pid === b?.pid && a?.started === b?.started;
}

function readHolder(file: string): Holder | null {
  try {
    const holder = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>;
    return typeof holder.pid === 'number' && typeof holder.started === 'string' ? (holder as Holder) : null;
  } catch {
    return null;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to someone else.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startOf(pid);
  return now === null || started === '' || now === started;
}

/** Start time of a process as an opaque text; null where the system does not tell. */
function startOf(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      // Field 22, counted after the name in parentheses, which may itself hold spaces and parentheses (proc(5)).
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
    }
    if (process.platform === 'darwin') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
    }
    return null;
  } catch {
    return null;
  }
}
