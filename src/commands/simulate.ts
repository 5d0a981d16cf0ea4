// `rempart simulate`: the six failures against a target, evidence, score and report.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { near, nearest } from '../platform/base/nearest.ts';
import { type MethodId, type ScenarioId, type Simulation, scenarioIds } from '../platform/documents/simulation.ts';
import { blankGrid } from '../simulate/report/blank-grid.ts';
import { listMethods, listText } from '../simulate/report/catalogue.ts';
import { explainCheck, explanationText, knownChecks } from '../simulate/report/explain.ts';
import { renderPage } from '../simulate/report/html.ts';
import { words } from '../simulate/report/text.ts';
import { computeReport, rubricName, writeReport } from '../simulate/report/write-report.ts';
import { methodPlans } from '../simulate/scenarios/methods.ts';
import { runSimulation, type SimulationOptions } from '../simulate/scenarios/run-simulation.ts';
import { loadStated } from '../simulate/scenarios/stated.ts';
import { parseRubric } from '../simulate/scoring/rubric.ts';
import { refuseStrangers } from '../simulate/targets/loopback.ts';
import { loadProfile } from '../simulate/targets/profile.ts';
import { carryOutExperiment, writeExperiment } from './chaos-experiment.ts';
import { type Command, type CommandInput, usageError, wholeNumber } from './command.ts';
import { durationLine, tellPlan, tellProgress, tellResult } from './simulate-output.ts';

const root = join(import.meta.dirname, '..', '..');
const rubricFile = join(root, 'scenarios', 'rubric.yaml');
const builtinProfile = join(root, 'targets', 'builtin.yaml');

export const simulate: Command = {
  name: 'simulate',
  more: 'cli.simulate.more',
  summary: 'simulate.cli.summary',
  positionals: { name: 'SCENARIO', many: true, optional: true },
  options: {
    target: { type: 'string', value: 'PROFILE', summary: 'simulate.cli.target' },
    pace: { type: 'string', value: 'real|quick', summary: 'simulate.cli.pace' },
    runs: { type: 'string', value: 'N', summary: 'simulate.cli.runs' },
    seed: { type: 'string', value: 'N', summary: 'simulate.cli.seed' },
    method: { type: 'string', value: 'METHOD', summary: 'simulate.cli.method' },
    out: { type: 'string', value: 'DIR', summary: 'simulate.cli.out' },
    'fail-under': { type: 'string', value: 'PERCENT', summary: 'simulate.cli.fail-under' },
    'allow-load': { type: 'boolean', summary: 'simulate.cli.allow-load' },
    'allow-firewall': { type: 'boolean', summary: 'simulate.cli.allow-firewall' },
    'dry-run': { type: 'boolean', summary: 'simulate.cli.dry-run' },
    responsible: { type: 'string', value: 'NAME', summary: 'simulate.cli.responsible' },
    observations: { type: 'string', value: 'FILE', summary: 'report.cli.observations' },
    'day-rate': { type: 'string', value: 'EUROS', summary: 'report.cli.day-rate' },
    'stop-when': { type: 'string', value: 'PERCENT', summary: 'report.cli.stop-when' },
    list: { type: 'boolean', summary: 'report.cli.list' },
    explain: { type: 'string', value: 'CHECK', summary: 'report.cli.explain' },
    'blank-grid': { type: 'string', value: 'FILE.html', summary: 'report.cli.blank-grid' },
    'export-chaostoolkit': { type: 'string', value: 'FILE', summary: 'report.cli.export-chaostoolkit' },
    experiment: { type: 'string', value: 'FILE', summary: 'report.cli.experiment' },
    journal: { type: 'string', value: 'FILE', summary: 'report.cli.journal' },
    'i-am-authorised': { type: 'string', value: 'TEXT', summary: 'simulate.cli.authorised' },
  },
  async run(input) {
    if (input.options['list'] === true) return list(input);
    const blank = textOption(input, 'blank-grid');
    if (blank !== undefined) return writeBlankGrid(input, blank);
    const check = textOption(input, 'explain');
    if (check !== undefined) return explain(input, check);
    const experiment = textOption(input, 'experiment');
    if (experiment !== undefined) return carryOutExperiment(input, experiment);
    const plan = planOf(input);
    const exported = textOption(input, 'export-chaostoolkit');
    if (exported !== undefined) return writeExperiment(input, plan, exported);
    if (input.options['dry-run'] === true) {
      tellPlan(input, plan);
      return 0;
    }
    const startedAt = new Date();
    input.stderr.write(`${durationLine(plan, input)}\n`);
    const out = textOption(input, 'out') ?? join(input.data, 'runs', runId(startedAt));
    // As the evidence: what a target said is for those who ran it.
    mkdirSync(out, { recursive: true, mode: 0o700 });
    writeFileSync(join(out, rubricName), readFileSync(rubricFile), { mode: 0o600 });
    const run = await runSimulation({
      ...plan,
      lang: input.lang,
      say: input.say,
      rubric: parseRubric(readFileSync(rubricFile, 'utf8')),
      out,
      undoDir: resolve(input.data, 'undo'),
      env: input.env,
      signal: input.signal,
      onProgress: (progress) => tellProgress(input, progress),
    });
    const report = computeReport(out);
    writeReport(out, report);
    tellResult(input, report.doc, out);
    if (run.interrupted) return 130;
    return exitCode(input, report.doc, run.stopped);
  },
};

