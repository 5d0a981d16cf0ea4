// Tries: the steps of a route in their order, until one attempt succeeds or none can.
import { type Failure, isWrongForAll } from '../resilience/failure.ts';
import type { Provider, Target } from './route.ts';
import { type AttemptEnd, type ForwardLimits, type ForwardParts, type StepLimits, tryStep } from './try-step.ts';

export type { AttemptEnd, ForwardLimits, ForwardParts };

/** A question that is the same for every target. */
export type AskProvider<T> = (provider: Provider, key: string) => Promise<AttemptEnd<T>>;

export type Attempt<T> = (target: Target, key: string, isFallback: boolean) => Promise<AttemptEnd<T>>;

export type Forwarded<T> =
  | { kind: 'done'; value: T; provider: Target; isFallback: boolean; attempts: number }
  | { kind: 'failed'; failure: Failure; attempts: number }
  | { kind: 'cut'; failure: Failure; provider: Target; attempts: number }
  | { kind: 'aborted'; attempts: number };

/** Of one request, whatever the routes: what makes one provider stumble must not be sent to all of them over and over. */
const maxSent = 12;

/** The failure reported is the first step's, since that is where the caller was meant to be served. */
export async function forward<T>(
  parts: ForwardParts,
  targets: readonly Target[],
  limits: ForwardLimits,
  attempt: Attempt<T>,
): Promise<Forwarded<T>> {
  let first: Failure | undefined;
  let attempts = 0;
  const within: StepLimits = { ...limits, isLast: false, budget: maxSent };
  for (let from = 0; from < targets.length; ) {
    const to = endOfStep(targets, from);
    const isFallback = from > 0;
    const step = to - from === targets.length ? targets : targets.slice(from, to);
    within.isLast = to === targets.length;
    const end = await tryStep(parts, step, within, (target, key) => {
      attempts++;
      return attempt(target, key, isFallback);
    });
    const { target: provider } = end;
    if (end.kind === 'done') return { kind: 'done', value: end.value, provider, isFallback, attempts };
    if (end.kind === 'aborted') return { kind: 'aborted', attempts };
    if (end.committed) return { kind: 'cut', failure: end.failure, provider, attempts };
    first ??= end.failure;
    if (isWrongForAll(end.failure) || parts.now() >= limits.until || within.budget <= 0) break;
    from = to;
  }
  return { kind: 'failed', failure: first ?? { kind: 'unreachable', heals: true }, attempts };
}

/** Where the next step begins. */
function endOfStep(targets: readonly Target[], from: number): number {
  let to = from + 1;
  while (to < targets.length && targets[to]!.step === targets[from]!.step) to++;
  return to;
}
