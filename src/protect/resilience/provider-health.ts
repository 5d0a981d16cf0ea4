// The health of one provider: which of its keys may be used now, and what its answers and silences change in that.
import type { Signals } from '../../platform/signals.ts';
import { type Breaker, type BreakerSettings, createBreaker } from './breaker.ts';
import { type Failure, type FailureKind, isProvidersFault } from './failure.ts';
import { createOutage } from './outage.ts';
import { defaultRefusal, type Refusal, type RefusalSettings, refuse } from './refusal.ts';

export interface HealthParts {
  now: () => number;
  signals: Signals;
  /** provider: nothing is sent there at the moment. spare: its first key is passed over. */
  isHeld?: (kind: 'provider' | 'spare') => boolean;
}

export interface HealthSettings {
  name: string;
  /** How many keys it has; a provider without keys has one nameless place. */
  keys: number;
  breaker: BreakerSettings;
  refusal?: RefusalSettings;
  /** How long after the network was cut requests may still wait for it to come back; 0 or nothing: not at all. */
  rideOutMs?: number;
}

export type KeyChoice =
  | { kind: 'key'; index: number }
  /** Nothing may be sent now; `because` is what was last wrong with the key in turn. */
  | { kind: 'wait'; ms: number; because: FailureKind }
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
  heldUntil: number;
  because: FailureKind;
  /** A 403 may be about the key or about this one request; until a probe has told, others use another key. */
  suspected: boolean;
  /** 403 answers since the last success. */
  forbidden: number;
}

const warnAt = 0.8;
/** So many in a row are about the key, even where a light probe passes. */
const forbiddenLimit = 3;
const suspicionMs = 300;
/** While requests wait for the network, one of them tries it this often for all. */
export const rideStepMs = 500;
/** Nobody knows how long a provider is held back: callers come again after this. */
const heldMs = 60_000;
/** A timer may fire a little before its time by the clock: who waited as long as was asked is let through. */
const timerSlackMs = 5;

export function createProviderHealth(parts: HealthParts, settings: HealthSettings): ProviderHealth {
  const { now, signals, isHeld = () => false } = parts;
  const { name, breaker: breakerSettings, refusal: refusalSettings = defaultRefusal, rideOutMs = 0 } = settings;
  const outage = createOutage(name, parts);
  let warned = false;
  /** When connecting began to fail; undefined once anything was heard from the other side. */
  let cutSince: number | undefined;
  const rideUntil = () => (cutSince === undefined ? 0 : cutSince + rideOutMs);
  const keys: Key[] = Array.from({ length: Math.max(1, settings.keys) }, () => ({
    breaker: createBreaker(breakerSettings),
    refusal: { kind: 'accepted' },
    heldUntil: 0,
    because: 'server-error',
    suspected: false,
    forbidden: 0,
  }));
  const isOut = (index: number) => index === 0 && keys.length > 1 && isHeld('spare');
  const current = () =>
    keys.findIndex(({ refusal, suspected }, index) => refusal.kind === 'accepted' && !suspected && !isOut(index));
  let suspicion: (index: number) => void = () => {};

  /** One user's forbidden model must not take the key from everybody: the probe decides, unless it goes on. */
  function forbidden(index: number, key: Key): void {
    key.forbidden++;
    if (key.forbidden >= forbiddenLimit) refused(index, key);
    else if (!key.suspected) {
      key.suspected = true;
      suspicion(index);
    }
  }

  /** `uses` is 2 where a suspicion cost one use and its probe another. */
  function refused(index: number, key: Key, uses: 1 | 2 = 1): void {
    key.suspected = false;
    const first = key.refusal.kind === 'accepted';
    const lastKey = keys.every((other) => other === key || other.refusal.kind !== 'accepted');
    key.refusal = refuse(key.refusal, now(), refusalSettings, lastKey);
    if (uses === 2 && key.refusal.kind === 'refused') key.refusal = { ...key.refusal, uses };
    if (!first) return;
    const facts = { provider: name, key: index, spareLeft: current() !== -1 };
    signals.emit({ kind: 'provider-key-compromised', time: now(), severity: 'critical', facts });
    if (current() === -1) outage.suffered({ kind: 'key-refused', heals: false });
  }

  function accepted(index: number, key: Key): void {
    if (key.refusal.kind === 'accepted') return;
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
      key.breaker.succeeded();
      return;
    }
    key.because = failure.kind;
    if (failure.kind === 'key-refused' || failure.kind === 'forbidden') {
      key.breaker.release(at);
      if (failure.kind === 'forbidden') forbidden(index, key);
      else refused(index, key);
      return;
    }
    outage.suffered(failure);
    if (failure.kind === 'rate-limited') {
      key.breaker.release(at);
      // Capped: a provider that heals early is found again within one half-open time.
      key.heldUntil = at + Math.min(failure.retryAfterMs ?? 0, breakerSettings.halfOpenMs);
    } else if (failure.kind === 'quota-exhausted') key.breaker.trip(at);
    else key.breaker.failed(at, at < rideUntil() ? rideStepMs : undefined);
  }

  return {
    pick() {
      if (isHeld('provider')) return { kind: 'wait', ms: heldMs, because: 'server-error' };
      const index = current();
      const key = keys[index];
      if (key === undefined) {
        const waiting = keys.some(({ suspected }) => suspected);
        return waiting ? { kind: 'wait', ms: suspicionMs, because: 'forbidden' } : { kind: 'refused' };
      }
      const at = now();
      if (key.heldUntil - at > timerSlackMs) return { kind: 'wait', ms: key.heldUntil - at, because: 'rate-limited' };
      const admission = key.breaker.admit(at);
      if (admission.kind === 'wait') return { kind: 'wait', ms: admission.ms, because: key.because };
      return { kind: 'key', index };
    },
    succeeded(index, startedAt) {
      const key = keys[index]!;
      cutSince = undefined;
      key.breaker.succeeded();
      key.heldUntil = 0;
      key.forbidden = 0;
      key.suspected = false;
      accepted(index, key);
      outage.healed(startedAt, 'answer');
    },
    failed,
    abandoned: (index) => keys[index]!.breaker.release(now()),
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
      return index !== -1 && outage.worthProbing() && keys[index]!.heldUntil <= now() ? index : undefined;
    },
    probed(index, startedAt, failure) {
      const key = keys[index]!;
      const wasSuspected = key.suspected;
      if (failure === undefined) {
        cutSince = undefined;
        key.suspected = false;
        accepted(index, key);
        if (outage.worthProbing()) key.breaker.heard();
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
          breaker: key.breaker.state(),
          refused: key.refusal.kind !== 'accepted',
        })),
        ...(last === undefined ? {} : { lastError: last.kind, lastErrorAt: last.at }),
      };
    },
    close: outage.close,
  };
}
