// The health of providers over all threads: what one of them meets, each knows before it sends its next request; one trial at a time, and one thread that probes and tells.
import { hash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bus } from '../../platform/shared/bus.ts';
import type { Counters } from '../../platform/shared/counters.ts';
import { type Failure, isProvidersFault } from '../../protect/resilience/failure.ts';
import type { KeptHealth } from '../../protect/resilience/kept-health.ts';
import type { ProviderHealth } from '../../protect/resilience/provider-health.ts';

export interface SharedHealthParts {
  bus: Bus;
  /** What has been wrong and still is, by provider: for a thread that begins later. */
  past: Map<string, HealthEvent[]>;
  /** What all threads count in. */
  counters: Pick<Counters, 'take' | 'give'>;
  now: () => number;
  /** This thread probes what is in trouble. */
  probes: boolean;
}

export type HealthEvent =
  /** With its time, so that all threads count their pauses from the same moment. */
  | { kind: 'failed'; index: number; failure: Failure; at: number }
  | { kind: 'succeeded'; index: number; startedAt: number }
  | { kind: 'probed'; index: number; startedAt: number; failure: Failure | undefined }
  | { kind: 'gaveUp' }
  | { kind: 'proved'; index: number }
  | { kind: 'used'; share: number };

/** Of events that come with every request while something is wrong, one in so many milliseconds tells the others enough. */
const tellEveryMs = 20;
/** A trial whose thread died gives its place back after this. */
const trial = { windowMs: 30_000 };
/** Who finds another thread's trial under way looks again after this. */
const trialWaitMs = 250;
/** Of what is wrong with one provider. */
const mostRemembered = 100;
/** So few go out with a key that has answered nobody yet, within so long, over all threads. */
const firstUses = 2;
const firstUsesWithin = { windowMs: 2_000 };
const firstUsesWaitMs = 20;
/** From this share on the use of a quota is worth a word. */
const worthTelling = 0.8;

/** Wraps what keeps health over reloads, so that the health in it is that of all threads. */
export function shareHealth(kept: KeptHealth, parts: SharedHealthParts): KeptHealth {
  return {
    ...kept,
    open(identity, make) {
      // A digest, since the settings hold the keys.
      const name = hash('sha256', JSON.stringify(identity));
      return kept.open(identity, () => shareOne(`health.${name}`, make(), parts));
    },
  };
}

