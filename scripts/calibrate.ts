// The score checked with bots of known worth: one defect at a time must lose its points in its own cell, whole bots must land in their band.
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  dimensions,
  type MethodResult,
  methodIds,
  type Simulation,
  scenarioIds,
  simulationSchema,
} from '../src/platform/documents/simulation.ts';
import { sayer } from '../src/platform/i18n/say.ts';
import { computeReport, rubricName } from '../src/simulate/report/write-report.ts';
import { runSimulation } from '../src/simulate/scenarios/run-simulation.ts';
import { parseRubric } from '../src/simulate/scoring/rubric.ts';
import { loadProfile, type Profile } from '../src/simulate/targets/profile.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'targets', 'calibration');
const rubricText = readFileSync(join(root, 'scenarios', 'rubric.yaml'), 'utf8');
const rubric = parseRubric(rubricText);
const least = 2;

const place = z.templateLiteral([z.enum(scenarioIds), '/', z.enum(methodIds)]);
const range = z.tuple([z.number(), z.number()]);
const dimension = z.enum(dimensions);
const tableSchema = z.strictObject({
  mutants: z.array(z.strictObject({ defect: z.string(), in: place, cell: dimension })),
  bots: z.array(
    z.strictObject({
      name: z.string(),
      profile: z.string().default('careful.yaml'),
      defects: z.array(z.string()).default([]),
      /** Of what could be assessed. */
      percent: range,
      /** The lowest cell of each dimension. */
      cells: z.partialRecord(dimension, range).default({}),
    }),
  ),
});
type Table = z.output<typeof tableSchema>;
type Place = z.output<typeof place>;
type Dimension = z.output<typeof dimension>;

/** One method of each scenario: enough to see a bot's vices, in a minute each. */
const sample: readonly Place[] = [
  'api-maintenance/unavailable',
  'network-cut/mid-request',
  'key-compromised/revoked-401',
  'overload/cpu',
  'database-down/stopped',
  'quota-exhausted/hard-quota',
];

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
const work = mkdtempSync(join(tmpdir(), 'rempart-calibrate-'));
let runs = 0;

/** What was simulated before under the same rubric, by bot, defects and methods: an interrupted calibration goes on where it stopped. */
const finished = new Map<string, Simulation>();
let resumeFile: string | undefined;

function resumeFrom(file: string): void {
  resumeFile = file;
  if (!existsSync(file)) return;
  for (const text of readFileSync(file, 'utf8').split('\n')) {
    try {
      const { key, rubric: sha256, doc } = JSON.parse(text) as { key: string; rubric: string; doc: unknown };
      if (sha256 === rubric.sha256) finished.set(key, simulationSchema.parse(doc));
    } catch {
      // a line torn by the interruption, or of another version
    }
  }
}

async function simulate(profile: Profile, places: readonly Place[]): Promise<Simulation> {
  const key = JSON.stringify([profile.name, basename(profile.file), profile.start?.env['DEFECT'] ?? '', places]);
  const known = finished.get(key);
  if (known !== undefined) return known;
  const from = Date.now();
  const doc = await simulateAnew(profile, places);
  const outcomes = doc.scenarios.flatMap(({ methods }) => methods.map(({ outcome }) => outcome));
  // A method that said nothing this time is to be tried again, not remembered.
  if (resumeFile !== undefined && outcomes.every((outcome) => outcome === 'scored'))
    appendFileSync(resumeFile, `${JSON.stringify({ key, rubric: rubric.sha256, doc })}\n`);
  process.stderr.write(
    `${profile.start?.env['DEFECT'] || 'no defect'}: ${places.join(', ')}: ${Math.round((Date.now() - from) / 1000)} s\n`,
  );
  return doc;
}

async function simulateAnew(profile: Profile, places: readonly Place[]): Promise<Simulation> {
  const out = join(work, `run-${++runs}`);
  mkdirSync(out);
  writeFileSync(join(out, rubricName), rubricText);
  await runSimulation({
    profile,
    scenarios: scenarioIds.filter((id) => places.some((one) => one.startsWith(`${id}/`))),
    methods: methodIds.filter((id) => places.some((one) => one.endsWith(`/${id}`))),
    pace: 'quick',
    runs: 1,
    seed: 1,
    allow: { load: true },
    responsible: null,
    authorisation: null,
    lang: 'en',
    say: sayer('en'),
    rubric,
    out,
    undoDir: join(work, 'undo'),
    env: process.env,
    signal: stop.signal,
    onProgress: () => undefined,
  });
  if (stop.signal.aborted) throw new Error('interrupted');
  return computeReport(out).doc;
}

function withDefects(profile: Profile, defects: readonly string[]): Profile {
  const { start } = profile;
  if (start === undefined || defects.length === 0) return profile;
  return { ...profile, start: { ...start, env: { ...start.env, DEFECT: defects.join(',') } } };
}

async function oneMethod(profile: Profile, at: Place): Promise<MethodResult> {
  const [scenario, method] = at.split('/');
  const doc = await simulate(profile, [at]);
  const found = doc.scenarios.find(({ id }) => id === scenario)?.methods.find(({ id }) => id === method);
  if (found === undefined) throw new Error(`no result for ${at}`);
  return found;
}

interface Verdict {
  row: string[];
  good: boolean;
}

/** Points lost per cell; a cell that can no longer be assessed has lost nothing that could be shown. */
function lossesOf(before: MethodResult, after: MethodResult): Record<Dimension, number> {
  const loss = (one: Dimension) =>
    Math.round(100 * ((before.scores[one] ?? 0) - (after.scores[one] ?? before.scores[one] ?? 0))) / 100;
  return Object.fromEntries(dimensions.map((one) => [one, loss(one)])) as Record<Dimension, number>;
}