type Plan = Pick<
  SimulationOptions,
  | 'profile'
  | 'scenarios'
  | 'methods'
  | 'pace'
  | 'runs'
  | 'seed'
  | 'allow'
  | 'responsible'
  | 'authorisation'
  | 'dayRate'
  | 'stopWhen'
  | 'stated'
>;

function planOf(input: CommandInput): Plan {
  const pace = textOption(input, 'pace') ?? 'quick';
  if (pace !== 'quick' && pace !== 'real')
    throw usageError(input, 'simulate', 'simulate.cli.unknown-pace', { given: pace });
  failUnder(input); // refused now, not after four minutes
  const profile = loadProfile(textOption(input, 'target') ?? builtinProfile);
  const authorisation = textOption(input, 'i-am-authorised') ?? null;
  if (authorisation === null) refuseStrangers(profile);
  const observations = textOption(input, 'observations');
  const stopWhen = wholeNumber(input, 'simulate', 'stop-when', { min: 1, max: 100 }) ?? usualStop(profile);
  const dayRate = wholeNumber(input, 'simulate', 'day-rate', { min: 1, max: 100_000 });
  const scenarios = scenariosOf(input);
  return {
    profile,
    scenarios,
    methods: methodsOf(input, scenarios),
    pace,
    runs: wholeNumber(input, 'simulate', 'runs', { min: 1, max: 100 }) ?? (pace === 'real' ? 3 : 1),
    seed: wholeNumber(input, 'simulate', 'seed', { min: 0, max: 2 ** 31 - 1 }) ?? 1,
    allow: { load: input.options['allow-load'] === true, firewall: input.options['allow-firewall'] === true },
    responsible: textOption(input, 'responsible') ?? null,
    authorisation,
    ...(stopWhen === undefined ? {} : { stopWhen }),
    ...(dayRate === undefined ? {} : { dayRate }),
    ...(observations === undefined ? {} : { stated: loadStated(observations) }),
  };
}

/** A target that the simulator did not start may be in use by others: it is left in peace when it is unwell. */
function usualStop({ start }: SimulationOptions['profile']): number | undefined {
  return start === undefined ? 50 : undefined;
}

function scenariosOf(input: CommandInput): ScenarioId[] {
  for (const given of input.args) {
    if ((scenarioIds as string[]).includes(given)) continue;
    const facts = { given, nearest: near(given, scenarioIds), known: scenarioIds.join(', ') };
    const key = facts.nearest === '' ? 'simulate.cli.unknown-scenario.far' : 'simulate.cli.unknown-scenario';
    throw usageError(input, 'simulate', key, facts);
  }
  return input.args.length === 0 ? scenarioIds : scenarioIds.filter((id) => input.args.includes(id));
}

function methodsOf(input: CommandInput, scenarios: readonly ScenarioId[]): MethodId[] {
  const known = methodPlans.filter((plan) => scenarios.includes(plan.scenario)).map((plan) => plan.method as string);
  const given = textOption(input, 'method')?.split(',') ?? [];
  for (const method of given) {
    if (!known.includes(method))
      throw usageError(input, 'simulate', 'simulate.cli.unknown-method', { given: method, known: known.join(', ') });
  }
  return given as MethodId[];
}

function list(input: CommandInput): number {
  const methods = listMethods(words(input.lang));
  input.stdout.write(
    input.json ? `${JSON.stringify({ schema: 'rempart/methods@1', methods })}\n` : listText(methods, words(input.lang)),
  );
  return 0;
}

function writeBlankGrid(input: CommandInput, file: string): number {
  writeFileSync(file, renderPage(blankGrid(input.lang)));
  input.stderr.write(`${input.say('report.cli.blank-written', { file })}\n`);
  return 0;
}

function explain(input: CommandInput, check: string): number {
  const rubric = parseRubric(readFileSync(rubricFile, 'utf8'));
  const found = explainCheck(check, rubric, words(input.lang));
  if (found === null) {
    const known = knownChecks(rubric);
    throw usageError(input, 'simulate', 'report.cli.unknown-check', {
      given: check,
      nearest: nearest(check, known),
      known: known.join(', '),
    });
  }
  input.stdout.write(input.json ? `${JSON.stringify(found)}\n` : explanationText(found, words(input.lang)));
  return 0;
}

/** 1: the score is under the bar, the run was stopped, or something could not be put back; 3: nothing could be assessed. */
function exitCode(input: CommandInput, doc: Simulation, stopped: boolean): number {
  if (!doc.restored || stopped) return 1;
  if (doc.assessable === 0) return 3;
  const bar = failUnder(input);
  return bar !== undefined && doc.percent < bar ? 1 : 0;
}

function failUnder(input: CommandInput): number | undefined {
  const given = textOption(input, 'fail-under');
  if (given === undefined) return undefined;
  const bar = /^\d{1,3}(\.\d+)?$/.test(given) ? Number(given) : Number.NaN;
  if (bar >= 0 && bar <= 100) return bar;
  throw usageError(input, 'simulate', 'simulate.cli.bad-percent', { given });
}

function textOption(input: CommandInput, name: string): string | undefined {
  const value = input.options[name];
  return typeof value === 'string' ? value : undefined;
}

function runId(at: Date): string {
  return at.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
}
