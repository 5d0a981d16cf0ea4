// Writes what is made from code: docs/errors.md, docs/schemas/, Prometheus' rules; with --check, only says what is out of date (exit 1).
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { type ErrorCode, errorCatalogue } from '../src/platform/base/errors.ts';
import { analysisSchema } from '../src/platform/documents/analysis.ts';
import { comparisonSchema } from '../src/platform/documents/comparison.ts';
import { driftSchema } from '../src/platform/documents/drift.ts';
import { drillSchema } from '../src/platform/documents/drill.ts';
import { gameDaySchema } from '../src/platform/documents/game-day.ts';
import { incidentSchema } from '../src/platform/documents/incident.ts';
import { incidentsSchema, incidentTypesSchema, questionSchema } from '../src/platform/documents/incidents.ts';
import {
  jobCancellationSchema,
  jobSchema,
  jobsAddedSchema,
  jobsSchema,
  jobsWorkSchema,
} from '../src/platform/documents/jobs.ts';
import { kpisSchema } from '../src/platform/documents/kpi.ts';
import { modelsSchema } from '../src/platform/documents/models.ts';
import { playbookPlanSchema, playbookRunSchema, playbooksSchema } from '../src/platform/documents/playbook.ts';
import { postureSchema } from '../src/platform/documents/posture.ts';
import { attackSchema } from '../src/platform/documents/posture-attack.ts';
import { planSchema, risksSchema } from '../src/platform/documents/posture-risks.ts';
import { erasureSchema, privacyExportSchema, retentionDocumentSchema } from '../src/platform/documents/privacy.ts';
import { backupsSchema, rollbackSchema } from '../src/platform/documents/rollback.ts';
import { simulationSchema } from '../src/platform/documents/simulation.ts';
import { targetCheckSchema } from '../src/platform/documents/target-check.ts';
import { verdictSchema } from '../src/platform/documents/verdict.ts';
import { type Lang, say } from '../src/platform/i18n/say.ts';
import { loadRules } from '../src/platform/inspection/code-rules/rule-set.ts';
import { prometheusRules } from '../src/protect/alert-rules/prometheus-rules.ts';
import { actionExtensionSchema } from '../src/respond/playbooks/playbook.ts';

const root = join(import.meta.dirname, '..');
const docs = join(root, 'docs');

const words = {
  en: {
    title: 'English',
    columns: ['Code', 'Exit', 'HTTP', 'What it says', 'What to do'],
  },
  fr: {
    title: 'Français',
    columns: ['Code', 'Sortie', 'HTTP', 'Ce que le message dit', 'Que faire'],
  },
} as const satisfies Record<Lang, { title: string; columns: readonly string[] }>;

/** The page as it has to be now. */
export function errorsPage(): string {
  const opening = [
    '# Errors',
    '',
    'Every error has one code, one sentence and one thing to do. Words in braces are filled in where the error happens.',
    'Exit is the exit code of a command, HTTP the status where a server answers. Written by `node scripts/docs.ts`.',
    '',
  ];
  return `${[...opening, ...table('en'), '', ...table('fr')].join('\n')}\n`;
}

function table(lang: Lang): string[] {
  const { title, columns } = words[lang];
  const codes = Object.keys(errorCatalogue).sort() as ErrorCode[];
  return [
    `## ${title}`,
    '',
    `| ${columns.join(' | ')} |`,
    `|${columns.map(() => ' --- |').join('')}`,
    ...codes.map((code) => `| ${row(code, lang).join(' | ')} |`),
  ];
}

function row(code: ErrorCode, lang: Lang): string[] {
  const entry = errorCatalogue[code];
  const http = 'http' in entry ? String(entry.http) : '–';
  return [`\`${code}\``, String(entry.exit), http, say(lang, code), say(lang, `${code}.do`)].map((cell) =>
    cell.replaceAll('|', '\\|').replaceAll('\n', ' '),
  );
}

