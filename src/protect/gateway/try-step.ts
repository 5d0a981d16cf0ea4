// One step of a route: its targets in turn, each with its next key when one is refused, and all of them again after a pause where that may help.
import type { Ending } from '../../platform/base/ending.ts';
import type { Log } from '../../platform/base/log.ts';
import { backoffMs, pause } from '../resilience/backoff.ts';
import { type Failure, isProvidersFault, isWrongForAll } from '../resilience/failure.ts';
import { rideStepMs } from '../resilience/provider-health.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { Target } from './route.ts';
import type { Retries } from './settings.ts';

export type AttemptEnd<T> =
  | { kind: 'done'; value: T }
  /** `committed`: the caller has seen a part, so nothing may be tried again. */
  | { kind: 'failed'; failure: Failure; committed: boolean }
  | { kind: 'aborted' }
  /** By the time that it could go its key was refused. */
  | { kind: 'unsent' };

type Ended<T> = Exclude<AttemptEnd<T>, { kind: 'unsent' }>;

/** Asks a target with one of its keys. */
export type AskTarget<T> = (target: Target, key: string) => Promise<AttemptEnd<T>>;

export interface ForwardParts {
  now: () => number;
  random: () => number;
  log: Log;
  metrics: GatewayMetrics;
}

export interface ForwardLimits {
  retries: Retries;
  /** Milliseconds since the epoch after which no attempt begins. */
  until: number;
  signal: Ending;
  /** Who is served last when a provider's quota runs low is of the highest; default: nobody is. */
  rank?: number;
}

export interface StepLimits extends ForwardLimits {
  /** No other step follows. */
  isLast: boolean;
  /** How often this request may still be sent, wherever to. */
  budget: number;
}

export type StepEnd<T> = Ended<T> & { target: Target };

interface Tried {
  target: Target;
  failure: Failure;
  /** Not to be asked again for this request. */
  isOver: boolean;
}

/** The failure told is the first target's: it is the one in turn. */
export async function tryStep<T>(
  parts: ForwardParts,
  step: readonly Target[],
  limits: StepLimits,
  ask: AskTarget<T>,
): Promise<StepEnd<T>> {
  const { now, random } = parts;
  const { retries, until, signal } = limits;
  const tried = step.map((target): Tried => ({ target, failure: { kind: 'unreachable', heals: true }, isOver: false }));
  let retry = 0;
  let rides = 0;
  for (;;) {
    const end = await tryEach(parts, tried, limits, ask);
    if (end !== undefined) return end;
    const open = tried.filter(({ isOver }) => !isOver);
    // Nothing was sent, and nobody else can answer: a network that comes back within seconds is worth the wait.
    const ride = Math.min(backoffMs(rides, retries.baseMs, random), rideStepMs);
    if (limits.isLast && now() + ride < Math.min(rideUntil(open), until)) {
      rides++;
      if (!(await pause(ride, signal))) return { kind: 'aborted', target: step[0]! };
      continue;
    }
    const healing = open.filter(mayHeal);
    const soonest = Math.min(...healing.map(({ failure }) => failure.retryAfterMs ?? 0));
    const wait = Math.max(backoffMs(retry, retries.baseMs, random), soonest);
    const isEnd =
      limits.budget <= 0 ||
      healing.length === 0 ||
      retry >= retries.max ||
      wait > retries.maxWaitMs ||
      now() + wait >= until;
    for (const one of open) if (isEnd || !mayHeal(one)) giveUp(one);
    if (isEnd) return { kind: 'failed', failure: tried[0]!.failure, committed: false, target: step[0]! };
    retry++;
    if (!(await pause(wait, signal))) return { kind: 'aborted', target: step[0]! };
  }
}

/** Each once; undefined when another round may help. */
async function tryEach<T>(
  parts: ForwardParts,
  tried: readonly Tried[],
  limits: StepLimits,
  ask: AskTarget<T>,
): Promise<StepEnd<T> | undefined> {
  for (const one of tried) {
    if (one.isOver) continue;
    const { target } = one;
    const end = await tryKeys(parts, one, limits, ask);
    if (end.kind !== 'failed') return { ...end, target };
    one.failure = end.failure;
    if (end.failure.kind !== 'unreachable') limits.budget--;
    if (end.committed || isWrongForAll(end.failure)) {
      giveUp(one);
      return { ...end, target };
    }
    if (parts.now() >= limits.until || limits.budget <= 0) break;
  }
  return undefined;
}

/** Asks with the key in turn, and with the next one at once where that is refused: this is no retry of the same thing. */
async function tryKeys<T>(
  { now, log, metrics }: ForwardParts,
  one: Tried,
  { rank = 0, until, signal }: ForwardLimits,
  ask: AskTarget<T>,
): Promise<Ended<T>> {
  const { target } = one;
  const { name, keys, health, foresight } = target;
  const rationedMs = foresight?.wait(rank) ?? 0;
  if (rationedMs > 0) {
    // No fault of the provider's: what is left there is for others.
    one.isOver = true;
    return failed({ kind: 'rate-limited', heals: true, retryAfterMs: rationedMs, isRationed: true });
  }
  for (let forbidden = false; ; ) {
    const picked = health.pick();
    if (picked.kind === 'later') {
      await picked.turn;
      if (signal.aborted) return { kind: 'aborted' };
      if (now() >= until) return failed({ kind: 'timeout', heals: false });
      continue;
    }
    if (picked.kind === 'refused') return failed({ kind: 'key-refused', heals: false });
    if (picked.kind === 'wait') {
      // Whose own question it was that a key was forbidden for is not to ask it the same again.
      const { because, ms, isHeld } = picked;
      const heals = because === 'forbidden' ? !forbidden : isHeld === true || because === 'rate-limited';
      return failed({ kind: because, heals, retryAfterMs: ms });
    }
    const startedAt = now();
    const end = await ask(target, keys[picked.index] ?? '');
    if (end.kind === 'unsent') {
      health.abandoned(picked.index);
      continue;
    }
    metrics.attempt(name, end.kind === 'failed' ? end.failure.kind : end.kind);
    if (end.kind === 'done') health.succeeded(picked.index, startedAt);
    if (end.kind === 'aborted') health.abandoned(picked.index);
    if (end.kind !== 'failed') return end;
    const { kind, retryAfterMs = 0 } = end.failure;
    health.failed(picked.index, end.failure);
    if (kind === 'quota-exhausted')
      end.failure = { ...end.failure, retryAfterMs: Math.max(retryAfterMs, health.spentMs()) };
    log.warn({ provider: name, keyIndex: picked.index, failure: kind }, 'an attempt at a provider failed');
    if (end.committed || (kind !== 'key-refused' && kind !== 'forbidden')) return end;
    forbidden ||= kind === 'forbidden';
  }
}

function failed(failure: Failure): { kind: 'failed'; failure: Failure; committed: false } {
  return { kind: 'failed', failure, committed: false };
}

/** A provider that was silent for a whole time limit would be so again, and the user has waited long enough. */
function mayHeal({ failure }: Tried): boolean {
  return failure.heals && failure.kind !== 'timeout';
}

/** 0 unless all that could still be asked were just cut off. */
function rideUntil(open: readonly Tried[]): number {
  if (open.length === 0 || open.some(({ failure }) => failure.kind !== 'unreachable')) return 0;
  return Math.max(...open.map(({ target }) => target.health.rideUntil()));
}

function giveUp(one: Tried): void {
  one.isOver = true;
  if (isProvidersFault(one.failure.kind)) one.target.health.gaveUp();
}
