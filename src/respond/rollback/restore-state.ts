// Puts a state back: what is there becomes evidence, the new content is checked before and after it takes its place, and all of it can be undone.
import { existsSync, readFileSync } from 'node:fs';
import { chmod, lchown, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RempartError } from '../../platform/base/errors.ts';
import { writeWhole } from '../../platform/base/write-whole.ts';
import type { Backups, SkippedBackup } from './backups.ts';
import { checkState } from './check-state.ts';
import { copyTree, keepEvidence, partsOf, readEvidence, type StateEvidence } from './evidence.ts';
import { hasMinimal, writeMinimal } from './minimal-state.ts';
import { type NamedState, StateUnfit, type UnfitReason } from './named-state.ts';
import type { TreeLimits } from './read-tree.ts';
import { syncFolder } from './sync-folder.ts';

/** What a state will be put back to; it can be kept as JSON. */
export type Decision = { kind: 'backup'; id: string } | { kind: 'minimal'; at: number };

export interface Decided {
  decision: Decision;
  /** When the backup was taken; milliseconds since the epoch. */
  takenAt: number | null;
  skipped: readonly SkippedBackup[];
}

export interface RestoreParts {
  backups: Backups;
  data: string;
  now: () => number;
}

export interface RestoreFacts {
  /** The same for the same step, before and after a crash. */
  key: string;
  incident: string | null;
}

export interface RestoredState {
  state: string;
  decision: Decision['kind'];
  backup: string | null;
  /** What was wrong with it before; null when nothing was. */
  was: UnfitReason | null;
  evidence: StateEvidence['kind'];
  digest: string | null;
}

/** The newest backup that can be used, else the minimal state. Throws ERR_STATE_NO_BACKUP. */
export async function decide(
  { backups, now }: RestoreParts,
  state: NamedState,
  before: number | null,
): Promise<Decided> {
  const choice = await backups.choose(state, { before });
  const { skipped } = choice;
  if (choice.kind === 'backup') {
    const { id, takenAt } = choice.manifest;
    return { decision: { kind: 'backup', id }, takenAt: Date.parse(takenAt), skipped };
  }
  if (!hasMinimal(state)) throw new RempartError('ERR_STATE_NO_BACKUP', { state: state.name });
  return { decision: { kind: 'minimal', at: now() }, takenAt: null, skipped };
}

/** What is wrong with the state as it is; null when nothing is. */
export async function stateProblem(state: NamedState, limits: TreeLimits): Promise<UnfitReason | null> {
  try {
    await checkState(state, limits);
    return null;
  } catch (error) {
    if (error instanceof StateUnfit) return error.why;
    throw error;
  }
}

const folderOf = ({ data }: RestoreParts, key: string, state: NamedState) =>
  join(data, 'evidence', 'states', key, state.name);

/** Keeps what is there. Throws ERR_STATE_EVIDENCE. */
export async function keepState(
  parts: RestoreParts,
  state: NamedState,
  { key, incident, mayMove }: RestoreFacts & { mayMove: boolean },
): Promise<StateEvidence> {
  const { limits } = parts.backups.settings;
  const found = await stateProblem(state, limits);
  return keepEvidence(state, limits, { dir: folderOf(parts, key, state), at: parts.now(), incident, found, mayMove });
}

/** What was kept under this key already. */
export function evidenceBefore(parts: RestoreParts, state: NamedState, key: string): StateEvidence | undefined {
  return readEvidence(folderOf(parts, key, state));
}

/** What was restored under this key already; undefined when it was not. */
export function restoredBefore(parts: RestoreParts, state: NamedState, key: string): RestoredState | undefined {
  const file = `${folderOf(parts, key, state)}.restored.json`;
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RestoredState) : undefined;
}

/** Throws ERR_STATE_EVIDENCE with nothing changed, ERR_STATE_INVALID, ERR_STATE_UNWRITABLE. */
export async function restoreState(
  parts: RestoreParts,
  state: NamedState,
  decision: Decision,
  { key, incident }: RestoreFacts,
): Promise<RestoredState> {
  const done = restoredBefore(parts, state, key);
  if (done !== undefined) return done;
  const evidence = await keepState(parts, state, { key, incident, mayMove: true });
  const { limits } = parts.backups.settings;
  const draft = besides(state, `new-${key}`);
  try {
    await rm(draft, { recursive: true, force: true });
    await mkdir(dirname(state.path), { recursive: true });
    await writeDecided(parts, state, decision, draft);
    await checkState(state, limits, draft);
    await ownAs(draft, evidence);
    await swap(state, draft, key);
    await checkState(state, limits);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw asError(state, error);
  }
  const restored: RestoredState = {
    state: state.name,
    decision: decision.kind,
    backup: decision.kind === 'backup' ? decision.id : null,
    was: evidence.found,
    evidence: evidence.kind,
    digest: evidence.files.find(({ path }) => path === 'content')?.sha256 ?? null,
  };
  writeWhole(`${folderOf(parts, key, state)}.restored.json`, [JSON.stringify(restored)]);
  return restored;
}