/** The checks of a cell that lost points and name no evidence, though there was something to name. */
function unshown(before: MethodResult, after: MethodResult, cell: Dimension): string[] {
  return after.checks
    .filter((check) => check.dimension === cell && check.evidence.length === 0)
    .filter((check) => {
      const was = before.checks.find(({ id }) => id === check.id);
      return check.points / check.of < (was === undefined ? 1 : was.points / was.of) - 0.05;
    })
    .map(({ id }) => id);
}

function judge(mutant: Table['mutants'][number], before: MethodResult, after: MethodResult): Verdict {
  const losses = lossesOf(before, after);
  const own = losses[mutant.cell];
  const others = dimensions.filter((one) => one !== mutant.cell);
  const worst = others.reduce((a, b) => (losses[b] > losses[a] ? b : a));
  const dark = others.filter((one) => losses[one] > 0.5).flatMap((one) => unshown(before, after, one));
  const why =
    after.outcome !== 'scored'
      ? `${after.outcome}: ${after.why ?? ''}`
      : own < least
        ? `loses less than ${least}`
        : losses[worst] > own + 0.005
          ? `loses more in ${worst}`
          : dark.length > 0
            ? `no evidence: ${dark.join(', ')}`
            : 'ok';
  const cell = (value: number | null) => (value === null ? '–' : value.toFixed(1));
  const other = losses[worst] >= 0.5 ? `${worst} −${losses[worst].toFixed(1)}` : '–';
  const change = `${cell(before.scores[mutant.cell])} → ${cell(after.scores[mutant.cell])}`;
  return { row: [mutant.defect, mutant.in, mutant.cell, change, other, why], good: why === 'ok' };
}

function judgeBot(bot: Table['bots'][number], doc: Simulation): Verdict {
  const inside = (value: number | null, [from, to]: readonly [number, number]) =>
    value !== null && value >= from && value <= to;
  const lowest = (one: Dimension) => Math.min(...doc.scenarios.map(({ scores }) => scores[one] ?? 20));
  const bands = Object.entries(bot.cells) as [Dimension, [number, number]][];
  const good = inside(doc.percentOfAssessable, bot.percent) && bands.every(([one, band]) => inside(lowest(one), band));
  const shown = bands.map(([one, [from, to]]) => `${one} ${lowest(one).toFixed(1)} (${from}–${to})`).join(', ');
  const percent = doc.percentOfAssessable?.toFixed(1) ?? '–';
  return {
    row: [bot.name, `${percent} %`, `${bot.percent[0]}–${bot.percent[1]} %`, shown || '–', good ? 'ok' : 'out of band'],
    good,
  };
}

function line(cells: readonly string[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

async function calibrateMutants(table: Table, careful: Profile, wanted: readonly string[]): Promise<boolean> {
  const mutants = table.mutants.filter(({ defect }) => wanted.length === 0 || wanted.includes(defect));
  if (mutants.length === 0) return true;
  line(['defect', 'tried in', 'own cell', 'before → after', 'largest other loss', 'verdict']);
  line(Array.from({ length: 6 }, () => '---'));
  const perfect = new Map<Place, MethodResult>();
  let good = true;
  for (const [index, mutant] of mutants.entries()) {
    process.stderr.write(`[${index + 1}/${mutants.length}] ${mutant.defect}\n`);
    const before = perfect.get(mutant.in) ?? (await oneMethod(careful, mutant.in));
    perfect.set(mutant.in, before);
    const verdict = judge(mutant, before, await oneMethod(withDefects(careful, [mutant.defect]), mutant.in));
    line(verdict.row);
    good &&= verdict.good;
  }
  return good;
}

async function calibrateBots(table: Table, wanted: readonly string[]): Promise<boolean> {
  const bots = table.bots.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  if (bots.length === 0) return true;
  process.stdout.write('\n');
  line(['bot', 'score', 'band', 'lowest cells (band)', 'verdict']);
  line(Array.from({ length: 5 }, () => '---'));
  let good = true;
  for (const [index, bot] of bots.entries()) {
    process.stderr.write(`[bot ${index + 1}/${bots.length}] ${bot.name}\n`);
    const profile = withDefects(loadProfile(join(folder, bot.profile)), bot.defects);
    const verdict = judgeBot(bot, await simulate(profile, sample));
    line(verdict.row);
    good &&= verdict.good;
  }
  return good;
}

const table = tableSchema.parse(parse(readFileSync(join(folder, 'defects.yaml'), 'utf8')));
const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { profile: { type: 'string', default: 'careful.yaml' }, resume: { type: 'string' } },
});
const known = new Set([...table.mutants.map(({ defect }) => defect), ...table.bots.map(({ name }) => name)]);
const stranger = wanted.find((name) => !known.has(name));
if (stranger !== undefined) {
  process.stderr.write(`calibrate: unknown defect or bot "${stranger}"; known: ${[...known].join(', ')}\n`);
  process.exitCode = 2;
} else {
  if (values.resume !== undefined) resumeFrom(values.resume);
  try {
    const mutants = await calibrateMutants(table, loadProfile(join(folder, values.profile)), wanted);
    // Whole bots are stated for the plain shape.
    const bots = values.profile !== 'careful.yaml' || (await calibrateBots(table, wanted));
    process.exitCode = mutants && bots ? 0 : 1;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
