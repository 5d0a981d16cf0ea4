// One job's analysis: what is there is read, judged and written as a whole into the job's folder.
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RempartError } from '../../platform/base/errors.ts';
import { writable } from '../../platform/base/unwritable.ts';
import { writeWhole } from '../../platform/base/write-whole.ts';
import { analyse } from '../analyse.ts';
import { endings, render } from '../report/render.ts';
import { contentHash } from './content-hash.ts';
import type { Job, JobStatistics } from './job.ts';

export interface RunJob {
  job: Job;
  /** The job's own folder, which every node can write. */
  folder: string;
  node: string;
  /** Of the program. */
  version: string;
  /** Ends the work: the job is no longer ours, or the node is told to stop. */
  signal: AbortSignal;
  /** Asked once more before anything is written: a report is written by who holds the job. */
  stillOurs: () => Promise<boolean>;
}

/** Below it one thread is done before a second one has loaded its rules. */
const smallBytes = 256 * 1024;

const kept = /^resume-.*\.jsonl$/;

/** Null when it was ended from outside. Throws what an analysis throws, and ERR_JOB_CHANGED. */
export async function runJob(run: RunJob): Promise<JobStatistics | null> {
  const { job, folder, signal } = run;
  if ((await contentHash(job.path)) !== job.contentHash) throw new RempartError('ERR_JOB_CHANGED', { path: job.path });
  let known = 0;
  const result = await analyse({
    paths: [job.path],
    lang: job.lang,
    // Of the adding: whichever node ends it, the report's bytes are the same.
    date: new Date(job.createdAt).toISOString(),
    version: run.version,
    resumeFile: resumeFrom(run),
    signal,
    onProgress: (progress) => {
      known = progress.known;
    },
    ...(isSmall(job.path) ? { workers: 1 } : {}),
  });
  try {
    if (result.interrupted || signal.aborted || !(await run.stillOurs())) return null;
    for (const format of job.formats) {
      const file = join(folder, `report${endings[format]}`);
      writable(file, () => writeWhole(file, render(format, result.source)));
    }
    return { ...result.source.statistics, known, open: result.open };
  } finally {
    result.close();
  }
}

function isSmall(path: string): boolean {
  const found = statSync(path);
  return found.isFile() && found.size < smallBytes && !/\.zip$/i.test(path);
}

/** A file of this attempt's own, begun with what the furthest attempt before had: two that overlap never share one. */
function resumeFrom({ job, folder, node }: RunJob): string {
  const file = join(folder, `resume-${job.attempts}-${node}.jsonl`);
  writable(folder, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const [furthest] = readdirSync(folder)
      .filter((name) => kept.test(name))
      .map((name) => ({ path: join(folder, name), size: statSync(join(folder, name)).size }))
      .sort((a, b) => b.size - a.size);
    if (furthest !== undefined && furthest.path !== file) copyFileSync(furthest.path, file);
  });
  return file;
}

/** Once the job is over. */
export function forgetResume(folder: string): void {
  try {
    for (const name of readdirSync(folder)) if (kept.test(name)) rmSync(join(folder, name), { force: true });
  } catch {
    // The report is whole and the job done; what lies beside it does no harm.
  }
}