/** The JSON Schema (2020-12) of a document that others read. */
export function schemaFile(schema: z.ZodType): string {
  return `${JSON.stringify(z.toJSONSchema(schema), null, 2)}\n`;
}

/** All code rules, by language. */
export function rulesPage(): string {
  const { rules } = loadRules();
  const rows = rules.map(({ id, title, cwe, severity, confidence }) =>
    [`\`${id}\``, title.en, title.fr, cwe.join(', '), severity, confidence].map((cell) => cell.replaceAll('|', '\\|')),
  );
  return `${[
    '# Table of code rules',
    '',
    `${rules.length} rules; how one is written: [rules.md](rules.md). Written by \`node scripts/docs.ts\`.`,
    '',
    '| Rule | What it finds | Ce qu’elle trouve | CWE | Severity | Confidence |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.sort(([a = ''], [b = '']) => (a < b ? -1 : 1)).map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n')}\n`;
}

/** Every generated file, by its path under docs/. */
export function generatedFiles(): Record<string, string> {
  return {
    '../deploy/prometheus/rempart.rules.yml': prometheusRules(),
    'errors.md': errorsPage(),
    'rules-table.md': rulesPage(),
    'schemas/analysis@1.json': schemaFile(analysisSchema),
    'schemas/comparison@1.json': schemaFile(comparisonSchema),
    'schemas/drill@1.json': schemaFile(drillSchema),
    'schemas/drift@1.json': schemaFile(driftSchema),
    'schemas/gameday@1.json': schemaFile(gameDaySchema),
    'schemas/incident@1.json': schemaFile(incidentSchema),
    'schemas/incident-types@1.json': schemaFile(incidentTypesSchema),
    'schemas/incidents@1.json': schemaFile(incidentsSchema),
    'schemas/question@1.json': schemaFile(questionSchema),
    'schemas/job@1.json': schemaFile(jobSchema),
    'schemas/job-cancellation@1.json': schemaFile(jobCancellationSchema),
    'schemas/jobs@1.json': schemaFile(jobsSchema),
    'schemas/jobs-added@1.json': schemaFile(jobsAddedSchema),
    'schemas/jobs-work@1.json': schemaFile(jobsWorkSchema),
    'schemas/kpi@1.json': schemaFile(kpisSchema),
    'schemas/models@1.json': schemaFile(modelsSchema),
    'schemas/attack@1.json': schemaFile(attackSchema),
    'schemas/plan@1.json': schemaFile(planSchema),
    'schemas/playbook-action@1.json': schemaFile(actionExtensionSchema),
    'schemas/playbook-plan@1.json': schemaFile(playbookPlanSchema),
    'schemas/playbook-run@1.json': schemaFile(playbookRunSchema),
    'schemas/playbooks@1.json': schemaFile(playbooksSchema),
    'schemas/posture@1.json': schemaFile(postureSchema),
    'schemas/risks@1.json': schemaFile(risksSchema),
    'schemas/erasure@1.json': schemaFile(erasureSchema),
    'schemas/privacy-export@1.json': schemaFile(privacyExportSchema),
    'schemas/retention@1.json': schemaFile(retentionDocumentSchema),
    'schemas/backups@1.json': schemaFile(backupsSchema),
    'schemas/rollback@1.json': schemaFile(rollbackSchema),
    'schemas/simulation@1.json': schemaFile(simulationSchema),
    'schemas/target-check@1.json': schemaFile(targetCheckSchema),
    'schemas/verdict@1.json': schemaFile(verdictSchema),
  };
}

if (import.meta.main) {
  const check = process.argv.includes('--check');
  for (const [name, text] of Object.entries(generatedFiles())) {
    const file = join(docs, name);
    const current = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (current === text) continue;
    const shown = relative(root, file).replaceAll('\\', '/');
    if (check) {
      console.error(`${shown} differs from the code it is made from: run "node scripts/docs.ts"`);
      process.exitCode = 1;
      continue;
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`${shown}: written`);
  }
}
