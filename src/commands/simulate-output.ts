// What `simulate` says: progress and prose on stderr, the result on stdout.
import { join } from 'node:path';
import type { Simulation } from '../platform/documents/simulation.ts';
import { estimateSeconds } from '../simulate/scenarios/estimate.ts';
import { type MethodPlan, methodPlans } from '../simulate/scenarios/methods.ts';
import type { Progress, SimulationOptions } from '../simulate/scenarios/run-simulation.ts';
import type { CommandInput } from './command.ts';

/** Every step that would be taken, and none of them taken. */
export function tellPlan(input: CommandInput, plan: Planned): void {
  const steps = stepsOf(plan);
  const seconds = secondsOf(plan);
  if (input.json) {
    const listed = steps.map(({ scenario, method, why }) => ({
      scenario,
      method,
      runs: why === null,
      ...(why === null ? {} : { why: input.say(why) }),
    }));
    const { pace, runs } = plan;
    const head = { schema: 'rempart/simulation-plan@1', target: plan.profile.name, pace, runs, seconds };
    input.stdout.write(`${JSON.stringify({ ...head, steps: listed })}\n`);
    return;
  }
  for (const step of steps) input.stdout.write(`${stepLine(step, plan.pace, input)}\n`);
  input.stdout.write(`${durationLine(plan, input)}\n`);
}

type Planned = Pick<SimulationOptions, 'profile' | 'scenarios' | 'methods' | 'pace' | 'runs' | 'allow'>;

function stepsOf({ scenarios, methods, profile, allow }: Planned) {
  return methodPlans
    .filter(
      ({ scenario, method }) => scenarios.includes(scenario) && (methods?.length === 0 || methods?.includes(method)),
    )
    .map((method) => ({ ...method, why: method.impossible(profile, allow) }));
}

function secondsOf(plan: Planned): [number, number] {
  return estimateSeconds(
    stepsOf(plan).filter(({ why }) => why === null),
    plan,
  );
}

/** How long it will take, in minutes, for whoever waits. */
export function durationLine(plan: Planned, { say }: CommandInput): string {
  const [from, to] = secondsOf(plan).map((seconds) => Math.max(1, Math.ceil(seconds / 60)));
  const { pace, runs } = plan;
  return from === to
    ? say('simulate.cli.takes', { minutes: to ?? 1, pace, runs })
    : say('simulate.cli.takes.range', { from: from ?? 1, to: to ?? 1, pace, runs });
}

function stepLine(
  { scenario, method, why, quickMinMs, quickMaxMs, realMs }: MethodPlan & { why: ReturnType<MethodPlan['impossible']> },
  pace: 'real' | 'quick',
  { say }: CommandInput,
): string {
  if (why !== null) return say('simulate.cli.step-impossible', { scenario, method, why: say(why) });
  const [min, max] = pace === 'quick' ? [quickMinMs, quickMaxMs] : [realMs, realMs];
  return say('simulate.cli.step', { scenario, method, min: min / 1000, max: max / 1000 });
}

export function tellProgress({ stderr, say }: CommandInput, progress: Progress): void {
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
    case 'stopped':
      stderr.write(`${say('report.cli.stopped', { asked: progress.asked, failed: progress.failed })}\n`);
      return;
    case 'interrupted':
      stderr.write(`${say('simulate.cli.interrupted')}\n`);
  }
}

export function tellResult({ json, stdout, say }: CommandInput, doc: Simulation, out: string): void {
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
