// How jobs are shown: a row, all details, a document; and what a node at work says on stderr.
import { type Job, mostAttempts } from '../analyze/jobs/job.ts';
import type { JobEvent } from '../analyze/jobs/work.ts';
import { explainError } from '../platform/base/errors.ts';
import { visible } from '../platform/reporting/visible.ts';
import type { CommandInput } from './command.ts';

/** Times as ISO instants. */
export function documentOf(job: Job) {
  const { createdAt, endedAt, lease, ...rest } = job;
  return {
    ...rest,
    createdAt: instant(createdAt),
    endedAt: endedAt === null ? null : instant(endedAt),
    lease:
      lease === null
        ? null
        : { node: lease.node, heartbeatAt: instant(lease.heartbeatAt), until: instant(lease.until) },
  };
}

export function row({ id, state, code, path }: Job, { say }: CommandInput): string {
  const told = say(`jobs.state.${state}`).padEnd(10);
  return `${id}  ${told}  ${visible(path)}${state === 'failed' && code !== null ? `  ${code}` : ''}`;
}

export function details(job: Job, { say }: CommandInput): string[] {
  const { statistics, lease } = job;
  const open = Object.values(statistics?.open ?? {}).reduce((sum, count) => sum + count, 0);
  const rows: [label: string, value: string | null][] = [
    [say('jobs.show.path'), visible(job.path)],
    [say('jobs.show.hash'), job.contentHash],
    [say('jobs.show.state'), say(`jobs.state.${job.state}`)],
    [say('jobs.show.formats'), `${job.formats.join(', ')} (${job.lang})`],
    [say('jobs.show.attempts'), `${job.attempts}/${mostAttempts}`],
    [say('jobs.show.added'), instant(job.createdAt)],
    [say('jobs.show.ended'), job.endedAt === null ? null : instant(job.endedAt)],
    [say('jobs.show.node'), lease?.node ?? null],
    [say('jobs.show.heartbeat'), lease === null ? null : instant(lease.heartbeatAt)],
    [say('jobs.show.lease'), lease === null ? null : instant(lease.until)],
    [say('jobs.show.code'), job.code],
    [say('jobs.show.report'), job.report === null ? null : visible(job.report)],
    [say('jobs.show.statistics'), statistics === null ? null : say('jobs.statistics', { ...counts(statistics), open })],
  ];
  const shown = rows.filter(([, value]) => value !== null);
  const width = Math.max(...shown.map(([label]) => label.length));
  return [job.id, ...shown.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`)];
}

function counts({ conversations, ok, errors, known }: NonNullable<Job['statistics']>) {
  return { conversations, ok, errors, known };
}

export interface Reporter {
  tell(event: JobEvent): void;
  /** Ids, in their order; `failed` for good. */
  done: string[];
  failed: string[];
}

export function reporter({ say, stderr, lang }: CommandInput): Reporter {
  const [done, failed]: [string[], string[]] = [[], []];
  let away = false;
  const line = (event: JobEvent): string => {
    if (event.kind === 'store-away') return say('jobs.work.away');
    const { id, attempts: attempt, path } = event.job;
    const facts = { id, attempt, most: mostAttempts, path: visible(path) };
    if (event.kind === 'done') return say('jobs.work.done', { ...facts, report: visible(event.report) });
    if (event.kind !== 'failed') return say(`jobs.work.${event.kind}`, facts);
    const why = visible(explainError(event.error, lang).says);
    return say('jobs.work.failed', { ...facts, why, code: event.error.code });
  };
  return {
    done,
    failed,
    tell(event) {
      // Said once per absence.
      if (event.kind === 'store-away' && away) return;
      away = event.kind === 'store-away';
      if (event.kind === 'done') done.push(event.job.id);
      if (event.kind === 'failed' && event.job.attempts >= mostAttempts) failed.push(event.job.id);
      stderr.write(`${line(event)}\n`);
    },
  };
}

function instant(at: number): string {
  return new Date(at).toISOString();
}
