// `rempart posture scan`: the scan as a document, as text, as SARIF, as one diff.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadConfig } from '../config.ts';
import { explainError, RempartError } from '../platform/base/errors.ts';
import { fileIssue } from '../platform/base/schema-issue.ts';
import { type Posture, postureSchema, postureSeverities } from '../platform/documents/posture.ts';
import { visible } from '../platform/reporting/visible.ts';
import { hostFindings } from '../protect/posture/exposure/host-findings.ts';
import { scanHost } from '../protect/posture/exposure/scan-host.ts';
import { postureSarif } from '../protect/posture/sarif.ts';
import { type Scan, scanMachine, scanPaths } from '../protect/posture/scan.ts';
import { dashboardFacts, rememberScan } from '../protect/posture/score/dashboard.ts';
import { type CommandInput, usageError } from './command.ts';

const formats = ['sarif', 'json'];

export async function scanPosture(input: CommandInput): Promise<number> {
  const asked = formatsOf(input);
  const { ignore } = input.options;
  const patterns = typeof ignore === 'string' ? ignore.split(',').map((one) => one.trim()) : [];
  const options = { paths: input.args, lang: input.lang, say: input.say, now: Date.now, ignore: patterns };
  const done = input.args.length > 0 ? scanPaths(options) : await scanThisMachine(input, options);
  const document = postureSchema.parse(done.document);
  for (const error of done.broken) input.stderr.write(`${spoken(error, input)}\n`);
  for (const format of asked) writeFormat(input, format, done);
  const { patch } = input.options;
  if (typeof patch === 'string') save(input, patch, done.patch);
  if (input.json) input.stdout.write(`${JSON.stringify(document)}\n`);
  else input.stdout.write(`${asText(document, input, done.ignored).join('\n')}\n`);
  const nothing = document.scope === 'files' && document.files.length === 0;
  if (nothing) return 2;
  return done.broken.length > 0 || document.findings.some(({ severity }) => severity !== 'info') ? 1 : 0;
}

async function scanThisMachine(input: CommandInput, options: Parameters<typeof scanPaths>[0]): Promise<Scan> {
  const { lang, say, env, data } = input;
  const config = loadConfig({ file: input.configFile, asked: input.configAsked, env });
  const { firewall } = input.options;
  const host = await scanHost({
    lang,
    say,
    env,
    config,
    data,
    folder: '.',
    firewallFile: typeof firewall === 'string' ? firewall : undefined,
    modelPort: 11434,
    timeoutMs: 1_500,
  });
  const { facts, looked, hits } = await dashboardFacts(data, Date.now());
  for (const aspect of looked) host.looked.add(aspect);
  host.findings.push(...hostFindings(hits, lang));
  const done = scanMachine(options, host, facts);
  rememberScan(data, done.document);
  return done;
}

function formatsOf(input: CommandInput): string[] {
  const { format } = input.options;
  if (typeof format !== 'string') return [];
  const asked = format.split(',').map((one) => one.trim());
  const wrong = asked.find((one) => !formats.includes(one));
  if (wrong !== undefined) throw usageError(input, 'posture', 'posture.usage.format', { given: wrong });
  return asked;
}

function writeFormat(input: CommandInput, format: string, { document, sarif }: Scan): void {
  const { out } = input.options;
  const file = join(typeof out === 'string' ? out : '.', `posture.${format}`);
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const content = format === 'sarif' ? postureSarif(sarif, { lang: input.lang, version, root: uriOf }) : document;
  save(input, file, `${JSON.stringify(content, null, 2)}\n`);
}

function uriOf(file: string): string {
  return isAbsolute(file) ? pathToFileURL(file).href : encodeURI(file.replaceAll('\\', '/'));
}

function save(input: CommandInput, file: string, text: string): void {
  try {
    const { out } = input.options;
    if (typeof out === 'string') mkdirSync(out, { recursive: true });
    writeFileSync(file, text);
  } catch (error) {
    throw new RempartError('ERR_OUTPUT_UNWRITABLE', { file, what: fileIssue(error) }, error);
  }
  input.stderr.write(`${input.say('posture.text.written', { file })}\n`);
}

function spoken(error: RempartError, { lang }: CommandInput): string {
  const { says, todo } = explainError(error, lang);
  return `${says} (${error.code}). ${todo}`;
}

function asText(document: Posture, { say, lang }: CommandInput, ignored: number): string[] {
  const { findings, counts, score, threatLevel, threatBecause, notAssessed, scope, files } = document;
  const lines = findings.flatMap((finding) => {
    const { severity, rule, file, line, message, fix } = finding;
    const place = file === null ? '' : `${file}${line === null ? '' : `:${line}`}  `;
    return [
      `${say(`posture.severity.${severity}`)}  ${place}${rule}`,
      `  ${message}`,
      `  ${say('posture.text.fix', { fix })}`,
      '',
    ];
  });
  const left = say('posture.unread.ignored');
  const one = lang === 'fr' ? ignored < 2 : ignored === 1;
  const missed = [
    // Many files that somebody chose to leave out are one line; the document names them.
    ...notAssessed
      .filter(({ why }) => why !== left)
      .map(({ what, why }) => say('posture.text.not-assessed', { what, why })),
    ...(ignored === 0 ? [] : [say(one ? 'posture.text.ignored.one' : 'posture.text.ignored', { count: ignored })]),
  ];
  if (scope === 'files' && files.length === 0) return [...missed, say('posture.text.nothing-read')].map(visible);
  const patchable = findings.filter(({ patch }) => patch !== null).length;
  const percent = score.percent ?? 0;
  return [
    ...lines,
    ...(findings.length === 0
      ? [say('posture.text.none')]
      : [say('posture.text.summary', { count: findings.length, ...withAll(counts) })]),
    ...(patchable === 0 ? [] : [say('posture.text.patches', { count: patchable })]),
    score.percent === null ? say('posture.text.score.none') : say('posture.text.score', { ...score, percent }),
    say('posture.text.level', { level: threatLevel, because: threatBecause }),
    ...missed,
  ].map(visible);
}

function withAll(counts: Posture['counts']): Record<string, number> {
  return Object.fromEntries(postureSeverities.map((severity) => [severity, counts[severity] ?? 0]));
}
