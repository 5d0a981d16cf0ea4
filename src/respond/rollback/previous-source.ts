// Takes a git work tree to the commit before, and back again: all that was not committed is kept under refs of its own first.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { TextKey } from '../../platform/i18n/say.ts';
import { type Git, GitFailed } from './git.ts';
import { apartFrom, changedSince, putSavedBack, saveWorkTree, strays, takePaths } from './work-tree.ts';

/** What undo needs; fit for JSON. */
export interface SourceBefore extends JsonObject {
  root: string;
  head: string;
  /** Null for a detached HEAD. */
  branch: string | null;
  /** The commit before. */
  target: string;
}

export interface PreviousSourceParts {
  git: Git;
  /** Folders and files that stay as they are; absolute. */
  apart: readonly string[];
  /** Folder for drafts; absolute. */
  scratch: string;
}

export interface SourceChange {
  change: 'add' | 'remove' | 'modify';
  path: string;
}

type Kept = 'worktree' | 'index' | 'undone';
export const refOf = (key: string, what: Kept) => `refs/rempart/${key}/${what}`;

/** Throws ERR_SOURCE_UNUSABLE when there is no commit before, or something is half done. */
export async function planPrevious({ git }: Pick<PreviousSourceParts, 'git'>): Promise<SourceBefore> {
  const head = (await resolved(git, 'HEAD^{commit}')) ?? refuse('restore.git.empty');
  const target = (await resolved(git, 'HEAD~1^{commit}')) ?? refuse('restore.git.first');
  const folder = (await git.run(['rev-parse', '--absolute-git-dir'])).trim();
  const halfDone = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'rebase-merge', 'rebase-apply', 'index.lock'];
  if (halfDone.some((name) => existsSync(join(folder, name)))) refuse('restore.git.half-done');
  if ((await git.run(['ls-files', '--unmerged'])) !== '') refuse('restore.git.half-done');
  return { root: git.root, head, branch: await branchOf(git), target };
}

/** What would change in the work tree. */
export async function previewPrevious(parts: PreviousSourceParts, { target }: SourceBefore): Promise<SourceChange[]> {
  const { git, apart } = parts;
  const isApart = await apartFrom(git.root, apart);
  const changes = await changedSince(git, target, isApart);
  const words: Readonly<Record<string, SourceChange['change']>> = { A: 'remove', D: 'add' };
  return [
    ...changes.map(({ path, how }) => ({ change: words[how] ?? ('modify' as const), path })),
    ...(await strays(git, isApart)).map((path) => ({ change: 'remove' as const, path })),
  ];
}

/** Bears being called again after a crash. Throws ERR_SOURCE_UNUSABLE, with nothing lost. */
export function goPrevious(parts: PreviousSourceParts, { head, target }: SourceBefore, key: string): Promise<void> {
  const { git, apart } = parts;
  return guarded(async () => {
    const isApart = await apartFrom(git.root, apart);
    await keep(parts, head, key);
    const changed = (await changedSince(git, target, isApart)).map(({ path }) => path);
    await takePaths(git, target, [...new Set([...changed, ...(await strays(git, isApart))])]);
    await git.run(['read-tree', target]);
    await git.run(['update-ref', '--no-deref', '-m', 'rempart: rollback', 'HEAD', target]);
  });
}

/** Whether the work tree was taken to the commit before under this key. */
export async function isPrevious({ git }: Pick<PreviousSourceParts, 'git'>, { target }: SourceBefore, key: string) {
  const kept = await resolved(git, refOf(key, 'worktree'));
  return kept !== undefined && (await branchOf(git)) === null && (await resolved(git, 'HEAD')) === target;
}

/** Branch, index and files as they were; what was changed since is kept under refs too. False when there is nothing to undo. */
export async function undoPrevious(parts: PreviousSourceParts, before: SourceBefore, key: string): Promise<boolean> {
  const { git, apart } = parts;
  const kept = await resolved(git, refOf(key, 'worktree'));
  if (kept === undefined || (await resolved(git, refOf(key, 'undone'))) !== undefined) return false;
  await guarded(async () => {
    const isApart = await apartFrom(git.root, apart);
    await keep(parts, (await resolved(git, 'HEAD')) ?? before.head, `${key}-undo`);
    const changed = (await changedSince(git, kept, isApart)).map(({ path }) => path);
    await takePaths(git, kept, changed);
    await putSavedBack(git, kept);
    await git.run(['read-tree', refOf(key, 'index')]);
    if (before.branch === null) await git.run(['update-ref', '--no-deref', 'HEAD', before.head]);
    else await git.run(['symbolic-ref', 'HEAD', before.branch]);
    await git.run(['update-ref', refOf(key, 'undone'), kept]);
  });
  return true;
}

/** True when nothing differs from the commit, and nothing lies there that git does not know. */
export async function isClean({ git, apart }: PreviousSourceParts): Promise<boolean> {
  const isApart = await apartFrom(git.root, apart);
  const changed = await changedSince(git, 'HEAD', isApart);
  return changed.length === 0 && (await strays(git, isApart)).length === 0;
}

/** The index and the work tree as commits under refs, once for a key: what came later never takes their place. */
async function keep({ git, apart, scratch }: PreviousSourceParts, head: string, key: string): Promise<void> {
  if ((await resolved(git, refOf(key, 'worktree'))) !== undefined) return;
  const indexTree = (await git.run(['write-tree'])).trim();
  const message = 'rempart: the index before a rollback';
  const index = (await git.run(['commit-tree', indexTree, '-p', head, '-F', '-'], { input: message })).trim();
  await git.run(['update-ref', refOf(key, 'index'), index]);
  const isApart = await apartFrom(git.root, apart);
  const facts = { head, scratch, indexTree, message: 'rempart: the work tree before a rollback' };
  await git.run(['update-ref', refOf(key, 'worktree'), await saveWorkTree(git, isApart, facts)]);
}

async function branchOf(git: Git): Promise<string | null> {
  return git.run(['symbolic-ref', '-q', 'HEAD']).then(
    (name) => name.trim(),
    () => null,
  );
}

async function resolved(git: Git, name: string): Promise<string | undefined> {
  return git.run(['rev-parse', '--verify', '-q', name]).then(
    (hash) => hash.trim(),
    () => undefined,
  );
}

function refuse(key: TextKey): never {
  throw new RempartError('ERR_SOURCE_UNUSABLE', { what: { key } });
}

async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof GitFailed)
      throw new RempartError('ERR_SOURCE_UNUSABLE', { what: { key: 'restore.git.failed' } }, error);
    throw error;
  }
}
