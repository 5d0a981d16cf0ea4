// The health of one provider: which of its keys may be used now, and what its answers and silences change in that.
import type { Signals } from '../../platform/signals.ts';
import { type Account, createAccount } from './account.ts';
import { type Breaker, type BreakerSettings, createBreaker } from './breaker.ts';
import { type Failure, type FailureKind, isProvidersFault } from './failure.ts';
import { createHold } from './hold.ts';
import { createOutage } from './outage.ts';
import { defaultRefusal, type Refusal, type RefusalSettings, refuse } from './refusal.ts';
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
  | { kind: 'refused' };

export interface ProviderState {
  name: string;
  keys: { index: number; breaker: 'closed' | 'open' | 'half-open'; refused: boolean }[];
  lastError?: FailureKind;
  lastErrorAt?: number;
}

export interface ProviderHealth {
  pick(): KeyChoice;
  succeeded(index: number, startedAt: number): void;
  failed(index: number, failure: Failure): void;
  /** An answer to what was sent at `startedAt` begins: nobody need wait for its end to know that it is there. */
  heard(startedAt: number): void;
  /** The attempt ended without a verdict on the provider. */
  abandoned(index: number): void;
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
  refusal: Refusal;
  because: FailureKind;
  /** A 403 may be about the key or about this one request; until a probe has told, others use another key. */
  suspected: boolean;
  suspectedAt: number;
  /** 403 answers since the last success, but for those that crossed. */
  forbidden: number;
  /** When it was refused last. */
  refusedAt: number;
  /** How often a probe has let it back since its last real answer. */
  returns: number;
}

