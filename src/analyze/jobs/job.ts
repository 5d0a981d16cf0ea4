// A job: one export to be analysed by whichever node takes it, and what became of it.
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { Severity } from '../../platform/documents/analysis.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { ReportFormat } from '../report/render.ts';

export const jobStates = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const;
export type JobState = (typeof jobStates)[number];

/** What is to be done, fixed when the job is added. */
export interface JobOrder {
  /** Absolute; every node reads it there. */
  path: string;
  /** Of what lay at the path then. */
  contentHash: string;
  formats: readonly ReportFormat[];
  lang: Lang;
  /** The program's version and the rules' hash. */
  engine: string;
}

export interface JobStatistics {
  conversations: number;
  ok: number;
  errors: number;
  /** Taken from an attempt that was cut short. */
  known: number;
  open: Record<Severity, number>;
}

export interface Job extends JobOrder {
  id: string;
  state: JobState;
  attempts: number;
  createdAt: number;
  endedAt: number | null;
  /** Who has it, since when it was last heard of, and until when it is theirs; null unless it runs. */
  lease: { node: string; heartbeatAt: number; until: number } | null;
  code: string | null;
  report: string | null;
  statistics: JobStatistics | null;
}

export const mostAttempts = 3;

/** Where the export lies does not count, its name does: reports show it. */
export function jobId({ path, contentHash, formats, lang, engine }: JobOrder): string {
  const parts = [basename(path), contentHash, [...formats].sort(), lang, engine];
  return `job-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)}`;
}
