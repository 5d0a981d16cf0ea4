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

/** Share of benign texts that may be taken for attacks, judged whole and by their runs alone. */
const allowed = { user: 0.038, tool: 0.02, 'user-run': 0.009, 'tool-run': 0.011 } as const;
const allowedOfSystem = 0.02;
/** Share of benign texts of users of which the second reader is asked. */
const doubted = 0.12;
/** What the second reader's logit counts beside the first's, which spreads more. */
const share = 0.3;
/** What the loudest run counts beside the whole: an order in a document is a small part of it, an attack by a user most of it. */
const runShare = 0.3;
const documentRunShare = 3;

/** `said` is what the second reader, which saw no text of their fold, says of some of the users' texts. */
export function thresholdsOf(
  scored: readonly Scored[],
  said: ReadonlyMap<string, Said>,
): Pick<Model, 'thresholds' | 'runThresholds' | 'doubt' | 'share' | 'runShare' | 'documentRunShare'> {
  const of = (head: Head, role: Role): number[] =>
    scored.flatMap((one) => (one.role === role ? [one.logits.get(head)!] : []));
  // An operator's prompt speaks of rules as an attack does: few are known, so the highest seen counts.
  const systemOf = (head: 'user' | 'user-run', ofUsers: number): number =>
    Math.max(ofUsers, quantile(of(head, 'system'), allowedOfSystem)) + 0.5;
  const doubt = quantile(of('user', 'user'), doubted);
  const withRun = ({ logits }: Scored, whole: Head, run: Head, counts: number): number =>
    logits.get(whole)! + counts * logits.get(run)!;
  const together = (role: Role, whole: Head, run: Head, counts: number): number[] =>
    scored.flatMap((one) => (one.role === role ? [withRun(one, whole, run, counts)] : []));
  const first = quantile(together('user', 'user', 'user-run', runShare), allowed.user);
  const firstOfRuns = quantile(of('user-run', 'user'), allowed['user-run']);
  const heard = scored.flatMap((one) => {
    const also = said.get(one.id);
    return also === undefined ? [] : [{ one, also }];
  });
  const user = withSecond(
    heard.map(({ one, also }) => {
      const logit = withRun(one, 'user', 'user-run', runShare);
      const isDoubted = one.logits.get('user')! >= doubt;
      return { logit, sum: isDoubted ? logit + share * also.whole : Number.NEGATIVE_INFINITY };
    }),
    first,
  );
  const run = withSecond(
    heard.map(({ one, also }) => {
      const logit = one.logits.get('user-run')!;
      return { logit, sum: logit + share * also.run };
    }),
    firstOfRuns,
  );
  const byRole = (ofUsers: number, system: number, tool: number): number[] =>
    roles.map((role) => ({ user: ofUsers, system, assistant: ofUsers + 0.5, tool })[role]);
  return {
    thresholds: byRole(
      user,
      systemOf('user', quantile(of('user', 'user'), allowed.user)),
      quantile(together('tool', 'tool', 'tool-run', documentRunShare), allowed.tool),
    ),
    runThresholds: byRole(
      run,
      systemOf('user-run', firstOfRuns),
      quantile(of('tool-run', 'tool'), allowed['tool-run']),
    ),
    doubt,
    share,
    runShare,
    documentRunShare,
  };
}

/** Where both readers flag as many of the texts that neither saw as the first alone does of them from its own threshold on. */
function withSecond(both: readonly { logit: number; sum: number }[], first: number): number {
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
