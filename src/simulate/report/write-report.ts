// Writes a run's report files from its evidence and rubric; `rescore` writes the very same bytes.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RempartError } from '../../platform/base/errors.ts';
import { type Simulation, simulationSchema } from '../../platform/documents/simulation.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import { type Evidence, type EvidenceOf, evidenceLine } from '../scenarios/evidence.ts';
import { assess } from '../scoring/assess.ts';
import { parseRubric } from '../scoring/rubric.ts';
import { renderHtml } from './html.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';

export const evidenceName = 'evidence.jsonl';
export const rubricName = 'rubric.yaml';

export interface RunFiles {
  doc: Simulation;
  lines: number;
  files: Readonly<Record<'report.json' | 'report.md' | 'report.html' | 'junit.xml', string>>;
}

/** Computes the report of a run directory; writes nothing. Throws ERR_RUN_UNREADABLE. */
export function computeReport(dir: string, lang?: Lang): RunFiles {
  let evidenceText: string;
  let rubricText: string;
  try {
    evidenceText = readFileSync(join(dir, evidenceName), 'utf8');
    rubricText = readFileSync(join(dir, rubricName), 'utf8');
  } catch (error) {
    throw new RempartError(
      'ERR_RUN_UNREADABLE',
      { dir, what: (error as NodeJS.ErrnoException).code ?? 'unreadable' },
      error,
    );
  }
  const evidence = parseEvidence(dir, evidenceText);
  const begin = evidence.find((line): line is EvidenceOf<'run-begin'> => line.kind === 'run-begin');
  if (begin === undefined || !evidence.some((line) => line.kind === 'run-end')) {
    throw new RempartError('ERR_RUN_UNREADABLE', { dir, what: 'the evidence does not begin and end a run' });
  }
  const spoken = lang ?? begin.lang;
  const rubric = readRubric(dir, rubricText);
  const sha256 = createHash('sha256').update(evidenceText).digest('hex');
  const doc = simulationSchema.parse(
    assess({ evidence, rubric, lang: spoken, evidenceFile: { file: evidenceName, sha256 } }),
  );
  const input = { doc, evidence, lang: spoken };
  return {
    doc,
    lines: evidence.length,
    files: {
      'report.json': `${JSON.stringify(doc, null, 2)}\n`,
      'report.md': renderMarkdown(input),
      'report.html': renderHtml(input),
      'junit.xml': renderJunit(doc),
    },
  };
}

export function writeReport(dir: string, run: RunFiles): void {
  for (const [name, text] of Object.entries(run.files)) writeFileSync(join(dir, name), text, { mode: 0o600 });
}

function parseEvidence(dir: string, text: string): Evidence[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      try {
        return evidenceLine.parse(JSON.parse(line));
      } catch (error) {
        throw new RempartError(
          'ERR_RUN_UNREADABLE',
          { dir, what: `${evidenceName} line ${index + 1} is no evidence` },
          error,
        );
      }
    });
}

function readRubric(dir: string, text: string): ReturnType<typeof parseRubric> {
  try {
    return parseRubric(text);
  } catch (error) {
    throw new RempartError('ERR_RUN_UNREADABLE', { dir, what: `${rubricName} is no rubric` }, error);
  }
}
