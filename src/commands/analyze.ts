// `rempart analyze`: exported conversations read, judged and reported, offline unless a narrator is asked for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AnalyseInput, type AnalysisResult, analyse } from '../analyze/analyse.ts';
import { rank } from '../analyze/report/source.ts';
import { RempartError } from '../platform/base/errors.ts';
import { type Severity, severities } from '../platform/documents/analysis.ts';
import { narratorOf } from './analyze-narrator.ts';
import { outputsOf, writeOutputs } from './analyze-output.ts';
import { watchProgress } from './analyze-progress.ts';
import { type Command, type CommandInput, usageError } from './command.ts';

export const analyze: Command = {
  name: 'analyze',
  summary: 'analyze.summary',
  more: 'analyze.more',
  positionals: { name: 'FILE|DIR|-', many: true },
  options: {
    out: { type: 'string', short: 'o', value: 'FILE', summary: 'analyze.cli.out' },
    format: { type: 'string', value: 'md,html,json,sarif,junit', summary: 'analyze.cli.format' },
    'fail-on': { type: 'string', value: 'SEVERITY', summary: 'analyze.cli.fail-on' },
    narrator: { type: 'string', value: 'none|ollama|mistral|openai', summary: 'analyze.cli.narrator' },
    date: { type: 'string', value: 'INSTANT', summary: 'analyze.cli.date' },
    resume: { type: 'boolean', summary: 'analyze.cli.resume' },
  },
  run: (input) => analyseLine(input).catch(withOwnExit),
};

/** A fault of ours must not look like --fail-on: 1 says that something is open, 3 that nothing could be judged. */
export function withOwnExit(error: unknown): never {
  const isOurs = !(error instanceof RempartError) || error.code === 'ERR_INTERNAL';
  const isAbort =
    error instanceof Error && (error.name === 'AbortError' || ('code' in error && error.code === 'ABORT_ERR'));
  throw isOurs && !isAbort ? new RempartError('ERR_ANALYSIS_INTERNAL', {}, error) : error;
}

async function analyseLine(input: CommandInput): Promise<number> {
  // Everything that can be wrong with the line is said before the first byte is read.
  const outputs = outputsOf(input);
  const failOn = severityOf(input);
  const date = dateOf(input);
  if (input.args.includes('-') && input.args.length > 1) throw usageError(input, 'analyze', 'analyze.cli.dash-twice');
  const narrate = narratorOf(input);
  const progress = watchProgress(input);
  const result = await analyse({
    paths: input.args,
    lang: input.lang,
    date,
    version: version(),
    signal: input.signal,
    onProgress: progress.show,
    ...(input.args.includes('-') ? { stdin: process.stdin } : {}),
    ...(input.options['resume'] === true ? { resumeFile: join(input.data, 'analyses', 'done.jsonl') } : {}),
    ...(narrate === undefined ? {} : { narrate: narrate satisfies AnalyseInput['narrate'] }),
  }).finally(() => progress.end());
  try {
    if (result.interrupted) {
      const key = input.options['resume'] === true ? 'analyze.cli.interrupted.kept' : 'analyze.cli.interrupted';
      input.stderr.write(`${input.say(key)}\n`);
      return 130;
    }
    await writeOutputs(input, outputs, result, failOn);
    return exitCode(input, result, failOn);
  } finally {
    result.close();
  }
}

/** 3: nothing could be read; 1: something as bad as was asked for is still open. */
function exitCode(input: CommandInput, { source, open }: AnalysisResult, failOn: Severity | undefined): number {
  if (source.statistics.ok === 0) return 3;
  if (failOn === undefined) return 0;
  const count = severities.filter((one) => rank(one) <= rank(failOn)).reduce((sum, one) => sum + open[one], 0);
  if (count === 0) return 0;
  input.stderr.write(
    `${input.say('analyze.cli.fail-on.reached', { count, severity: input.say(`analyze.severity.${failOn}`) })}\n`,
  );
  return 1;
}

function severityOf(input: CommandInput): Severity | undefined {
  const given = input.options['fail-on'];
  if (given === undefined) return undefined;
  const found = severities.find((severity) => severity === String(given).toLowerCase());
  if (found !== undefined) return found;
  throw usageError(input, 'analyze', 'cli.usage.choice', { given: String(given), known: severities.join(', ') });
}

/** An ISO 8601 instant; without an offset UTC is meant, without a time midnight. Without --date it is now, on this machine's clock. */
function dateOf(input: CommandInput): string {
  const given = input.options['date'];
  if (given === undefined) return localInstant(new Date());
  const [, day, time = '00:00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?$/i.exec(String(given)) ?? [];
  const iso = `${day}T${time.length === 5 ? `${time}:00` : time}${zone.toUpperCase()}`;
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // A day that no month has would roll over into the next.
  const real = day !== undefined && !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
  if (!real || Number.isNaN(Date.parse(iso)))
    throw usageError(input, 'analyze', 'analyze.cli.bad-date', { given: String(given) });
  return iso;
}

function localInstant(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const pad = (number: number) => String(number).padStart(2, '0');
  const zone = `${minutes < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`;
  const local = new Date(at.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  return `${local}${minutes === 0 ? 'Z' : zone}`;
}

function version(): string {
  const file = join(import.meta.dirname, '..', '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