function shareOne(topic: string, inner: ProviderHealth, parts: SharedHealthParts): ProviderHealth {
  const { bus, past, counters, now, probes } = parts;
  /** Nothing is wrong here, so a success is no news to anybody. */
  let isWell = true;
  /** It asked to be left alone, or has nothing left: one request tries it for all, as behind a breaker. */
  let isPaused = false;
  let isHigh = false;
  const told = { succeeded: 0, gaveUp: 0, 'rate-limited': 0 };
  /** Trials of this thread, by key. */
  const trials = new Map<number, number>();
  /** First uses of keys that are out from this thread. */
  const firsts = new Map<number, number[]>();
  const trialOf = (index: number) => `trial ${topic} ${index}`;

  function look(): void {
    const { keys, lastError } = inner.state();
    isWell =
      lastError === undefined && !inner.troubled() && keys.every((key) => key.breaker === 'closed' && !key.refused);
  }

  function note(event: HealthEvent): void {
    look();
    if (isWell) {
      past.delete(topic);
      return;
    }
    const events = past.get(topic) ?? [];
    events.push(event);
    past.set(topic, events.slice(-mostRemembered));
  }

  function publish(event: HealthEvent): void {
    note(event);
    bus.publish(topic, event);
  }

  function isDue(what: keyof typeof told): boolean {
    const at = now();
    if (at - told[what] < tellEveryMs) return false;
    told[what] = at;
    return true;
  }

  function apply(event: HealthEvent): void {
    if (event.kind === 'failed') {
      inner.failed(event.index, event.failure, event.at);
      isPaused ||= pauses(event.failure);
    } else if (event.kind === 'succeeded') {
      inner.succeeded(event.index, event.startedAt);
      isPaused = false;
    } else if (event.kind === 'proved') inner.proved(event.index);
    else if (event.kind === 'probed') inner.probed(event.index, event.startedAt, event.failure);
    else if (event.kind === 'gaveUp') inner.gaveUp();
    else inner.used(event.share);
  }

  for (const event of past.get(topic) ?? []) apply(event);
  look();
  const unsubscribe = bus.subscribe(topic, (data, { own }) => {
    if (own) return;
    apply(data as HealthEvent);
    note(data as HealthEvent);
  });

  function endTrial(index: number): void {
    const at = trials.get(index);
    if (at === undefined) return;
    trials.delete(index);
    counters.give(trialOf(index), trial, 1, at);
  }

  function mayTry(index: number): boolean {
    if (trials.has(index)) return true;
    const { ok, at } = counters.take(trialOf(index), trial, 1, 1, now());
    if (ok) trials.set(index, at);
    return ok;
  }

  function mayBeFirst(index: number): boolean {
    const { ok, at } = counters.take(`first ${topic} ${index}`, firstUsesWithin, firstUses, 1, now());
    if (ok) firsts.set(index, [...(firsts.get(index) ?? []), at]);
    return ok;
  }

  function endFirst(index: number): void {
    const at = firsts.get(index)?.pop();
    if (at !== undefined) counters.give(`first ${topic} ${index}`, firstUsesWithin, 1, at);
  }

  /** That a key is taken is told once. */
  function telling(index: number | undefined, work: () => void): void {
    const isNews = index !== undefined && !inner.isProved(index);
    work();
    if (isNews && inner.isProved(index)) publish({ kind: 'proved', index });
  }

  return {
    ...inner,
    pick() {
      bus.catchUp();
      const choice = inner.pick();
      if (choice.kind !== 'key') return choice;
      if (!inner.isProved(choice.index) && !mayBeFirst(choice.index)) {
        inner.abandoned(choice.index);
        return { kind: 'later', turn: pause(firstUsesWaitMs, undefined, { ref: false }) };
      }
      if (isWell) return choice;
      const isTrial = isPaused || inner.state().keys[choice.index]?.breaker === 'half-open';
      if (!isTrial || mayTry(choice.index)) return choice;
      inner.abandoned(choice.index);
      return { kind: 'wait', ms: trialWaitMs, because: inner.state().lastError ?? 'server-error' };
    },
    mayUse(index) {
      bus.catchUp();
      return inner.mayUse(index);
    },
    heard(startedAt, index) {
      telling(index, () => inner.heard(startedAt, index));
    },
    succeeded(index, startedAt) {
      telling(index, () => inner.succeeded(index, startedAt));
      endFirst(index);
      if (isWell) return;
      const wasTrial = trials.has(index);
      endTrial(index);
      isPaused = false;
      look();
      if (isWell || wasTrial || isDue('succeeded')) publish({ kind: 'succeeded', index, startedAt });
    },
    failed(index, failure, at = now()) {
      telling(index, () => inner.failed(index, failure, at));
      endFirst(index);
      endTrial(index);
      if (isWell && !isProvidersFault(failure.kind)) return;
      isPaused ||= pauses(failure);
      look();
      if (failure.kind !== 'rate-limited' || isDue('rate-limited')) publish({ kind: 'failed', index, failure, at });
    },
    abandoned(index) {
      inner.abandoned(index);
      endFirst(index);
      endTrial(index);
    },
    gaveUp() {
      inner.gaveUp();
      if (!isWell && isDue('gaveUp')) publish({ kind: 'gaveUp' });
    },
    // With a refused key too: each thread that asked for itself would be one attempt more.
    due: () => (probes ? inner.due() : undefined),
    onSuspicion(listener) {
      if (probes) inner.onSuspicion(listener);
    },
    probed(index, startedAt, failure) {
      inner.probed(index, startedAt, failure);
      look();
      publish({ kind: 'probed', index, startedAt, failure });
    },
    used(share) {
      inner.used(share);
      if (share >= worthTelling === isHigh) return;
      isHigh = !isHigh;
      publish({ kind: 'used', share });
    },
    close() {
      unsubscribe();
      inner.close();
    },
  };
}

function pauses({ kind, retryAfterMs = 0 }: Failure): boolean {
  return kind === 'quota-exhausted' || (isProvidersFault(kind) && retryAfterMs > 0);
}
