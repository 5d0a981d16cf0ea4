// Where texts begin to be suspicious: quantiles of what benign texts score with models that never saw their kind.
import type { Head, Model } from '../model.ts';
import { type Role, roles } from '../verdict.ts';

/** A benign text, as models that never saw its kind score it. */
export interface Scored {
  id: string;
  role: Role;
  logits: ReadonlyMap<Head, number>;
  /** The run that users' head for runs finds the loudest. */
  loudest: string;
}
/** What the second reader says of a text and of its loudest run. */
export interface Said {
  whole: number;
  run: number;
}

/** Share of benign texts that may be taken for attacks, judged whole and by their runs. */
const allowed = { user: 0.025, tool: 0.01, 'user-run': 0.0095, 'tool-run': 0.0125 } as const;
const allowedOfSystem = 0.02;
/** Share of benign texts of users of which the second reader is asked. */
const doubted = 0.12;
/** What the second reader's logit counts beside the first's, which spreads more. */
const share = 0.5;

/** `said` is what the second reader, which saw no text of their fold, says of some of the users' texts. */
export function thresholdsOf(
  scored: readonly Scored[],
  said: ReadonlyMap<string, Said>,
): Pick<Model, 'thresholds' | 'runThresholds' | 'doubt' | 'share'> {
  const of = (head: Head, role: Role): number[] =>
    scored.flatMap((one) => (one.role === role ? [one.logits.get(head)!] : []));
  // An operator's prompt speaks of rules as an attack does: few are known, so the highest seen counts.
  const systemOf = (head: 'user' | 'user-run', ofUsers: number): number =>
    Math.max(ofUsers, quantile(of(head, 'system'), allowedOfSystem)) + 0.5;
  const doubt = quantile(of('user', 'user'), doubted);
  const [first, firstOfRuns] = [
    quantile(of('user', 'user'), allowed.user),
    quantile(of('user-run', 'user'), allowed['user-run']),
  ];
  const both = scored.flatMap(({ id, logits }) => {
    const heard = said.get(id);
    return heard === undefined ? [] : [{ heard, whole: logits.get('user')!, run: logits.get('user-run')! }];
  });
  const user = together(
    both.map(({ whole, heard }) => ({
      logit: whole,
      sum: whole < doubt ? Number.NEGATIVE_INFINITY : whole + share * heard.whole,
    })),
    first,
  );
  const run = together(
    both.map((one) => ({ logit: one.run, sum: one.run + share * one.heard.run })),
    firstOfRuns,
  );
  const byRole = (ofUsers: number, system: number, tool: number): number[] =>
    roles.map((role) => ({ user: ofUsers, system, assistant: ofUsers + 0.5, tool })[role]);
  return {
    thresholds: byRole(Math.max(user, doubt), systemOf('user', first), quantile(of('tool', 'tool'), allowed.tool)),
    runThresholds: byRole(
      run,
      systemOf('user-run', firstOfRuns),
      quantile(of('tool-run', 'tool'), allowed['tool-run']),
    ),
    doubt,
    share,
  };
}

/** Where both readers flag as many of the texts that neither saw as the first alone does of them from its own threshold on. */
function together(both: readonly { logit: number; sum: number }[], first: number): number {
  const flagged = both.filter(({ logit }) => logit > first).length;
  return quantile(
    both.map(({ sum }) => sum),
    flagged / Math.max(1, both.length),
  );
}

/** The number that this share of them is above; 0 where there are none. */
function quantile(numbers: readonly number[], share: number): number {
  return numbers.toSorted((a, b) => b - a)[Math.floor(numbers.length * share)] ?? 0;
}
