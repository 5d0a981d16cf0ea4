// Keeps what a state held before it is replaced, byte for byte, so that it can be looked at and put back.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import { writeWhole } from '../../platform/base/write-whole.ts';
import { type NamedState, StateUnfit, unfitReasons } from './named-state.ts';
import { listTree, readSteadily, type TreeLimits } from './read-tree.ts';
import { syncFolder } from './sync-folder.ts';

const fileRecord = z.strictObject({ path: z.string(), sha256: z.string(), size: z.int() });

export const evidenceSchema = z.strictObject({
  schema: z.literal('rempart/state-evidence@1'),
  state: z.string(),
  path: z.string(),
  at: z.iso.datetime(),
  incident: z.string().nullable(),
  /** What was wrong with it; null when it was valid. */
  found: z.enum(unfitReasons).nullable(),
  /** copied: below `content`. moved: renamed beside the state, since it could not be read. missing: nothing was there. */
  kind: z.enum(['copied', 'moved', 'missing']),
  moved: z.string().nullable(),
  uid: z.int().nullable(),
  gid: z.int().nullable(),
  /** Endings of the files that belong to it: the state itself is the empty one. */
  parts: z.array(z.string()),
  files: z.array(fileRecord),
});
export type StateEvidence = z.output<typeof evidenceSchema>;

export interface EvidencePlace {
  /** Folder of this state's evidence for this step: the same for the same step. */
  dir: string;
}

export interface KeepFacts {
  dir: string;
  at: number;
  incident: string | null;
  found: StateEvidence['found'];
  /** What cannot be copied is renamed out of the way; without it, it is refused. */
  mayMove: boolean;
}

/** What a database keeps beside its file. */
const sqliteParts = ['', '-wal', '-journal'];
export const partsOf = ({ format }: Pick<NamedState, 'format'>) => (format === 'sqlite' ? sqliteParts : ['']);

export function readEvidence(dir: string): StateEvidence | undefined {
  const file = join(dir, 'evidence.json');
  return existsSync(file) ? evidenceSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
}

/** Kept once for a step: what was restored meanwhile never takes its place. Throws ERR_STATE_EVIDENCE. */
export async function keepEvidence(state: NamedState, limits: TreeLimits, facts: KeepFacts): Promise<StateEvidence> {
  const kept = readEvidence(facts.dir);
  if (kept !== undefined) {
    if (kept.moved !== null && !existsSync(kept.moved)) await moveAside(state.path, kept.moved);
    return kept;
  }
  try {
    return await keepNow(state, limits, facts);
  } catch (error) {
    const what =
      error instanceof StateUnfit
        ? ({ key: `restore.why.${error.why}` } as const)
        : String((error as NodeJS.ErrnoException).code ?? 'unknown');
    throw new RempartError('ERR_STATE_EVIDENCE', { state: state.name, what }, error);
  }
}

async function keepNow(state: NamedState, limits: TreeLimits, facts: KeepFacts): Promise<StateEvidence> {
  const { dir, at, incident, found, mayMove } = facts;
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const stat = await lstat(state.path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  const record: StateEvidence = {
    schema: 'rempart/state-evidence@1',
    state: state.name,
    path: state.path,
    at: new Date(at).toISOString(),
    incident,
    found,
    kind: stat === undefined ? 'missing' : 'copied',
    moved: null,
    uid: stat?.uid ?? null,
    gid: stat?.gid ?? null,
    parts: [],
    files: [],
  };
  try {
    for (const part of partsOf(state)) {
      const from = `${state.path}${part}`;
      const copied = await copyTree(from, join(dir, `content${part}`), limits);
      if (copied === undefined) continue;
      record.parts.push(part);
      record.files.push(...copied.map(({ path, ...rest }) => ({ path: join(`content${part}`, path), ...rest })));
    }
  } catch (error) {
    if (!(error instanceof StateUnfit) || !mayMove) throw error;
    record.kind = 'moved';
    record.moved = join(dirname(state.path), `.${basename(state.path)}.rempart-evidence-${basename(dirname(dir))}`);
  }
  writeWhole(join(dir, 'evidence.json'), [`${JSON.stringify(record, null, 2)}\n`]);
  syncFolder(dir);
  // Written first: after a crash between the two it says where the state went.
  if (record.moved !== null) await moveAside(state.path, record.moved);
  return record;
}

async function moveAside(from: string, to: string): Promise<void> {
  await rename(from, to);
  syncFolder(dirname(to));
}

type CopiedFile = z.output<typeof fileRecord>;

/** A copy with each link as a link; undefined when nothing is there. Throws StateUnfit, and what the system refuses. */
export async function copyTree(from: string, to: string, limits: TreeLimits): Promise<CopiedFile[] | undefined> {
  const stat = await lstat(from).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (stat === undefined) return undefined;
  if (stat.isSymbolicLink()) {
    await symlink(await readlink(from), to);
    return [];
  }
  if (stat.isFile()) return [await copyFile(from, to, '', limits)];
  if (!stat.isDirectory()) throw new StateUnfit('not-a-file');
  await mkdir(to, { mode: 0o700 });
  const files: CopiedFile[] = [];
  const entries = await listTree(from, limits);
  for (const entry of entries) {
    if (entry.kind === 'folder') await mkdir(join(to, entry.path), { mode: 0o700 });
    else if (entry.kind === 'link') await symlink(entry.target, join(to, entry.path));
    else files.push(await copyFile(join(from, entry.path), join(to, entry.path), entry.path, limits));
  }
  for (const entry of entries.toReversed()) if (entry.kind === 'folder') await settle(join(to, entry.path), entry.mode);
  await settle(to, stat.mode & 0o777);
  return files;
}

async function settle(folder: string, mode: number): Promise<void> {
  syncFolder(folder);
  const handle: FileHandle = await open(folder, 'r');
  try {
    await handle.chmod(mode);
  } finally {
    await handle.close();
  }
}

async function copyFile(from: string, to: string, path: string, limits: TreeLimits): Promise<CopiedFile> {
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(to, 'wx', 0o600);
  try {
    const { mode } = await readSteadily(from, limits.maxBytes, async (bytes) => {
      hash.update(bytes);
      size += bytes.length;
      await handle.writeFile(bytes);
    });
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { path, sha256: hash.digest('hex'), size };
}
