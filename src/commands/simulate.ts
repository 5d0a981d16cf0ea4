// `rempart simulate`: the six failures against a target, evidence, score and report.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RempartError } from '../platform/base/errors.ts';
import { nearest } from '../platform/base/nearest.ts';
import { type MethodId, type ScenarioId, type Simulation, scenarioIds } from '../platform/documents/simulation.ts';
import { computeReport, rubricName, writeReport } from '../simulate/report/write-report.ts';
import { methodPlans } from '../simulate/scenarios/methods.ts';
import { type Progress, runSimulation, type SimulationOptions } from '../simulate/scenarios/run-simulation.ts';
import { parseRubric } from '../simulate/scoring/rubric.ts';
import { loadProfile, type Profile } from '../simulate/targets/profile.ts';
import { type Command, type CommandInput, usageError, wholeNumber } from './command.ts';

const root = join(import.meta.dirname, '..', '..');
const rubricFile = join(root, 'scenarios', 'rubric.yaml');
const builtinProfile = join(root, 'targets', 'builtin.yaml');

export const simulate: Command = {
  name: 'simulate',
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
    'dry-run': { type: 'boolean', summary: 'simulate.cli.dry-run' },
    responsible: { type: 'string', value: 'NAME', summary: 'simulate.cli.responsible' },
    'i-am-authorised': { type: 'string', value: 'TEXT', summary: 'simulate.cli.authorised' },
  },
  async run(input) {
    const plan = planOf(input);
    if (input.options['dry-run'] === true) return dryRun(input, plan);
    const startedAt = new Date();
    const out = textOption(input, 'out') ?? join(input.data, 'runs', runId(startedAt));
    mkdirSync(out, { recursive: true });
    copyFileSync(rubricFile, join(out, rubricName));
    const run = await runSimulation({
      ...plan,
      lang: input.lang,
      say: input.say,
      rubric: parseRubric(readFileSync(rubricFile, 'utf8')),
      out,
      undoDir: resolve(input.data, 'undo'),
      env: input.env,
      signal: input.signal,
      onProgress: (progress) => tell(input, progress),
    });
    const report = computeReport(out);
    writeReport(out, report);
    conclude(input, report.doc, out);
    if (run.interrupted) return 130;
    return exitCode(input, report.doc);
  },
};

type Plan = Pick<
  SimulationOptions,
  'profile' | 'scenarios' | 'methods' | 'pace' | 'runs' | 'seed' | 'allow' | 'responsible' | 'authorisation'
>;

function planOf(input: CommandInput): Plan {
  const pace = textOption(input, 'pace') ?? 'quick';
  if (pace !== 'quick' && pace !== 'real')
    throw usageError(input, 'simulate', 'simulate.cli.unknown-pace', { given: pace });
  failUnder(input); // refused now, not after four minutes
  const profile = loadProfile(textOption(input, 'target') ?? builtinProfile);
  const authorisation = textOption(input, 'i-am-authorised') ?? null;
  if (authorisation === null) refuseStrangers(profile);
  const scenarios = scenariosOf(input);
  return {
    profile,
    scenarios,
    methods: methodsOf(input, scenarios),
    pace,
    runs: wholeNumber(input, 'simulate', 'runs', { min: 1, max: 100 }) ?? (pace === 'real' ? 3 : 1),
    seed: wholeNumber(input, 'simulate', 'seed', { min: 0, max: 2 ** 31 - 1 }) ?? 1,
    allow: { load: input.options['allow-load'] === true },
    responsible: textOption(input, 'responsible') ?? null,
    authorisation,
  };
}

