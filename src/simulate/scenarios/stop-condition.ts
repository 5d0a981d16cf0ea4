// When to break nothing more: a target that fails too often while nothing is broken is in trouble of its own.
import { affectedAsks, type MethodRun } from '../scoring/method-run.ts';

/** Fewer questions than this say nothing yet. */
const leastAsked = 4;

export interface Outside {
  asked: number;
  failed: number;
}

/** The questions before a fault and after everything was well again, and how many of them got no ordinary answer. */
export function failuresOutside(runs: readonly MethodRun[]): Outside {
  const calm = runs.flatMap((run) => {
    const affected = new Set(affectedAsks(run));
    return run.asks.filter((one) => !affected.has(one) && (one.ask.phase === 'baseline' || one.ask.phase === 'after'));
  });
  return { asked: calm.length, failed: calm.filter(({ kind }) => kind !== 'served').length };
}

/** `percent` is the share of failures from which the run is stopped. */
export function mustStop({ asked, failed }: Outside, percent: number): boolean {
  return asked >= leastAsked && (100 * failed) / asked >= percent;
}
