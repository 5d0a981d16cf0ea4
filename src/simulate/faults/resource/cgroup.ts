// A memory cgroup of our own (Linux, version 2 or 1), so that a budget binds the target and the ballast beside it and nobody else.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryCgroup {
  path: string;
  version: 1 | 2;
}

const files = {
  1: {
    limit: 'memory.limit_in_bytes',
    usage: 'memory.usage_in_bytes',
    none: '-1',
    inactive: /^total_inactive_file (\d+)/m,
  },
  2: { limit: 'memory.max', usage: 'memory.current', none: 'max', inactive: /^inactive_file (\d+)/m },
} as const;

/** The new group's directory is `name` under the first parent where this process may make one; null where there is none. */
export function createMemoryCgroup(name: string): MemoryCgroup | null {
  for (const { parent, version } of parents()) {
    const path = join(parent, name);
    try {
      mkdirSync(path);
    } catch {
      continue;
    }
    if (existsSync(join(path, files[version].limit))) return { path, version };
    removeCgroup(path);
  }
  return null;
}

function parents(): { parent: string; version: 1 | 2 }[] {
  const mine = readText('/proc/self/cgroup').split('\n');
  const v1 = mine
    .map((line) => /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/.exec(line)?.[1])
    .find((path) => path !== undefined);
  const v2 = mine.map((line) => /^0::(.*)$/.exec(line)?.[1]).find((path) => path !== undefined);
  const under = (root: string, path: string | undefined, version: 1 | 2) =>
    path === undefined ? [] : [...new Set([join(root, path), root])].map((parent) => ({ parent, version }));
  return [...under('/sys/fs/cgroup', v2, 2), ...under('/sys/fs/cgroup/memory', v1, 1)].filter(({ parent }) =>
    existsSync(parent),
  );
}

/** The command started inside the group: it joins before it becomes the target. */
export function inCgroup({ path }: MemoryCgroup, command: readonly string[]): string[] {
  return ['/bin/sh', '-c', 'echo $$ > "$0/cgroup.procs"; exec "$@"', path, ...command];
}

export function addToCgroup({ path }: MemoryCgroup, pid: number): void {
  writeFileSync(join(path, 'cgroup.procs'), String(pid));
}

/** Null takes the limit away. */
export function limitCgroup({ path, version }: MemoryCgroup, bytes: number | null): void {
  writeFileSync(join(path, files[version].limit), bytes === null ? files[version].none : String(bytes));
}

/** Bytes that are really held: the page cache that can be dropped at once does not count. */
export function residentIn({ path, version }: MemoryCgroup): number {
  const used = Number(readText(join(path, files[version].usage)));
  return Math.max(0, used - Number(files[version].inactive.exec(readText(join(path, 'memory.stat')))?.[1] ?? 0));
}

/** Killed processes leave it when the kernel gets to it, on a busy machine after seconds; whoever stayed is killed. True when it was there. */
export function removeCgroup(path: string): boolean {
  const bell = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; existsSync(path); tries++) {
    try {
      rmdirSync(path);
      return true;
    } catch (error) {
      if (tries >= 500) throw error;
      if (tries % 50 === 10) killMembers(path);
      Atomics.wait(bell, 0, 0, 20);
    }
  }
  return false;
}

/** A child that left the target's process group is in its memory group still. */
function killMembers(path: string): void {
  for (const pid of readText(join(path, 'cgroup.procs')).split('\n').filter(Boolean).map(Number)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended in the meantime
    }
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
