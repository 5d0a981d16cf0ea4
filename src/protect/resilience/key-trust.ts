// Which keys of a provider it still accepts: one is in question after a 403, out after a 401, and asked about so rarely that an attacker's or auditor's log stays short.
import type { Signals } from '../../platform/signals.ts';
import { type Refusal, type RefusalSettings, refuse } from './refusal.ts';

export interface KeyTrustParts {
  now: () => number;
  signals: Signals;
  /** The provider's. */
  name: string;
  keys: number;
  refusal: RefusalSettings;
  /** Whether a key is left that may serve. */
  isAnyLeft: () => boolean;
  /** The last one is refused. */
  onNoneLeft: () => void;
}

export interface KeyTrust {
  /** It is not refused, and nobody waits to know whether it is. */
  isTrusted(index: number): boolean;
  isRefused(index: number): boolean;
  /** Some key may be trusted again as soon as a probe has told. */
  isAnyInQuestion(): boolean;
  /** 401. */
  refused(index: number): void;
  /** 403: about the key, or about this one request. One user's forbidden model must not take the key from everybody. */
  forbidden(index: number): void;
  /** What was sent at `startedAt` was answered. */
  answered(index: number, startedAt: number): void;
  probed(index: number, outcome: 'passed' | 'refused'): void;
  /** The key that a probe should ask about now; -1 when none. */
  due(mayProbe: (index: number) => boolean): number;
  /** Something is to be found out about one of them. */
  isTroubled(): boolean;
  /** Called when a key has to be probed at once. */
  onSuspicion(listener: (index: number) => void): void;
}

interface Key {
  refusal: Refusal;
  /** Until a probe has told, others use another key. */
  suspected: boolean;
  suspectedAt: number;
  /** 403 answers since the last success, but for those that crossed. */
  forbidden: number;
  /** Since the first of them another key was answered: it is this one, not what was asked. */
  isOutdone: boolean;
  /** Such answers while it was in question: what they were to is not known apart. */
  crossed: number;
  /** It is certain that it is the key. */
  isCertain: boolean;
  /** When it was refused last. */
  refusedAt: number;
  /** How often a probe has let it back since its last real answer. */
  returns: number;
}

/** So many in a row are about the key, even where a light probe passes. */
const forbiddenLimit = 3;
/** So long others wait for a probe at most. */
const longestQuestionMs = 2_000;

export function createKeyTrust(parts: KeyTrustParts): KeyTrust {
  const { now, signals, name: provider, refusal: settings, isAnyLeft } = parts;
  const keys: Key[] = Array.from({ length: parts.keys }, () => ({
    refusal: { kind: 'accepted' },
    suspected: false,
    suspectedAt: 0,
    forbidden: 0,
    isOutdone: false,
    crossed: 0,
    isCertain: false,
    refusedAt: 0,
    returns: 0,
  }));
  const lastReturn = Math.max(1, settings.maxUses - 2);
  let suspicion: (index: number) => void = () => {};

  // A probe that hangs must not hold everybody up.
  const isInQuestion = ({ suspected, suspectedAt }: Key) => suspected && now() - suspectedAt < longestQuestionMs;

  /** After so many answers that refuse it, of which nobody has heard yet. */
  function refused(index: number, uses: number, isCertain: boolean): void {
    const key = keys[index]!;
    key.suspected = false;
    key.crossed = 0;
    key.isCertain ||= isCertain;
    const isFirst = key.refusal.kind === 'accepted';
    const isLast = keys.every((other) => other === key || other.refusal.kind !== 'accepted');
    // A probe that let it back before was wrong: the next one comes later.
    const before: Refusal =
      isFirst && key.returns > 0 ? { kind: 'refused', uses: lastReturn, nextProbeAt: 0 } : key.refusal;
    if (isFirst) key.refusedAt = now();
    key.refusal = refuse(before, now(), settings, isLast, uses);
    if (!isFirst) return;
    const facts = { provider, key: index, spareLeft: isAnyLeft() };
    signals.emit({ kind: 'provider-key-compromised', time: now(), severity: 'critical', facts });
    if (!isAnyLeft()) parts.onNoneLeft();
  }

  function accepted(index: number, key: Key): void {
    key.isCertain = false;
    if (key.refusal.kind === 'accepted') return;
    key.refusal = { kind: 'accepted' };
    signals.emit({ kind: 'provider-recovered', time: now(), severity: 'info', facts: { provider, key: index } });
  }

  return {
    isTrusted: (index) => keys[index]!.refusal.kind === 'accepted' && !isInQuestion(keys[index]!),
    isRefused: (index) => keys[index]!.refusal.kind !== 'accepted',
    isAnyInQuestion: () => keys.some(isInQuestion),
    refused: (index) => refused(index, 1 + keys[index]!.crossed, true),
    forbidden(index) {
      const key = keys[index]!;
      // Sent before it was in question, at the same moment.
      if (key.refusal.kind !== 'accepted') {
        if (key.isCertain) refused(index, 1, true);
        return;
      }
      if (isInQuestion(key)) {
        key.crossed++;
        return;
      }
      key.forbidden++;
      if (key.forbidden >= forbiddenLimit) {
        // Perhaps only what was asked for: a count that one user can raise must not spend the key.
        refused(index, 1, false);
        // Its probes pass, so none of them can tell when it is well again.
        if (key.isOutdone) key.refusal = { kind: 'spent' };
        return;
      }
      key.suspected = true;
      key.suspectedAt = now();
      suspicion(index);
    },
    answered(index, startedAt) {
      const key = keys[index]!;
      // What was sent before the refusal proves nothing about what came after it.
      if (startedAt < key.refusedAt) return;
      key.forbidden = 0;
      key.isOutdone = false;
      key.suspected = false;
      key.crossed = 0;
      key.returns = 0;
      accepted(index, key);
      for (const other of keys) if (other.forbidden > 0) other.isOutdone = true;
    },
    probed(index, outcome) {
      const key = keys[index]!;
      if (outcome === 'refused') {
        refused(index, 1 + (key.suspected ? 1 : 0) + key.crossed, true);
        return;
      }
      key.suspected = false;
      key.crossed = 0;
      // One that was under way: it asked before the last word was said.
      if (key.refusal.kind === 'spent') return;
      if (key.refusal.kind !== 'accepted') key.returns++;
      accepted(index, key);
    },
    due(mayProbe) {
      const suspect = keys.findIndex(({ suspected }, index) => suspected && mayProbe(index));
      if (suspect !== -1) return suspect;
      return keys.findIndex(
        ({ refusal }, index) => refusal.kind === 'refused' && refusal.nextProbeAt <= now() && mayProbe(index),
      );
    },
    isTroubled: () => keys.some(({ refusal, suspected }) => suspected || refusal.kind === 'refused'),
    onSuspicion(listener) {
      suspicion = listener;
    },
  };
}
