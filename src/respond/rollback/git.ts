// Runs git in a work tree that may have been tampered with: nothing that the tree itself configures is started.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { RempartError } from '../../platform/base/errors.ts';

export interface Git {
  /** Folder of the work tree; absolute. */
  root: string;
  /** Standard output. Throws GitFailed. */
  run(args: readonly string[], more?: GitOptions): Promise<string>;
  bytes(args: readonly string[], more?: GitOptions): Promise<Buffer>;
  /** Filters that the tree configures for itself and that are passed over. */
  filtersOff: readonly string[];
}

export interface GitOptions {
  input?: string | Uint8Array;
  env?: Readonly<Record<string, string>>;
}

export class GitFailed extends Error {
  override readonly name = 'GitFailed';
}

const withinMs = 120_000;
const maxBytes = 268_435_456;

/** The work tree that a folder lies in; undefined when it lies in none. Throws ERR_SOURCE_UNUSABLE without git. */
export async function openGit(folder: string, path: string): Promise<Git | undefined> {
  const root = workTreeOf(resolve(folder));
  if (root === undefined) return undefined;
  const bare = async (args: readonly string[]) => (await call(root, path, [], args, {})).toString('utf8');
  let filters: string[];
  try {
    filters = await ownFilters(bare);
  } catch (error) {
    throw new RempartError('ERR_SOURCE_UNUSABLE', { what: { key: 'restore.git.none' } }, error);
  }
  const off = filters.flatMap((name) => [
    ...['clean', 'smudge', 'process'].flatMap((what) => ['-c', `filter.${name}.${what}=`]),
    ...['-c', `filter.${name}.required=false`],
  ]);
  const bytes = (args: readonly string[], more: GitOptions = {}) => call(root, path, off, args, more);
  return { root, filtersOff: filters, bytes, run: async (args, more) => (await bytes(args, more)).toString('utf8') };
}

/** Looked for by hand: git itself reads configuration on the way. */
function workTreeOf(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return undefined;
  }
}

async function ownFilters(run: (args: readonly string[]) => Promise<string>): Promise<string[]> {
  const listed = await run(['config', '--local', '--includes', '--name-only', '-z', '--list']);
  const names = listed.split('\0').flatMap((key) => {
    const match = /^filter\.(.+)\.[a-z]+$/.exec(key);
    return match?.[1] === undefined ? [] : [match[1]];
  });
  return [...new Set(names)];
}

function call(
  root: string,
  path: string,
  off: readonly string[],
  args: readonly string[],
  { input, env = {} }: GitOptions,
): Promise<Buffer> {
  // Hooks, a file-system monitor and an editor would be programs that somebody else named.
  const safe = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', `safe.directory=${root}`];
  return new Promise((done, failed) => {
    const child = execFile(
      'git',
      ['-C', root, ...safe, ...off, ...args],
      {
        env: {
          PATH: path,
          LC_ALL: 'C',
          // The tree's own configuration could name another folder to write to.
          GIT_WORK_TREE: root,
          GIT_TERMINAL_PROMPT: '0',
          GIT_EDITOR: 'true',
          GIT_OPTIONAL_LOCKS: '0',
          GIT_LITERAL_PATHSPECS: '1',
          GIT_CONFIG_NOSYSTEM: '1',
          GIT_AUTHOR_NAME: 'rempart',
          GIT_AUTHOR_EMAIL: 'rempart@localhost',
          GIT_COMMITTER_NAME: 'rempart',
          GIT_COMMITTER_EMAIL: 'rempart@localhost',
          ...env,
        },
        timeout: withinMs,
        maxBuffer: maxBytes,
        encoding: 'buffer',
      },
      (error, stdout, stderr) => {
        if (error === null) done(stdout);
        else failed(new GitFailed(stderr.toString('utf8').slice(0, 500), { cause: error }));
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
}
