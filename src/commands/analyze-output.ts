// Where the report of `analyze` goes: files beside --out, or stdout; and what is said about it on stderr.
import { type BigIntStats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AnalysisResult } from '../analyze/analyse.ts';
import { endings, type ReportFormat, render, reportFormats } from '../analyze/report/render.ts';
import { words } from '../analyze/report/words.ts';
import { writable } from '../platform/base/unwritable.ts';
import { gathered, writeWhole } from '../platform/base/write-whole.ts';
import { type Severity, severities } from '../platform/documents/analysis.ts';
import { visible } from '../platform/reporting/visible.ts';
import { type CommandInput, usageError } from './command.ts';

export type Output = { format: ReportFormat; file: string | null };

/** Read and checked before the work begins. Throws ERR_USAGE. */
export function outputsOf(input: CommandInput): Output[] {
  const outputs = chosenOutputs(input);
  for (const { file } of outputs)
    if (file !== null && input.args.some((path) => isSameFile(path, file)))
      throw usageError(input, 'analyze', 'analyze.cli.out-is-input', { file });
  return outputs;
}

/** By whatever names: an export that its own report overwrote is gone. */
function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map(factsOf);
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
}

/** A place that may not be looked into is told when it is written to. */
function factsOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false, bigint: true });
  } catch {
    return undefined;
  }
}

function chosenOutputs(input: CommandInput): Output[] {
  const out = typeof input.options['out'] === 'string' ? input.options['out'] : null;
  const formats = formatsOf(input, out);
  if (out === null) {
    if (formats.length > 1) throw usageError(input, 'analyze', 'analyze.cli.several-formats');
    return formats.map((format) => ({ format, file: null }));
  }
  const target = isFolder(out) ? join(out, 'analysis') : out;
  const [only] = formats;
  if (formats.length === 1 && only !== undefined)
    return [{ format: only, file: target === out ? out : `${target}${endings[only]}` }];
  const base = withoutEnding(target);
  return formats.map((format) => ({ format, file: `${base}${endings[format]}` }));
}

function formatsOf(input: CommandInput, out: string | null): ReportFormat[] {
  const given = input.options['format'];
  if (given === undefined) return [(out === null ? undefined : formatOfEnding(out)) ?? 'md'];
  const names = String(given)
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const found = names.map((name) => {
    const format = reportFormats.find((known) => known === name);
    if (format === undefined)
      throw usageError(input, 'analyze', 'cli.usage.choice', { given: name, known: reportFormats.join(', ') });
    return format;
  });
  if (found.length === 0)
    throw usageError(input, 'analyze', 'cli.usage.choice', { given: String(given), known: reportFormats.join(', ') });
  return [...new Set(found)];
}

/** `--out report.html` alone says what it wants. */
function formatOfEnding(file: string): ReportFormat | undefined {
  const name = basename(file).toLowerCase();
  return (
    reportFormats.find((format) => name.endsWith(endings[format])) ?? (name.endsWith('.xml') ? 'junit' : undefined)
  );
}

function withoutEnding(file: string): string {
  const known = [...Object.values(endings), '.sarif.json', '.markdown', '.xml', '.htm'].sort(
    (a, b) => b.length - a.length,
  );
  const ending = known.find((one) => file.toLowerCase().endsWith(one) && basename(file).length > one.length);
  return ending === undefined ? file : file.slice(0, -ending.length);
}

function isFolder(path: string): boolean {
  return /[\\/]$/.test(path) || factsOf(path)?.isDirectory() === true;
}

/** With --json the document goes to stdout whatever else is written. Throws ERR_OUTPUT_UNWRITABLE. */
export async function writeOutputs(
  input: CommandInput,
  outputs: readonly Output[],
  result: AnalysisResult,
  failOn: Severity | undefined,
): Promise<void> {
  const { source } = result;
  for (const { format, file } of outputs) {
    if (file !== null) {
      save(file, render(format, source, failOn));
      input.stderr.write(`${input.say('analyze.cli.written', { file })}\n`);
    } else if (!input.json) await send(input, render(format, source, failOn));
  }
  if (input.json) await send(input, render('json', source));
  tell(input, result);
}

function save(file: string, pieces: Iterable<string>): void {
  writable(join(dirname(file), basename(file)), () => writeWhole(file, pieces));
}

async function send({ stdout }: CommandInput, pieces: Iterable<string>): Promise<void> {
  for (const piece of gathered(pieces)) {
    if (!stdout.write(piece)) await new Promise((resolve) => stdout.once('drain', resolve));
  }
}

function tell(input: CommandInput, { source, open }: AnalysisResult): void {
  const { say, stderr, lang } = input;
  const { number, counted } = words(lang);
  const { conversations, ok, errors } = source.statistics;
  for (const { source: file, why } of source.notRead.slice(0, 10))
    stderr.write(`${visible(say('analyze.cli.not-read', { source: file, why })).replaceAll('\n', ' ')}\n`);
  if (ok === 0) stderr.write(`${say('analyze.cli.done.none')}\n`);
  const by = severities
    .filter((severity) => open[severity] > 0)
    .map((severity) => `${number(open[severity])} ${counted(`analyze.severity.${severity}.noun`, open[severity])}`)
    .join(', ');
  const findings = by === '' ? say('analyze.cli.findings.none') : say('analyze.cli.findings', { by });
  const facts = { conversations: counted('analyze.count.conversations', conversations), ok, errors, findings };
  if (conversations > 0) stderr.write(`${say('analyze.cli.done', facts)}\n`);
}
