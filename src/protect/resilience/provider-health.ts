// The health of one provider: which of its keys may be used now, and what its answers and silences change in that.
import type { Signals } from '../../platform/signals.ts';
import { type Account, createAccount } from './account.ts';
import { type Breaker, type BreakerSettings, createBreaker } from './breaker.ts';
import { type Failure, type FailureKind, isProvidersFault } from './failure.ts';
import { createHold } from './hold.ts';
import { createKeyProof } from './key-proof.ts';
import { createKeyTrust } from './key-trust.ts';
import { createOutage } from './outage.ts';
import { defaultRefusal, type RefusalSettings } from './refusal.ts';
import { createServing } from './serving-keys.ts';

export interface HealthParts {
  now: () => number;
  signals: Signals;
  /** 0 to 1; default: those who serve begin with the first key. */
  random?: () => number;
  /** provider: nothing is sent there at the moment. spare: the keys before the spare ones are passed over. */
  isHeld?: (kind: 'provider' | 'spare') => boolean;
  /** Shared with other providers of the account; default: its own. */
  account?: Account;
}

export interface HealthSettings {
  name: string;
  /** How many keys it has; a provider without keys has one nameless place. */
  keys: number;
  /** Of the first keys, which serve side by side; default: only the first serves. Those after them are spare. */
  weights?: readonly number[];
  breaker: BreakerSettings;
  refusal?: RefusalSettings;
  /** How long after the network was cut requests may still wait for it to come back; 0 or nothing: not at all. */
  rideOutMs?: number;
}

export type KeyChoice =
  | { kind: 'key'; index: number }
  /** Nothing may be sent now; `because` is what was last wrong. `isHeld`: the provider itself asked to wait so long. */
  | { kind: 'wait'; ms: number; because: FailureKind; isHeld?: true }
  /** Others find out whether this key is taken; it is to be asked for again once they know. */
  | { kind: 'later'; turn: Promise<void> }
  | { kind: 'refused' };

export interface ProviderState {
  name: string;
  keys: { index: number; breaker: 'closed' | 'open' | 'half-open'; refused: boolean }[];
  lastError?: FailureKind;
  lastErrorAt?: number;
}

export interface ProviderHealth {
  pick(): KeyChoice;
  /** It has been answered with that key, and not that it is refused. */
  isProved(index: number): boolean;
  /** As another thread has found. */
  proved(index: number): void;
  /** Whether what was to be sent with this key, and is not yet, may still go. */
  mayUse(index: number): boolean;
  succeeded(index: number, startedAt: number): void;
  /** `at`: when; default: now. */
  failed(index: number, failure: Failure, at?: number): void;
  /** An answer to what was sent at `startedAt`, with the key `index`, begins: nobody need wait for its end to know that it is there. */
  heard(startedAt: number, index?: number): void;
  /** The attempt ended without a verdict on the provider. */
  abandoned(index: number): void;
  /** How long nobody is let through since nothing is left of its quota, or as the provider said itself; 0 when there is. */
  spentMs(): number;
  /** Until when a request may wait for a network that was just cut; 0 when it was not, or too long ago to hope. */
  rideUntil(): number;
  /** The request has no attempt left here. */
  gaveUp(): void;
  /** What the background probe should try now, if anything. */
  due(): number | undefined;
  probed(index: number, startedAt: number, failure: Failure | undefined): void;
  /** Called when a key has to be probed at once, since one answer alone does not tell whether it was refused. */
  onSuspicion(listener: (index: number) => void): void;
  /** Share of a limit that is used, 0 to 1, as the provider's headers tell. */
  used(share: number): void;
  /** False when nothing is wrong, so that no timer need run. */
  troubled(): boolean;
  state(): ProviderState;
  close(): void;
}

interface Key {
  breaker: Breaker;
  /** What was last wrong when it was used. */
  because: FailureKind;
}

const warnAt = 0.8;
/** Who finds every key in question looks again after this. */
const suspicionMs = 300;
/** While requests wait for the network, one of them tries it this often for all. */
export const rideStepMs = 500;
/** Nobody knows how long a provider is held back: callers come again after this. */
const heldMs = 60_000;