/** Puts back what was there before the step with this key. False when there was nothing to undo. Bears being called twice. */
export async function undoRestore(
  parts: RestoreParts,
  state: NamedState,
  { key, incident }: RestoreFacts,
): Promise<boolean> {
  const folder = folderOf(parts, key, state);
  const evidence = readEvidence(folder);
  const mark = `${folder}.undone`;
  if (evidence === undefined || existsSync(mark)) return false;
  // Moved aside and then nothing put in its place: it only has to go back.
  const there = await exists(state.path);
  if (there) await keepState(parts, state, { key: `${key}-undo`, incident, mayMove: true });
  try {
    if (evidence.kind === 'moved' && evidence.moved !== null) await putMovedBack(state, evidence.moved, key);
    else await putCopyBack(parts, state, evidence, folder, key);
  } catch (error) {
    throw asError(state, error);
  }
  writeWhole(mark, [new Date(parts.now()).toISOString()]);
  return true;
}

async function putMovedBack(state: NamedState, moved: string, key: string): Promise<void> {
  if (await exists(moved)) await swap(state, moved, key);
}

async function putCopyBack(
  parts: RestoreParts,
  state: NamedState,
  evidence: StateEvidence,
  folder: string,
  key: string,
): Promise<void> {
  const { limits } = parts.backups.settings;
  const drafts: { draft: string; part: string }[] = [];
  for (const part of evidence.parts) {
    const draft = besides(state, `old-${key}${part}`);
    await rm(draft, { recursive: true, force: true });
    await copyTree(join(folder, `content${part}`), draft, limits);
    await ownAs(draft, evidence);
    drafts.push({ draft, part });
  }
  const main = drafts.find(({ part }) => part === '');
  if (main === undefined) await remove(state);
  else await swap(state, main.draft, key);
  for (const { draft, part } of drafts) if (part !== '') await rename(draft, `${state.path}${part}`);
  syncFolder(dirname(state.path));
}

async function writeDecided(parts: RestoreParts, state: NamedState, decision: Decision, to: string): Promise<void> {
  if (decision.kind === 'minimal') {
    await writeMinimal(state, decision.at, to);
    const now = await lstat(state.path).catch(() => undefined);
    const alike = now !== undefined && (state.format === 'directory' ? now.isDirectory() : now.isFile());
    if (alike) await chmod(to, now.mode & 0o777);
    return;
  }
  const manifest = await parts.backups.find(state, decision.id);
  if (manifest === null) throw new StateUnfit('lost');
  await parts.backups.layOut(state, manifest, to);
}

/** A name in the same folder, so that a rename puts it in place at once. */
function besides({ path }: NamedState, what: string): string {
  return join(dirname(path), `.${basename(path)}.rempart-${what}`);
}

/** In one rename where a file replaces a file or a link; a folder has to go first. What goes is kept as evidence already. */
async function swap(state: NamedState, draft: string, key: string): Promise<void> {
  const { path } = state;
  // A log that belongs to another database would be played into this one.
  for (const part of [...partsOf(state), '-shm'])
    if (part !== '' && state.format === 'sqlite') await rm(`${path}${part}`, { force: true });
  const there = await lstat(path).catch(() => undefined);
  const isFolder = there?.isDirectory() === true || (await lstat(draft)).isDirectory();
  const aside = besides(state, `gone-${key}`);
  if (there !== undefined && isFolder) {
    await rm(aside, { recursive: true, force: true });
    await rename(path, aside);
  }
  await rename(draft, path);
  syncFolder(dirname(path));
  await rm(aside, { recursive: true, force: true });
}

async function remove(state: NamedState): Promise<void> {
  for (const part of [...partsOf(state), ...(state.format === 'sqlite' ? ['-shm'] : [])])
    await rm(`${state.path}${part}`, { recursive: true, force: true });
}

async function exists(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

/** Whoever runs as root gives the state back to the account that it belonged to. */
async function ownAs(place: string, { uid, gid }: StateEvidence): Promise<void> {
  if (process.getuid?.() !== 0 || uid === null || gid === null) return;
  const stat = await lstat(place);
  await lchown(place, uid, gid);
  if (stat.isDirectory())
    for (const name of await readdir(place)) await ownAs(join(place, name), { uid, gid } as StateEvidence);
}

function asError(state: NamedState, error: unknown): unknown {
  if (error instanceof StateUnfit)
    return new RempartError(
      'ERR_STATE_INVALID',
      { state: state.name, what: { key: `restore.why.${error.why}` } },
      error,
    );
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  return new RempartError('ERR_STATE_UNWRITABLE', { state: state.name, cause: code ?? 'unknown' }, error);
}
