// Which files under the given paths are compose files or Dockerfiles, and which belong together.
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RempartError } from '../../../platform/base/errors.ts';
import { fileIssue } from '../../../platform/base/schema-issue.ts';
import type { SourceFile } from '../../../platform/inspection/containers/compose-project.ts';
import { isDockerfile } from '../../../platform/inspection/containers/dockerfile.ts';
import { type Ignore, readIgnore } from './ignored.ts';

export interface FoundFile extends SourceFile {
  kind: 'compose' | 'dockerfile';
  /** Named by the user, not found in a folder. */
  named: boolean;
}

export interface Unread {
  what: string;
  why: 'neither' | 'too-large' | 'unreadable';
}

const skipped = new Set(['node_modules', '.git', '.rempart', '.venv', 'venv', '__pycache__', 'vendor', 'dist']);
const composeName = /^(docker-|podman-|container-)?compose([._-].*)?\.(ya?ml|json)$/i;
const dockerName = /^(Dockerfile|Containerfile)([._-].*)?$|\.(dockerfile|containerfile)$/i;
const maxBytes = 2_000_000;
const maxDepth = 12;

export interface Collected {
  files: FoundFile[];
  unread: Unread[];
  /** Compose files and Dockerfiles of a folder that a pattern left out. */
  ignored: string[];
}

/** Files and folders as the user named them; `ignore` holds for folders only. Throws ERR_POSTURE_FILE_UNREADABLE for a path that is not there. */
export function collectFiles(paths: readonly string[], ignore: readonly string[] = []): Collected {
  const files = new Map<string, FoundFile>();
  const unread: Unread[] = [];
  const ignored = new Set<string>();
  const take = (path: string, named: boolean) => {
    const read = readOne(path, named);
    if (read.kind === 'file') files.set(path, files.get(path) ?? read.file);
    else if (read.kind === 'unread') unread.push({ what: path, why: read.why });
  };
  for (const path of paths) {
    const stat = statOf(path);
    if (!stat.isDirectory()) take(path, true);
    else {
      const patterns = readIgnore(path, ignore);
      for (const { file, out } of walk(path, 0, patterns, false))
        if (!out) take(file, false);
        else if (readOne(file, false).kind === 'file') ignored.add(file);
    }
  }
  return { files: [...files.values()], unread, ignored: [...ignored] };
}

function statOf(path: string) {
  try {
    return statSync(path);
  } catch (error) {
    throw new RempartError('ERR_POSTURE_FILE_UNREADABLE', { file: path, what: fileIssue(error) }, error);
  }
}

/** With `out`: all of this folder is left out, and counted. */
function* walk(folder: string, depth: number, ignore: Ignore, out: boolean): Generator<{ file: string; out: boolean }> {
  if (depth > maxDepth) return;
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return;
  }
  for (const name of names) {
    const path = folder === '.' ? name : join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || stat.isSymbolicLink()) continue;
    const without = out || ignore.covers(path, stat.isDirectory());
    if (stat.isDirectory()) {
      if (!skipped.has(name)) yield* walk(path, depth + 1, ignore, without);
    } else if (dockerName.test(name) || /\.(ya?ml)$/i.test(name) || composeName.test(name))
      yield { file: path, out: without };
  }
}

type Read = { kind: 'file'; file: FoundFile } | { kind: 'unread'; why: Unread['why'] } | { kind: 'other' };

function readOne(path: string, named: boolean): Read {
  const name = basename(path);
  let text: string;
  try {
    const stat = statSync(path);
    // A pipe would keep whoever reads it waiting.
    if (!stat.isFile()) return { kind: 'unread', why: 'unreadable' };
    if (stat.size > maxBytes) return { kind: 'unread', why: 'too-large' };
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (named) throw new RempartError('ERR_POSTURE_FILE_UNREADABLE', { file: path, what: fileIssue(error) }, error);
    return { kind: 'unread', why: 'unreadable' };
  }
  const kind = kindOf(name, text, named);
  if (kind !== undefined) return { kind: 'file', file: { name: path, text, kind, named } };
  return named ? { kind: 'unread', why: 'neither' } : { kind: 'other' };
}

function kindOf(name: string, text: string, named: boolean): FoundFile['kind'] | undefined {
  if (dockerName.test(name)) return 'dockerfile';
  if (composeName.test(name)) return 'compose';
  if (/\.(ya?ml|json)$/i.test(name)) {
    if (/^\s*"?apiVersion"?\s*:/m.test(text) && /^\s*"?kind"?\s*:/m.test(text)) return undefined;
    // A file that was named and is no YAML at all is told to be so, not passed over.
    if (/^["']?services["']?\s*:/m.test(text) || /^\s*\{[\s\S]*"services"\s*:/.test(text)) return 'compose';
    return named && !/^["']?[\w-]+["']?\s*:/m.test(text) ? 'compose' : undefined;
  }
  return named && isDockerfile(text) ? 'dockerfile' : undefined;
}

/** Compose files by project: a base with its override, a variant on its base, any other alone. */
export function groupProjects(files: readonly FoundFile[]): SourceFile[][] {
  const compose = files.filter(({ kind }) => kind === 'compose');
  const used = new Set<string>();
  const groups: SourceFile[][] = [];
  for (const file of compose) {
    const base = baseOf(file.name, compose);
    if (base === undefined || base === file || !laysOver(file.text)) continue;
    used.add(file.name);
    if (/[._-]override\./i.test(file.name)) used.add(base.name);
    groups.push([base, file]);
  }
  return [...groups, ...compose.filter(({ name }) => !used.has(name)).map((file) => [file])];
}

function baseOf(path: string, files: readonly FoundFile[]): FoundFile | undefined {
  const folder = dirname(path);
  return files.find(
    ({ name }) => dirname(name) === folder && /^((docker-|podman-)?compose)\.(ya?ml|json)$/i.test(basename(name)),
  );
}

/** Whether some service of the text says neither what it runs nor what it is built from. */
function laysOver(text: string): boolean {
  const services = /^services:\s*\n((?:[ \t]+.*\n?|\s*\n|#.*\n)*)/m.exec(text)?.[1] ?? '';
  const indent = /^([ \t]+)\S/m.exec(services)?.[1] ?? '  ';
  const bodies = services.split(new RegExp(`^${indent}(?=[^\\s#])`, 'm')).slice(1);
  return bodies.some((body) => !/^\s+(image|build|extends|<<)\s*:/m.test(body));
}
