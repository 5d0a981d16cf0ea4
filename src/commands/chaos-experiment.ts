// `simulate --experiment` and `--export-chaostoolkit`: experiments of Chaos Toolkit carried out, and written.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { loadExperiment } from '../simulate/chaostoolkit/experiment.ts';
import { exportExperiment } from '../simulate/chaostoolkit/export-experiment.ts';
import { runExperiment } from '../simulate/chaostoolkit/run-experiment.ts';
import { variablesOf } from '../simulate/chaostoolkit/variables.ts';
import { methodPlans } from '../simulate/scenarios/methods.ts';
import type { SimulationOptions } from '../simulate/scenarios/run-simulation.ts';
import type { CommandInput } from './command.ts';

/** Exit: 0 the hypothesis held, 1 the system deviated, 3 it did not hold before anything was done, 130 interrupted. */
export async function carryOutExperiment(input: CommandInput, file: string): Promise<number> {
  const { env, say, signal, stdout, stderr, options } = input;
  const experiment = loadExperiment(file);
  const variables = variablesOf(experiment, env, file);
  const all = [
    ['hypothesis', experiment.hypothesis?.probes ?? []],
    ['method', experiment.method],
    ['rollbacks', experiment.rollbacks],
  ] as const;
  if (options['dry-run'] === true) {
    for (const [part, activities] of all)
      for (const { name } of activities)
        stdout.write(`${say('report.chaos.activity', { part: say(`report.chaos.${part}`), name })}\n`);
    return 0;
  }
  const journalFile = typeof options['journal'] === 'string' ? options['journal'] : 'journal.json';
  const journal = await runExperiment(experiment, {
    variables,
    env,
    signal,
    journalFile,
    version: ownVersion(),
    authorised: options['i-am-authorised'] !== undefined,
    onActivity: (part, name) =>
      stderr.write(`${say('report.chaos.activity', { part: say(`report.chaos.${part}`), name })}\n`),
  });
  if (input.json) stdout.write(`${JSON.stringify(journal)}\n`);
  const outcome = journal.status === 'completed' && journal.deviated ? 'deviated' : journal.status;
  stderr.write(`${say(`report.chaos.${outcome}`, { file: journalFile })}\n`);
  return { completed: 0, deviated: 1, failed: 3, interrupted: 130 }[outcome];
}

export function writeExperiment(
  input: CommandInput,
  plan: Pick<SimulationOptions, 'profile' | 'scenarios' | 'methods' | 'pace' | 'seed' | 'allow' | 'authorisation'>,
  file: string,
): number {
  const { profile, scenarios, methods = [], pace, seed, allow, authorisation } = plan;
  const plans = methodPlans.filter(
    (one) =>
      scenarios.includes(one.scenario) &&
      (methods.length === 0 || methods.includes(one.method)) &&
      one.impossible(profile, allow) === null,
  );
  const experiment = exportExperiment({
    plans,
    target: profile.name,
    profile: relative(process.cwd(), profile.file) || profile.file,
    pace,
    seed,
    allowLoad: allow.load,
    authorisation,
    say: input.say,
  });
  writeFileSync(file, `${JSON.stringify(experiment, null, 2)}\n`);
  input.stderr.write(`${input.say('report.chaos.exported', { file })}\n`);
  return 0;
}

function ownVersion(): string {
  const file = join(import.meta.dirname, '..', '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
