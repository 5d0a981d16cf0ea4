// How long a simulation takes, before it is begun: the faults' own durations, and what comes before and after each.
import type { MethodPlan } from './methods.ts';

/** Start, baseline, recovery and the last look, as measured with the built-in chatbot; a slower target takes longer. */
const besideFaultMs = 7000;

/** Seconds, from and to; equal where the pace fixes every duration. */
export function estimateSeconds(
  plans: readonly Pick<MethodPlan, 'quickMinMs' | 'quickMaxMs' | 'realMs'>[],
  { pace, runs }: { pace: 'real' | 'quick'; runs: number },
): [number, number] {
  const sum = (fault: (plan: (typeof plans)[number]) => number) =>
    Math.round((runs * plans.reduce((total, plan) => total + fault(plan) + besideFaultMs, 0)) / 1000);
  return pace === 'real'
    ? [sum(({ realMs }) => realMs), sum(({ realMs }) => realMs)]
    : [sum(({ quickMinMs }) => quickMinMs), sum(({ quickMaxMs }) => quickMaxMs)];
}