const warnAt = 0.8;
/** So many in a row are about the key, even where a light probe passes. */
const forbiddenLimit = 3;
const suspicionMs = 300;
/** So long others wait for a probe at most. */
const longestQuestionMs = 2_000;
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
  /** When connecting began to fail; undefined once anything was heard from the other side. */
  let cutSince: number | undefined;
  const rideUntil = () => (cutSince === undefined ? 0 : cutSince + rideOutMs);
  const keys: Key[] = Array.from({ length: Math.max(1, settings.keys) }, () => ({
    breaker: createBreaker(breakerSettings),
    refusal: { kind: 'accepted' },
    because: 'server-error',
    suspected: false,
    suspectedAt: 0,
    forbidden: 0,
    refusedAt: 0,
    returns: 0,
  }));
  const { weights = [1] } = settings;
  const lastReturn = Math.max(1, refusalSettings.maxUses - 2);
  /** Of the provider as a whole, where several keys share the work: one alone may not fail often enough to tell. */
  const shared = weights.length > 1 ? createBreaker(breakerSettings) : undefined;
  const breakersOf = ({ breaker }: Key) => (shared === undefined ? [breaker] : [breaker, shared]);
  const isOut = (index: number) => index < weights.length && keys.length > weights.length && isHeld('spare');
  const serving = createServing({
    keys: keys.length,
    weights,
    random,
    mayServe: (index) => keys[index]!.refusal.kind === 'accepted' && !isInQuestion(keys[index]!) && !isOut(index),
    waitMs: (index) => keys[index]!.breaker.waitMs(now()),
  });
  const current = serving.first;
  // A probe that hangs must not hold everybody up.
  function isInQuestion({ suspected, suspectedAt }: Key): boolean {
    return suspected && now() - suspectedAt < longestQuestionMs;
  }
  let suspicion: (index: number) => void = () => {};

  /** One user's forbidden model must not take the key from everybody: the probe decides, unless it goes on. */
  function forbidden(index: number, key: Key): void {
    // Sent before it was in question, at the same moment.
    if (isInQuestion(key) || key.refusal.kind !== 'accepted') return;
    key.forbidden++;
    if (key.forbidden >= forbiddenLimit) {
      refused(index, key);
      return;
    }
    key.suspected = true;
    key.suspectedAt = now();
    suspicion(index);
  }

  /** `uses` is 2 where a suspicion cost one use and its probe another. */
  function refused(index: number, key: Key, uses: 1 | 2 = 1): void {
    key.suspected = false;
    const first = key.refusal.kind === 'accepted';
    const lastKey = keys.every((other) => other === key || other.refusal.kind !== 'accepted');
    // A probe that let it back before was wrong: the next one comes later.
    const { returns } = key;
    const before: Refusal = first && returns > 0 ? { kind: 'refused', uses: lastReturn, nextProbeAt: 0 } : key.refusal;
    if (first) key.refusedAt = now();
    key.refusal = refuse(before, now(), refusalSettings, lastKey);
    if (uses === 2 && key.refusal.kind === 'refused') key.refusal = { ...key.refusal, uses };
    if (!first) return;
    const facts = { provider: name, key: index, spareLeft: current() !== -1 };
    signals.emit({ kind: 'provider-key-compromised', time: now(), severity: 'critical', facts });
    if (current() === -1) outage.suffered({ kind: 'key-refused', heals: false });
  }

  function accepted(index: number, key: Key, how: 'answer' | 'probe'): void {
    if (how === 'answer') key.returns = 0;
    if (key.refusal.kind === 'accepted') return;
    if (how === 'probe') key.returns++;
    key.refusal = { kind: 'accepted' };
    signals.emit({ kind: 'provider-recovered', time: now(), severity: 'info', facts: { provider: name, key: index } });
  }

  function failed(index: number, failure: Failure): void {
    const key = keys[index]!;
    const at = now();
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
      if (failure.kind === 'forbidden') forbidden(index, key);
      else refused(index, key);
      return;
    }
    outage.suffered(failure);
    const { retryAfterMs = 0 } = failure;
    quota.release(at);
    if (failure.kind === 'rate-limited' || failure.kind === 'quota-exhausted') {
      for (const breaker of breakersOf(key)) breaker.release(at);
      if (failure.kind === 'quota-exhausted') quota.trip(at);
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
    if (isHeld('provider')) return { kind: 'wait', ms: heldMs, because: 'server-error' };
    const index = serving.next();
    const key = keys[index];
    if (key === undefined) {
      const waiting = keys.some(isInQuestion);
      return waiting ? { kind: 'wait', ms: suspicionMs, because: 'forbidden' } : { kind: 'refused' };
    }
    const at = now();
    const closed = Math.max(key.breaker.waitMs(at), shared?.waitMs(at) ?? 0);
    if (closed > 0) return { kind: 'wait', ms: closed, because: key.because };
    const spent = quota.waitMs(at);
    if (spent > 0) return { kind: 'wait', ms: spent, because: 'quota-exhausted' };
    const throttled = throttle.left(at);
    if (throttled > 0) return { kind: 'wait', ms: throttled, because: 'rate-limited', isHeld: true };
    const paused = pause.left(at);
    if (paused > 0) return { kind: 'wait', ms: paused, because: 'overloaded', isHeld: true };
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
    cutSince = undefined;
    key.breaker.succeeded();
    shared?.succeeded();
    quota.succeeded();
    throttle.end(startedAt);
    pause.end(startedAt);
    // What was sent before the refusal proves nothing about what came after it.
    if (startedAt >= key.refusedAt) {
      key.forbidden = 0;
      key.suspected = false;
      accepted(index, key, 'answer');
    }
    outage.healed(startedAt, 'answer');
  }

  function heard(startedAt: number): void {
    for (const { breaker } of keys) if (breaker.state() === 'half-open') breaker.heard();
    if (shared?.state() === 'half-open') shared.heard();
    if (quota.state() === 'half-open') quota.heard();
    throttle.end(startedAt);
    pause.end(startedAt);
  }

  return {
    pick,
    succeeded,
    failed,
    heard,
    abandoned: release,
    rideUntil,
    gaveUp: outage.gaveUp,
    due() {
      if (isHeld('provider')) return undefined;
      const index = current();
      const suspect = keys.findIndex(({ suspected }, at) => suspected && !isOut(at));
      if (suspect !== -1) return suspect;
      // A refused key has its own slow clock; a key in service is probed whenever something is wrong.
      const refusedIndex = keys.findIndex(
        ({ refusal }, at) => refusal.kind === 'refused' && refusal.nextProbeAt <= now() && !isOut(at),
      );
      if (refusedIndex !== -1) return refusedIndex;
      const isPaused = throttle.left(now()) > 0 || pause.left(now()) > 0;
      return index !== -1 && outage.worthProbing() && !isPaused ? index : undefined;
    },
    probed(index, startedAt, failure) {
      const key = keys[index]!;
      const wasSuspected = key.suspected;
      if (failure === undefined) {
        cutSince = undefined;
        key.suspected = false;
        accepted(index, key, 'probe');
        if (outage.worthProbing()) for (const one of keys) for (const breaker of breakersOf(one)) breaker.heard();
        outage.healed(startedAt, 'probe');
      } else if (failure.kind === 'key-refused' || failure.kind === 'forbidden')
        refused(index, key, wasSuspected ? 2 : 1);
    },
    onSuspicion(listener) {
      suspicion = listener;
    },
    used(share) {
      if (share < warnAt) warned = false;
      else if (!warned) {
        warned = true;
        const facts = { provider: name, usedPercent: Math.floor(share * 100) };
        signals.emit({ kind: 'quota-warning', time: now(), severity: 'medium', facts });
      }
    },
    troubled: () =>
      outage.worthProbing() || keys.some(({ refusal, suspected }) => suspected || refusal.kind === 'refused'),
    state() {
      const last = outage.last();
      return {
        name,
        keys: keys.map((key, index) => ({
          index,
          breaker: worst([...breakersOf(key), quota]),
          refused: key.refusal.kind !== 'accepted',
        })),
        ...(last === undefined ? {} : { lastError: last.kind, lastErrorAt: last.at }),
      };
    },
    close: outage.close,
  };
}

function worst(breakers: readonly Breaker[]): ReturnType<Breaker['state']> {
  const states = breakers.map((breaker) => breaker.state());
  if (states.includes('open')) return 'open';
  return states.includes('half-open') ? 'half-open' : 'closed';
}
