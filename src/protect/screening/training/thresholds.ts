// Where texts begin to be suspicious: quantiles of what benign texts score with models that never saw their kind.
import type { Head, Model } from '../model.ts';
import { type Role, roles } from '../verdict.ts';

/** A benign text, as models that never saw its kind score it. */
export interface Scored {
  id: string;
  role: Role;
  logits: ReadonlyMap<Head, number>;
}

/** Share of benign texts that may be taken for attacks, judged whole and by their runs. */
const allowed = { user: 0.036, tool: 0.025, 'user-run': 0.01, 'tool-run': 0.01 } as const;
const allowedOfSystem = 0.02;
/** Share of benign texts of users of which the second reader is asked. */
const doubted = 0.12;
/** What the second reader's logit counts beside the first's, which spreads more. */
const share = 0.75;
/** How much more both readers say of an innocent run that is loud than the first alone. */
const saidOfRuns = 2.2;

/** `said` is what the second reader, which saw no text of their fold, says of some of the users' texts. */
export function thresholdsOf(
  scored: readonly Scored[],
  said: ReadonlyMap<string, number>,
): Pick<Model, 'thresholds' | 'runThresholds' | 'doubt' | 'share'> {
  const of = (head: Head, role: Role, some = scored): number[] =>
    some.flatMap((one) => (one.role === role ? [one.logits.get(head)!] : []));
  // An operator's prompt speaks of rules as an attack does: few are known, so the highest seen counts.
  const systemOf = (head: 'user' | 'user-run', ofUsers: number): number =>
    Math.max(ofUsers, quantile(of(head, 'system'), allowedOfSystem)) + 0.5;
  const doubt = quantile(of('user', 'user'), doubted);
  const first = quantile(of('user', 'user'), allowed.user);
  // Both readers together flag as many of the texts that both never saw as the first alone would.
  const both = scored.filter(({ id, role }) => role === 'user' && said.has(id));
  const flagged = of('user', 'user', both).filter((logit) => logit > first).length / Math.max(1, both.length);
  const together = both.map(({ id, logits }) => {
    const logit = logits.get('user')!;
    return logit < doubt ? Number.NEGATIVE_INFINITY : logit + share * said.get(id)!;
  });
  const user = Math.max(quantile(together, flagged), doubt);
  const run = quantile(of('user-run', 'user'), allowed['user-run']);
  const byRole = (ofUsers: number, system: number, tool: number): number[] =>
    roles.map((role) => ({ user: ofUsers, system, assistant: ofUsers + 0.5, tool })[role]);
  return {
    thresholds: byRole(user, systemOf('user', first), quantile(of('tool', 'tool'), allowed.tool)),
    runThresholds: byRole(
      run + saidOfRuns,
      systemOf('user-run', run),
      quantile(of('tool-run', 'tool'), allowed['tool-run']),
    ),
    doubt,
    share,
  };
}

/** The number that this share of them is above; 0 where there are none. */
function quantile(numbers: readonly number[], share: number): number {
  return numbers.toSorted((a, b) => b - a)[Math.floor(numbers.length * share)] ?? 0;
}
