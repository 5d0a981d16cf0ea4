// What one method run's evidence says while it is still growing: the runner waits by it, and decides no point.
import { healthSeen } from '../scoring/detection.ts';
import { healthBaseline, healthDeviations } from '../scoring/health.ts';
import { lostMessages } from '../scoring/history.ts';
import { type MethodRun, methodRuns } from '../scoring/method-run.ts';
import type { Evidence } from './evidence.ts';
import type { MethodPlan } from './methods.ts';
import type { Recorder } from './recorder.ts';

export interface SoFar {
  facts(): readonly Evidence[];
  /** This run's facts as scoring will see them; judged anew only when there are new ones. */
  run(): MethodRun | undefined;
  /** Whether more time could still change a check: an alert, the health page, and two answers for each user. */
  decided(users: readonly string[]): boolean;
  /** A setting that the target does not heed: its calls go through as ever, and there is nothing to wait for. */
  untouched(): boolean;
  /** Whether each of these users got an ordinary answer after the fault. */
  served(users: readonly string[]): boolean;
  /** Whether the process ended by itself and was not started since. */
  dead(): boolean;
  lost(): number;
  healthReturned(): boolean;
}

export interface SoFarParts {
  recorder: Recorder;
  promises: Readonly<Record<string, boolean>>;
  now: () => number;
}

/** `firstFact` is how many facts there were before this method run. */
export function followEvidence(plan: MethodPlan, parts: SoFarParts, firstFact: number): SoFar {
  const { recorder, promises } = parts;
  let judged: { at: number; run: MethodRun | undefined } = { at: -1, run: undefined };
  const facts = () => recorder.facts.slice(firstFact);
  const run = () => {
    const at = recorder.facts.length;
    if (at !== judged.at) {
      judged = { at, run: methodRuns([...facts(), { id: '', kind: 'method-end', t: parts.now() }])[0] };
    }
    return judged.run;
  };
  return {
    facts,
    run,
    decided: (users) => {
      const now = run();
      return now !== undefined && isDecided(now, users, plan, promises);
    },
    untouched: () => {
      const now = run();
      const from = now?.injected?.t ?? Number.POSITIVE_INFINITY;
      // Its calls are refused by the fault proxy itself, and those with a spare key pass.
      if (plan.method === 'invalid-key') return false;
      return now?.calls.some((call) => call.t >= from && call.outcome === 'passed' && call.marker !== null) ?? false;
    },
    served: (users) => {
      const now = run();
      const from = now?.cleared?.t ?? Number.POSITIVE_INFINITY;
      return users.every((user) =>
        now?.asks.some(({ ask, kind }) => ask.user === user && ask.t >= from && kind === 'served'),
      );
    },
    dead: () => facts().findLast((fact) => fact.kind === 'process')?.state === 'exited',
    lost: () => {
      const now = run();
      return now === undefined ? 0 : lostMessages(now).lost.length;
    },
    healthReturned: () => {
      const now = run();
      // A compromised key stays out after the fault: a page that goes on saying so is not waited for.
      if (now === undefined || now.scenario === 'key-compromised') return true;
      return healthSeen(now, steadyOf(now))?.returned ?? true;
    },
  };
}

function isDecided(
  run: MethodRun,
  users: readonly string[],
  plan: MethodPlan,
  promises: SoFarParts['promises'],
): boolean {
  const from = run.injected?.t ?? 0;
  const asks = run.asks.filter(({ ask }) => ask.t >= from);
  if (!users.every((user) => asks.filter(({ ask }) => ask.user === user).length >= 2)) return false;
  const seen =
    !promises['health'] ||
    run.health.some((fact) => fact.t >= from && healthDeviations(steadyOf(run), fact).length > 0);
  const alerted = !promises['alerts'] || run.alerts.some((fact) => fact.t >= from);
  // Nobody was disturbed: then there is no alert to wait for, except where one is always due.
  const healed = asks.every(({ kind }) => kind === 'served');
  const due = plan.scenario === 'key-compromised' || plan.scenario === 'database-down' || plan.method === 'cpu';
  return (seen && alerted) || (healed && !due);
}

function steadyOf(run: MethodRun) {
  return healthBaseline(run.health.filter((fact) => fact.phase === 'baseline'));
}
