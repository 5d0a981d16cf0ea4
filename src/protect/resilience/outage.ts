// What is wrong with one provider at the moment, said once: signals at changes of state, deduplicated until it has recovered.
import type { Signal, SignalKind, Signals } from '../../platform/signals.ts';
import type { Failure, FailureKind } from './failure.ts';

/** A failure that a retry heals within this time is only worth a low signal. */
const patienceMs = 1_000;
/** An error stays visible this long after it healed, so that whoever looks at health now and then sees it. */
const visibleMs = 3_000;
/** A failure so soon after a probe's good news shows that the probe is no judge of it. */
const misledMs = 30_000;

export interface OutageParts {
  now: () => number;
  signals: Signals;
}

export interface Outage {
  suffered(failure: Failure): void;
  /** The request that suffered it has given up: what was pending is announced now. */
  gaveUp(): void;
  /** An attempt that began at `startedAt` succeeded; `how` tells a real answer from a background probe. */
  healed(startedAt: number, how: 'answer' | 'probe'): void;
  active(): boolean;
  /** True when a background probe could learn something. */
  worthProbing(): boolean;
  last(): { kind: FailureKind; at: number } | undefined;
  close(): void;
}

interface Trouble {
  lastAt: number;
  announced: boolean;
  /** Only a real answer ends it. */
  needsAnswer: boolean;
  timer?: NodeJS.Timeout;
}

export function createOutage(provider: string, { now, signals }: OutageParts): Outage {
  const troubles = new Map<SignalKind, Trouble>();
  const probeHealedAt = new Map<SignalKind, number>();
  let last: { kind: FailureKind; at: number } | undefined;

  function emit(kind: SignalKind, severity: Signal['severity'], facts: Signal['facts'] = {}): void {
    signals.emit({ kind, time: now(), severity, facts: { provider, ...facts } });
  }

  function announce(kind: SignalKind, trouble: Trouble): void {
    clearTimeout(trouble.timer);
    if (trouble.announced) return;
    trouble.announced = true;
    emit(kind, kind === 'rate-limited' ? 'medium' : 'high');
  }

  function heal(kind: SignalKind, trouble: Trouble): boolean {
    clearTimeout(trouble.timer);
    troubles.delete(kind);
    if (!trouble.announced) emit(kind, 'low', { healedByRetry: true });
    return trouble.announced;
  }

  return {
    suffered(failure) {
      const kind = signalOf(failure.kind);
      const at = now();
      last = { kind: failure.kind, at };
      const known = troubles.get(kind);
      if (known !== undefined) {
        known.lastAt = at;
        return;
      }
      // A list of models costs no quota, so it cannot tell that there is some again.
      const misled = at - (probeHealedAt.get(kind) ?? Number.NEGATIVE_INFINITY) < misledMs;
      const trouble: Trouble = { lastAt: at, announced: false, needsAnswer: kind === 'quota-exhausted' || misled };
      troubles.set(kind, trouble);
      if (!failure.heals) announce(kind, trouble);
      else trouble.timer = setTimeout(() => announce(kind, trouble), patienceMs).unref();
    },
    gaveUp() {
      for (const [kind, trouble] of troubles) announce(kind, trouble);
    },
    healed(startedAt, how) {
      let recovered = false;
      for (const [kind, trouble] of [...troubles]) {
        // An answer to a question asked before the failure proves nothing about what came after it.
        if (startedAt < trouble.lastAt) continue;
        if (how === 'probe') {
          if (trouble.needsAnswer) continue;
          probeHealedAt.set(kind, now());
        }
        recovered = heal(kind, trouble) || recovered;
      }
      if (recovered && troubles.size === 0) emit('provider-recovered', 'info');
    },
    active: () => troubles.size > 0,
    worthProbing: () => [...troubles.values()].some(({ needsAnswer }) => !needsAnswer),
    last: () => (last !== undefined && (troubles.size > 0 || now() - last.at < visibleMs) ? last : undefined),
    close() {
      for (const trouble of troubles.values()) clearTimeout(trouble.timer);
    },
  };
}

function signalOf(kind: FailureKind): SignalKind {
  switch (kind) {
    case 'unreachable':
    case 'cut':
      return 'network-cut';
    case 'rate-limited':
      return 'rate-limited';
    case 'quota-exhausted':
      return 'quota-exhausted';
    default:
      return 'provider-unavailable';
  }
}
