// The undo log: what must be put back is on disk, fsynced, before anything is broken; replayed at the next start.
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { groupMembers, isSameProcess, processStartTime } from '../../../platform/base/process-identity.ts';
import { removeCgroup } from '../resource/cgroup.ts';
import { type DatabaseUndo, restoreDatabase } from './database-files.ts';
import { type PermissionUndo, restorePermission } from './database-permission.ts';
import { type FirewallUndo, restorePackets } from './firewall.ts';

export type Undo =
  | DatabaseUndo
  | PermissionUndo
  | FirewallUndo
  /** A process group that the keeper started: the target, a burner, the holder of a lock. */
  | { kind: 'process'; what: string; pid: number; startTime: string | null }
  /** A memory cgroup, removed once its processes have ended. */
  | { kind: 'cgroup'; path: string }
  /** A work directory that nobody needs once its run is over. */
  | { kind: 'directory'; path: string };

type Line = { id: string; undo: Undo; deadline: string } | { done: string };

export interface UndoLog {
  /** Resolves nothing later: on return the entry is on disk. The answer is called once the thing is undone. */
  write(undo: Undo, deadline: Date): () => void;
  close(): void;
}

const fileName = 'undo.jsonl';

/** Opens the log of a directory; entries left by an earlier life must have been replayed before. */
export function openUndoLog(dir: string): UndoLog {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, fileName);
  const torn = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, 'utf8'));
  const fd = openSync(file, 'a', 0o600);
  // Behind a line that a crash tore, the next entry would be torn too.
  if (torn) writeSync(fd, '\n');
  const append = (line: Line) => {
    writeSync(fd, `${JSON.stringify(line)}\n`);
    fsyncSync(fd);
  };
  return {
    write: (undo, deadline) => {
      // Not the process's number: in a container an earlier life may have had the same, and its entries may still be open.
      const id = randomUUID();
      append({ id, undo, deadline: deadline.toISOString() });
      return () => append({ done: id });
    },
    close: () => closeSync(fd),
  };
}

export interface Replayed {
  what: string;
  ok: boolean;
}

/** Undoes, newest first, all that an earlier life left broken, and says what. The log is emptied only if everything went well. */
export function replayUndoLog(dir: string): Replayed[] {
  const file = join(dir, fileName);
  if (!existsSync(file)) return [];
  const open = new Map<string, Undo>();
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    const line = parseLine(text);
    if (line === null) continue;
    if ('done' in line) open.delete(line.done);
    else open.set(line.id, line.undo);
  }
  const replayed: Replayed[] = [];
  // Processes first: a living target could write into files while they are put back.
  const entries = [...open.values()].reverse();
  for (const undo of [...entries.filter((u) => u.kind === 'process'), ...entries.filter((u) => u.kind !== 'process')]) {
    const what = describe(undo);
    try {
      if (undoOne(undo)) replayed.push({ what, ok: true });
    } catch {
      replayed.push({ what, ok: false });
    }
  }
  if (replayed.every((entry) => entry.ok)) rmSync(file);
  return replayed;
}

/** True when there was something to undo. */
export function undoOne(undo: Undo): boolean {
  switch (undo.kind) {
    case 'database':
      return restoreDatabase(undo);
    case 'permission':
      return restorePermission(undo);
    case 'firewall':
      return restorePackets(undo);
    case 'process':
      return endGroup(undo.pid, undo.startTime);
    case 'cgroup':
      return removeCgroup(undo.path);
    case 'directory': {
      const there = existsSync(undo.path);
      rmSync(undo.path, { recursive: true, force: true });
      return there;
    }
  }
}

/** Kills a process group whose leader is the one we started, or is gone while members of it live on. */
export function endGroup(pid: number, startTime: string | null): boolean {
  const leader = isSameProcess(pid, startTime);
  // A number in use as a group's id is not given to a new process: members without their leader are still ours.
  if (!leader && processStartTime(pid) !== null && processStartTime(pid) !== startTime) return false;
  if (!leader && groupMembers(pid).length === 0) return false;
  try {
    process.kill(-pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

function describe(undo: Undo): string {
  switch (undo.kind) {
    case 'database':
      return `database ${undo.file}`;
    case 'permission':
      return `permission of ${undo.file}`;
    case 'firewall':
      return `firewall rule ${undo.name} (${undo.tool})`;
    case 'process':
      return `${undo.what} (process ${undo.pid})`;
    case 'cgroup':
      return `memory group ${undo.path}`;
    case 'directory':
      return `directory ${undo.path}`;
  }
}

function parseLine(text: string): Line | null {
  if (text === '') return null;
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null; // a line torn by a crash: its fault was not begun, since the write comes first
  }
}
