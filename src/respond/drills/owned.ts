// What a sandbox has started and made, written down before it is used, so that anybody can clear it away after a kill -9.
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { groupMembers, isSameProcess, processStartTime } from '../../platform/base/process-identity.ts';
import { processesNaming } from './find-process.ts';

export type Owned =
  | { kind: 'process'; pid: number; started: string | null }
  /** A store of Podman's own: what leads its command line there. */
  | { kind: 'podman'; flags: string[]; network: string; store: string };

const listName = 'owned.jsonl';
const holderName = 'holder.json';
export const sandboxPrefix = 'rempart-drill-';

/** A directory for drills that says whose it is. */
export function makeSandboxRoot(dir: string): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, holderName), JSON.stringify({ pid: process.pid, started: processStartTime(process.pid) }), {
    mode: 0o600,
  });
  return dir;
}

export function own(dir: string, thing: Owned): void {
  appendFileSync(join(dir, listName), `${JSON.stringify(thing)}\n`, { mode: 0o600 });
}

export function ownProcess(dir: string, pid: number): void {
  own(dir, { kind: 'process', pid, started: processStartTime(pid) });
}

/** Ends all that was started from there and below, and removes it. Resolves to the processes that were still there. */
export function clearSandbox(dir: string): { killed: number[] } {
  const things = listsBelow(dir).flatMap(read);
  const killed: number[] = [];
  for (const thing of things.toReversed()) {
    if (thing.kind === 'podman') clearPodman(thing);
    else killed.push(...end(thing));
  }
  // A container's files may be mounted or held for a moment longer.
  rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  return { killed };
}

/** Clears what drills left behind whose process is gone. Resolves to the directories. */
export function sweepSandboxes(folder: string = tmpdir()): string[] {
  const left = readdirSync(folder).filter((name) => name.startsWith(sandboxPrefix));
  return left.flatMap((name) => {
    const dir = join(folder, name);
    const holder = readHolder(dir);
    if (holder === null || isSameProcess(holder.pid, holder.started)) return [];
    clearSandbox(dir);
    return [dir];
  });
}

function readHolder(dir: string): { pid: number; started: string | null } | null {
  try {
    return JSON.parse(readFileSync(join(dir, holderName), 'utf8')) as { pid: number; started: string | null };
  } catch {
    return null;
  }
}

function listsBelow(dir: string): string[] {
  if (!existsSync(dir)) return [];
  const own = join(dir, listName);
  const below = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [own, ...below.map(({ name }) => join(dir, name, listName))].filter((file) => existsSync(file));
}

function read(file: string): Owned[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Owned];
      } catch {
        return [];
      }
    });
}

function end({ pid, started }: Extract<Owned, { kind: 'process' }>): number[] {
  if (!isSameProcess(pid, started)) return [];
  // Only who leads a group of its own may take the group along.
  const members = groupMembers(pid);
  for (const target of members.length > 0 ? [-pid] : [pid]) endProcess(target);
  return [pid];
}

function clearPodman({ flags, network, store }: Extract<Owned, { kind: 'podman' }>): void {
  for (const args of [
    ['rm', '--force', '--all', '--time', '0'],
    ['network', 'rm', '--force', network],
  ])
    try {
      execFileSync('podman', [...flags, ...args], { stdio: 'ignore', timeout: 20_000 });
    } catch {
      // Nothing of it was there.
    }
  // What watched over a process in a container stays for minutes by itself.
  for (const pid of processesNaming(store)) endProcess(pid);
}

export function endProcess(target: number): void {
  try {
    process.kill(target, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}