function scenariosOf(input: CommandInput): ScenarioId[] {
  for (const given of input.args) {
    if ((scenarioIds as string[]).includes(given)) continue;
    throw usageError(input, 'simulate', 'simulate.cli.unknown-scenario', {
      given,
      nearest: nearest(given, scenarioIds),
      known: scenarioIds.join(', '),
    });
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

/** Breaking things on another machine needs the consent of whoever owns it. */
function refuseStrangers(profile: Profile): void {
  const urls = [
    profile.ask.request.url,
    profile.history?.request.url,
    profile.health?.url,
    profile.start?.ready?.url,
    profile.upstream.real,
  ];
  for (const url of urls) {
    if (typeof url !== 'string') continue;
    const host = /^[a-z]+:\/\/(\[[^\]]*\]|[^/:]+)/i.exec(url)?.[1] ?? '';
    // A real upstream is only called, as the target itself calls it; the target is what is broken.
    if (url === profile.upstream.real || isLoopback(host)) continue;
    throw new RempartError('ERR_TARGET_NOT_LOCAL', { host });
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function dryRun(input: CommandInput, plan: Plan): number {
  const steps = methodPlans
    .filter(
      ({ scenario, method }) =>
        plan.scenarios.includes(scenario) && (plan.methods?.length === 0 || plan.methods?.includes(method)),
    )
    .map((method) => ({ ...method, why: method.impossible(plan.profile, plan.allow) }));
  if (input.json) {
    const listed = steps.map(({ scenario, method, why }) => ({
      scenario,
      method,
      runs: why === null,
      ...(why === null ? {} : { why: input.say(why) }),
    }));
    input.stdout.write(
      `${JSON.stringify({ schema: 'rempart/simulation-plan@1', target: plan.profile.name, pace: plan.pace, runs: plan.runs, steps: listed })}\n`,
    );
    return 0;
  }
  for (const { scenario, method, why, quickMinMs, quickMaxMs, realMs } of steps) {
    const [min, max] = plan.pace === 'quick' ? [quickMinMs, quickMaxMs] : [realMs, realMs];
    input.stdout.write(
      `${why === null ? input.say('simulate.cli.step', { scenario, method, min: min / 1000, max: max / 1000 }) : input.say('simulate.cli.step-impossible', { scenario, method, why: input.say(why) })}\n`,
    );
  }
  return 0;
}

function tell({ stderr, say }: CommandInput, progress: Progress): void {
  switch (progress.kind) {
    case 'replayed':
      for (const { what, ok } of progress.replayed)
        stderr.write(`${say(ok ? 'simulate.cli.replayed' : 'simulate.cli.replay-failed', { what })}\n`);
      return;
    case 'method':
      stderr.write(
        `${say('simulate.cli.progress', { index: progress.index, count: progress.count, scenario: progress.plan.scenario, method: progress.plan.method })}\n`,
      );
      return;
    case 'interrupted':
      stderr.write(`${say('simulate.cli.interrupted')}\n`);
  }
}

function conclude({ json, stdout, say }: CommandInput, doc: Simulation, out: string): void {
  if (json) {
    stdout.write(`${JSON.stringify(doc)}\n`);
    return;
  }
  for (const { id, scores, total } of doc.scenarios) {
    const cells = Object.values(scores).map((cell) => (cell === null ? '  – ' : cell.toFixed(1).padStart(4)));
    const sum = total === null ? say('simulate.cli.no-scenario-total') : `${total.toFixed(1)}/100`;
    stdout.write(`${say(`simulate.scenario.${id}`).padEnd(24)} ${cells.join('  ')}  ${sum}\n`);
  }
  const leaks = doc.scenarios.flatMap(({ methods }) =>
    methods.flatMap(({ leaks: found }) => found.map((leak) => `${leak.canary ?? leak.pattern} (${leak.channel})`)),
  );
  if (leaks.length > 0) stdout.write(`${say('simulate.cli.leaks', { what: [...new Set(leaks)].join(', ') })}\n`);
  const level = say(`simulate.level.${doc.level}`);
  stdout.write(
    `${say('simulate.cli.score', { score: doc.score, percent: doc.percent, assessable: doc.assessable, level })}\n`,
  );
  if (doc.provisional) stdout.write(`${say('simulate.cli.provisional')}\n`);
  stdout.write(`${doc.restoreProof}\n${say('simulate.cli.report', { file: join(out, 'report.html') })}\n`);
}

/** 1: the score is under the bar, or something could not be put back; 3: nothing could be assessed. */
function exitCode(input: CommandInput, doc: Simulation): number {
  if (!doc.restored) return 1;
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
