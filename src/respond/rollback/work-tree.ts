// All of a work tree that is not committed, kept in a commit of its own: byte for byte, files that git never knew included, and back again.
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, readlink, realpath, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Git } from './git.ts';

/** What stays as it is: the data directory, states and their backups; absolute. */
export type IsApart = (path: string) => boolean;

export interface SavedFile {
  path: string;
  /** Permission bits; null for a link, and for what was removed. */
  mode: number | null;
}

export async function apartFrom(root: string, apart: readonly string[]): Promise<IsApart> {
  const real = async (path: string) => realpath(path).catch(() => path);
  const base = await real(root);
  const below = (await Promise.all(apart.map(real))).map((path) => relative(base, path).split(sep).join('/'));
  return (path) => below.some((one) => one === '' || path === one || path.startsWith(`${one}/`));
}

/** Files that git does not know and does not ignore. A repository within is left alone. */
export async function strays(git: Git, isApart: IsApart): Promise<string[]> {
  const listed = await git.run(['ls-files', '-z', '--others', '--exclude-standard']);
  return split(listed).filter((path) => !path.endsWith('/') && !isApart(path));
}

export function split(listed: string): string[] {
  return listed.split('\0').filter((path) => path !== '');
}

/** The commit; its message says which files were not as in the index. `scratch`: a folder for the draft of an index. */
export async function saveWorkTree(
  git: Git,
  isApart: IsApart,
  facts: { head: string; scratch: string; indexTree: string; message: string },
): Promise<string> {
  const modified = split(await git.run(['ls-files', '-z', '--modified']));
  const paths = [...new Set([...modified, ...(await strays(git, isApart))])].filter((path) => !isApart(path));
  const saved: SavedFile[] = [];
  const lines: string[] = [];
  for (const path of paths) {
    const entry = await storeFile(git, path);
    if (entry === undefined) continue;
    lines.push(`${entry.type} ${entry.blob}\t${path}`);
    saved.push({ path, mode: entry.mode });
  }
  await mkdir(facts.scratch, { recursive: true, mode: 0o700 });
  const index = join(facts.scratch, `index-${randomBytes(4).toString('hex')}`);
  const env = { GIT_INDEX_FILE: index };
  try {
    await git.run(['read-tree', facts.indexTree], { env });
    if (lines.length > 0)
      await git.run(['update-index', '-z', '--add', '--index-info'], { env, input: `${lines.join('\0')}\0` });
    const tree = (await git.run(['write-tree'], { env })).trim();
    const text = `${facts.message}\n\n${JSON.stringify(saved)}\n`;
    return (await git.run(['commit-tree', tree, '-p', facts.head, '-F', '-'], { input: text })).trim();
  } finally {
    await rm(index, { force: true });
  }
}

/** The bytes as they lie there: no filter, no change of line ends. Undefined for a repository within. */
async function storeFile(
  git: Git,
  path: string,
): Promise<{ type: string; blob: string; mode: number | null } | undefined> {
  const place = join(git.root, path);
  const stat = await lstat(place).catch(() => undefined);
  if (stat === undefined) return { type: '0', blob: '0'.repeat(40), mode: null };
  if (stat.isSymbolicLink()) {
    const input = await readlink(place);
    return { type: '120000', blob: (await git.run(['hash-object', '-w', '--stdin'], { input })).trim(), mode: null };
  }
  if (!stat.isFile()) return undefined;
  const blob = (await git.run(['hash-object', '-w', '--no-filters', '--', place])).trim();
  const mode = stat.mode & 0o777;
  return { type: (mode & 0o100) === 0 ? '100644' : '100755', blob, mode };
}

/** The files that the commit saved, as its message tells. */
export async function savedIn(git: Git, commit: string): Promise<SavedFile[]> {
  const message = await git.run(['log', '-1', '--format=%B', commit]);
  const line = message.split('\n').find((one) => one.startsWith('[')) ?? '[]';
  return JSON.parse(line) as SavedFile[];
}

/** Puts the saved files back with their own bytes and permissions. */
export async function putSavedBack(git: Git, commit: string): Promise<void> {
  for (const { path, mode } of await savedIn(git, commit)) {
    const place = join(git.root, path);
    const entry = (await git.run(['ls-tree', '-z', commit, '--', path])).split('\0')[0] ?? '';
    const [type, , blob] = entry.split(/[ \t]/);
    if (blob === undefined || entry === '') {
      await removeBelow(git.root, path);
      continue;
    }
    const bytes = await git.bytes(['cat-file', 'blob', blob]);
    await mkdir(dirname(place), { recursive: true });
    const draft = `${place}.rempart-${randomBytes(4).toString('hex')}`;
    if (type === '120000') await symlink(bytes.toString('utf8'), draft);
    else await writeFile(draft, bytes, mode ?? 0o644);
    await rename(draft, place);
  }
}

async function writeFile(file: string, bytes: Uint8Array, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(bytes);
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** With the folders above that are empty then, as git does it. */
export async function removeBelow(root: string, path: string): Promise<void> {
  await rm(join(root, path), { force: true });
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    const gone = await rmdir(join(root, folder)).then(
      () => true,
      () => false,
    );
    if (!gone) return;
  }
}

/** Brings these paths to what they are in the commit; those that it has not are removed. */
export async function takePaths(git: Git, commit: string, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const known = new Set(split(await git.run(['ls-tree', '-r', '-z', '--name-only', commit])));
  const there = paths.filter((path) => known.has(path));
  for (const path of paths) if (!known.has(path)) await removeBelow(git.root, path);
  if (there.length === 0) return;
  await git.run(['restore', `--source=${commit}`, '--worktree', '--pathspec-from-file=-', '--pathspec-file-nul'], {
    input: `${there.join('\0')}\0`,
  });
}

/** Paths at which the work tree is not as in the commit. */
export async function changedSince(
  git: Git,
  commit: string,
  isApart: IsApart,
): Promise<{ path: string; how: string }[]> {
  const listed = split(
    await git.run([
      'diff',
      '--no-ext-diff',
      '--no-textconv',
      '--no-renames',
      '--ignore-submodules=all',
      '--name-status',
      '-z',
      commit,
    ]),
  );
  const changes: { path: string; how: string }[] = [];
  for (let at = 0; at + 1 < listed.length; at += 2) {
    const path = listed[at + 1] ?? '';
    if (!isApart(path)) changes.push({ path, how: listed[at] ?? 'M' });
  }
  return changes;
}