export function createProviderHealth(parts: HealthParts, settings: HealthSettings): ProviderHealth {
  const { now, signals, isHeld = () => false, random = () => 0 } = parts;
  const { name, breaker: breakerSettings, refusal: refusalSettings = defaultRefusal, rideOutMs = 0 } = settings;
  const { account = createAccount(breakerSettings) } = parts;
  const { throttle, quota } = account;
  const outage = createOutage(name, parts);
  /** What it asked with 503 to wait. */
  const pause = createHold(breakerSettings.halfOpenMs);
  let warned = false;
  /** Held back when it was last looked. */
  let wasHeld = false;
  /** When connecting began to fail; undefined once anything was heard from the other side. */
  let cutSince: number | undefined;
  const rideUntil = () => (cutSince === undefined ? 0 : cutSince + rideOutMs);
  const keys: Key[] = Array.from({ length: Math.max(1, settings.keys) }, () => ({
    breaker: createBreaker(breakerSettings),
    because: 'server-error',
  }));
  const { weights = [1] } = settings;
  /** Of the provider as a whole, where several keys share the work: one alone may not fail often enough to tell. */
  const shared = weights.length > 1 ? createBreaker(breakerSettings) : undefined;
  const breakersOf = ({ breaker }: Key) => (shared === undefined ? [breaker] : [breaker, shared]);
  const isOut = (index: number) => index < weights.length && keys.length > weights.length && isHeld('spare');
  const serving = createServing({
    keys: keys.length,
    weights,
    random,
    mayServe: (index) => trust.isTrusted(index) && !isOut(index),
    waitMs: (index) => keys[index]!.breaker.waitMs(now()),
  });
  const current = serving.first;
  const trust = createKeyTrust({
    now,
    signals,
    name,
    keys: keys.length,
    refusal: refusalSettings,
    isAnyLeft: () => current() !== -1,
    onNoneLeft: () => outage.suffered({ kind: 'key-refused', heals: false }),
  });

  const proof = createKeyProof(now, {
    keys: settings.keys,
    // One is left for a probe.
    atOnce: Math.max(1, refusalSettings.maxUses - 1),
  });

  /** What was sent before the refusal proves nothing about what comes after it. */
  function proved(index: number): void {
    if (index >= 0 && !trust.isRefused(index)) proof.proved(index);
  }

  function failed(index: number, failure: Failure, at = now()): void {
    const key = keys[index]!;
    if (isAnswer(failure.kind)) proved(index);
    else proof.ended(index);
    if (failure.maybeBrief) cutSince ??= at;
    else if (failure.kind !== 'cut' && failure.kind !== 'timeout') cutSince = undefined;
    if (!isProvidersFault(failure.kind)) {
      // It answered, so it lives.
      for (const breaker of breakersOf(key)) breaker.succeeded();
      quota.release(at);
      return;
    }
    key.because = failure.kind;
    if (failure.kind === 'key-refused' || failure.kind === 'forbidden') {
      release(index);
      if (failure.kind === 'forbidden') trust.forbidden(index);
      else trust.refused(index);
      if (trust.isRefused(index)) proof.doubted(index);
      return;
    }
    outage.suffered(failure);
    const { retryAfterMs = 0 } = failure;
    if (failure.kind !== 'quota-exhausted') quota.release(at);
    if (failure.kind === 'rate-limited' || failure.kind === 'quota-exhausted') {
      for (const breaker of breakersOf(key)) breaker.release(at);
      if (failure.kind === 'quota-exhausted') quota.spent(at, retryAfterMs);
      else throttle.begin(at, retryAfterMs);
      return;
    }
    if (retryAfterMs > 0) pause.begin(at, retryAfterMs);
    for (const breaker of breakersOf(key)) breaker.failed(at, at < rideUntil() ? rideStepMs : undefined);
  }

  /** Gives back the place of a trial that told nothing. */
  function release(index: number): void {
    for (const breaker of [...breakersOf(keys[index]!), quota]) breaker.release(now());
  }

  function pick(): KeyChoice {
    if (isHeld('provider')) {
      wasHeld = true;
      return { kind: 'wait', ms: heldMs, because: 'server-error' };
    }
    // Whoever lets requests through again may know that somebody has paid.
    if (wasHeld) quota.renew();
    wasHeld = false;
    const index = serving.next();
    const key = keys[index];
    if (key === undefined) {
      return trust.isAnyInQuestion() ? { kind: 'wait', ms: suspicionMs, because: 'forbidden' } : { kind: 'refused' };
    }
    const at = now();
    const closed = Math.max(key.breaker.waitMs(at), shared?.waitMs(at) ?? 0);
    if (closed > 0) return { kind: 'wait', ms: closed, because: key.because };
    if (quota.waitMs(at) > 0) return { kind: 'wait', ms: quota.untilMs(at), because: 'quota-exhausted' };
    // Who comes in between hears what the provider asked for: the next try is for one request, and nobody waits for it.
    if (throttle.left(at) > 0)
      return { kind: 'wait', ms: throttle.untilEnd(at), because: 'rate-limited', isHeld: true };
    if (pause.left(at) > 0) return { kind: 'wait', ms: pause.untilEnd(at), because: 'overloaded', isHeld: true };
    const admitted = proof.admit(index);
    if (admitted.kind === 'later') return admitted;
    // Only now, since each takes the one place of a trial where there is one.
    key.breaker.admit(at);
    shared?.admit(at);
    quota.admit(at);
    throttle.wait(at);
    pause.wait(at);
    return { kind: 'key', index };
  }

  function succeeded(index: number, startedAt: number): void {
    const key = keys[index]!;
    proved(index);
    cutSince = undefined;
    key.breaker.succeeded();
    shared?.succeeded();
    quota.succeeded(startedAt);
    throttle.end(startedAt);
    pause.end(startedAt);
    trust.answered(index, startedAt);
    outage.healed(startedAt, 'answer');
  }

  function heard(startedAt: number, index = -1): void {
    proved(index);
    for (const { breaker } of keys) if (breaker.state() === 'half-open') breaker.heard();
    if (shared?.state() === 'half-open') shared.heard();
    quota.heard(startedAt);
    throttle.end(startedAt);
    pause.end(startedAt);
  }

  return {
    pick,
    succeeded,
    failed,
    heard,
    isProved: proof.isProved,
    proved,
    mayUse: trust.isTrusted,
    abandoned(index) {
      proof.ended(index);
      release(index);
    },
    spentMs: () => (quota.state() === 'closed' ? 0 : quota.untilMs(now())),
    rideUntil,
    gaveUp: outage.gaveUp,
    due() {
      if (isHeld('provider')) return undefined;
      // A refused key has its own slow clock; a key in service is probed whenever something is wrong.
      const asked = trust.due((at) => !isOut(at));
      if (asked !== -1) return asked;
      const index = current();
      const isPaused = throttle.left(now()) > 0 || pause.left(now()) > 0;
      return index !== -1 && outage.worthProbing() && !isPaused ? index : undefined;
    },
    probed(index, startedAt, failure) {
      if (failure === undefined) {
        cutSince = undefined;
        trust.probed(index, 'passed');
        if (outage.worthProbing()) for (const key of keys) for (const breaker of breakersOf(key)) breaker.heard();
        outage.healed(startedAt, 'probe');
      } else if (failure.kind === 'key-refused' || failure.kind === 'forbidden') trust.probed(index, 'refused');
    },
    onSuspicion: trust.onSuspicion,
    used(share) {
      if (share < warnAt) warned = false;
      else if (!warned) {
        warned = true;
        const facts = { provider: name, usedPercent: Math.floor(share * 100) };
        signals.emit({ kind: 'quota-warning', time: now(), severity: 'medium', facts });
      }
    },
    troubled: () => outage.worthProbing() || trust.isTroubled(),
    state() {
      const last = outage.last();
      return {
        name,
        keys: keys.map((key, index) => ({
          index,
          breaker: worst([...breakersOf(key), quota]),
          refused: trust.isRefused(index),
        })),
        ...(last === undefined ? {} : { lastError: last.kind, lastErrorAt: last.at }),
      };
    },
    close: outage.close,
  };
}

function worst(breakers: readonly Pick<Breaker, 'state'>[]): ReturnType<Breaker['state']> {
  const states = breakers.map((breaker) => breaker.state());
  if (states.includes('open')) return 'open';
  return states.includes('half-open') ? 'half-open' : 'closed';
}

/** It was said with the key, and not about it. */
function isAnswer(kind: FailureKind): boolean {
  return !['key-refused', 'forbidden', 'unreachable', 'cut', 'timeout'].includes(kind);
}
