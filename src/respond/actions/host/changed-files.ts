// Files that changed of late under some folders: what is there, not what it holds; bounded, and never through a link.
import { globSync } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { Deployment } from '../../../platform/documents/deployment.ts';

export interface ChangedFile {
  path: string;
  kind: 'file' | 'folder' | 'link' | 'other';
  /** When its content, or else its name, owner or mode changed. */
  changedAt: number;
  bytes: number;
  uid: number;
  mode: string;
  /** Runs with its owner's rights, whoever starts it. */
  setuid: boolean;
}

export interface Changes {
  files: ChangedFile[];
  /** Entries that were looked at. */
  looked: number;
  /** There was more than is looked at, or more had changed than is shown. */
  cut: boolean;
  /** Folders that could not be read. */
  unseen: string[];
}

export interface ChangeLimits {
  maxEntries: number;
  maxShown: number;
  signal: AbortSignal;
}

/** What the profile names on this machine: states, model stores, logs and the compose file. */
export function pathsOf(deployment: Deployment | undefined, folder: string): string[] {
  if (deployment === undefined) return [];
  const { states, models, logs, compose } = deployment;
  const plain = [
    ...states.flatMap(({ path, backups }) => [path, ...(backups === undefined ? [] : [backups])]),
    ...models.map(({ store }) => store),
    ...(compose === undefined ? [] : [compose]),
  ].map((path) => resolve(folder, path));
  const written = logs.flatMap((pattern) =>
    globSync(pattern, { cwd: folder }).map((path) => (isAbsolute(path) ? path : join(folder, path))),
  );
  return [...new Set([...plain, ...written])].sort();
}

/** Newest first. */
export async function changedFiles(
  roots: readonly string[],
  sinceMs: number,
  { maxEntries, maxShown, signal }: ChangeLimits,
): Promise<Changes> {
  const found: ChangedFile[] = [];
  const unseen: string[] = [];
  const waiting = [...roots];
  let looked = 0;
  while (waiting.length > 0 && looked < maxEntries) {
    signal.throwIfAborted();
    const path = waiting.pop()!;
    looked++;
    try {
      const stat = await lstat(path);
      const changedAt = Math.max(stat.mtimeMs, stat.ctimeMs);
      const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other';
      if (changedAt >= sinceMs)
        found.push({
          path,
          kind,
          changedAt: Math.floor(changedAt),
          bytes: stat.size,
          uid: stat.uid,
          mode: (stat.mode & 0o7777).toString(8).padStart(4, '0'),
          setuid: kind === 'file' && (stat.mode & 0o6000) !== 0,
        });
      if (kind !== 'folder') continue;
      for await (const { name } of await opendir(path)) {
        waiting.push(join(path, name));
        // One folder may hold more than is looked at in all; what is left over says that there was more.
        if (looked + waiting.length > maxEntries) break;
      }
    } catch (error) {
      // What the profile names need not be there.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') unseen.push(path);
    }
  }
  found.sort((a, b) => b.changedAt - a.changedAt);
  const cut = waiting.length > 0 || found.length > maxShown;
  return { files: found.slice(0, maxShown), looked, cut, unseen };
}
