// Compose files and Dockerfiles on disk, judged; their neighbours (env files, included and extended files) are read where they lie.
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { RempartError } from '../../../platform/base/errors.ts';
import { fileIssue } from '../../../platform/base/schema-issue.ts';
import type { SourceFile, Surroundings } from '../../../platform/inspection/containers/compose-project.ts';
import { type ContainerFinding, lintCompose, lintDockerfile } from '../../../platform/inspection/containers/lint.ts';
import { YamlProblem } from '../../../platform/inspection/containers/located.ts';
import { patchAll } from '../../../platform/inspection/containers/patch-all.ts';
import { loadContainerRules } from '../../../platform/inspection/containers/rules.ts';
import { collectFiles, type FoundFile, groupProjects, type Unread } from './collect.ts';

export interface FileScan {
  files: FoundFile[];
  findings: ContainerFinding[];
  unread: Unread[];
  /** Files of a folder that a pattern left out. */
  ignored: string[];
  /** Files of a folder that are no YAML: told, while the others are judged. */
  broken: RempartError[];
  /** Every patch of every file, as one diff. */
  patch: string;
}

/** Throws ERR_POSTURE_FILE_UNREADABLE, and ERR_POSTURE_FILE_INVALID for a file that was named itself. */
export function scanFiles(paths: readonly string[], lang: 'en' | 'fr', ignore: readonly string[] = []): FileScan {
  const { files, unread, ignored } = collectFiles(paths, ignore);
  const options = { rules: loadContainerRules(), lang };
  const broken: RempartError[] = [];
  const findings: ContainerFinding[] = [];
  let patch = '';
  for (const group of groupProjects(files)) {
    try {
      const lint = (some: readonly SourceFile[]) => lintCompose(some, options, surroundings);
      findings.push(...lint(group));
      patch += patchAll(group, lint);
    } catch (error) {
      if (!(error instanceof YamlProblem)) throw error;
      const wrong = new RempartError('ERR_POSTURE_FILE_INVALID', {
        file: guilty(group, error),
        what: fileIssue(error),
      });
      if (group.some(({ name }) => isNamed(files, name))) throw wrong;
      broken.push(wrong);
    }
  }
  for (const file of files) {
    if (file.kind !== 'dockerfile') continue;
    findings.push(...lintDockerfile(file, options));
    patch += patchAll([file], ([one = file]) => lintDockerfile(one, options));
  }
  return { files, findings: once(findings), unread, ignored, broken, patch };
}

function isNamed(files: readonly FoundFile[], name: string): boolean {
  return files.find((file) => file.name === name)?.named === true;
}

function guilty(group: readonly { name: string }[], problem: YamlProblem): string {
  return problem.file ?? group.at(-1)?.name ?? '';
}

/** A base that is judged with several files on top is reported once. */
function once(findings: readonly ContainerFinding[]): ContainerFinding[] {
  const seen = new Set<string>();
  return findings.filter(({ rule, file, line, service, setting, value }) => {
    const key = JSON.stringify([rule, file, line, service, setting, value]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

const maxNeighbourBytes = 2_000_000;

export const surroundings: Surroundings = {
  read(path, from) {
    try {
      const full = neighbour(path, from);
      const stat = statSync(full);
      return stat.isFile() && stat.size <= maxNeighbourBytes ? readFileSync(full, 'utf8') : undefined;
    } catch {
      return undefined;
    }
  },
  mode(path, from) {
    try {
      // Windows has no permission bits to read.
      return process.platform === 'win32' ? undefined : statSync(neighbour(path, from)).mode & 0o777;
    } catch {
      return undefined;
    }
  },
};

function neighbour(path: string, from: string): string {
  return isAbsolute(path) ? path : join(dirname(from), path);
}
