// The detector that listens to protect's signals.
import type { Signal, SignalKind, Signals } from '../../platform/signals.ts';
import type { Detection, Detector, DetectorContext } from './detector.ts';
import { type SignalRule, signalRules } from './signal-rules.ts';
import { createSurge, type Surge } from './surge.ts';
import { realTimers, type Timers } from './timers.ts';

export interface SignalsDetectorParts {
  signals: Pick<Signals, 'subscribe'>;
  timers?: Timers;
}

/** Other numbers for the rules that count. */
export type SignalThresholds = Readonly<Partial<Record<SignalKind, { count: number; withinSeconds: number }>>>;

const severities = { info: 'low', low: 'low', medium: 'medium', high: 'high', critical: 'critical' } as const;

export function signalsDetector(parts: SignalsDetectorParts, thresholds: SignalThresholds = {}): Detector {
  const { signals, timers = realTimers } = parts;
  const types = [...new Set(Object.values(signalRules).flatMap((rules) => rules.map(({ type }) => type)))];
  return {
    name: 'signals',
    types,
    start(context) {
      const judge = createJudge(context, timers, thresholds);
      const end = signals.subscribe((signal) => {
        try {
          judge.take(signal);
        } catch (err) {
          context.failed(err);
        }
      });
      return {
        close() {
          end();
          judge.close();
        },
      };
    },
  };
}

function createJudge(context: DetectorContext, timers: Timers, thresholds: SignalThresholds) {
  const counts = new Map<SignalRule, Surge>();
  const lasting = new Map<SignalKind, { endedBy: SignalKind; end: () => void }>();

  function tell(rule: SignalRule, signal: Signal, more: Detection['facts'] = {}): void {
    const { kind, facts, severity, time } = signal;
    context.report({
      type: rule.type,
      subject: rule.subject(facts),
      occurredAt: time,
      severity: rule.severity ?? severities[severity],
      facts: { signal: kind, ...facts, ...more },
    });
  }

  function count(rule: SignalRule, often: NonNullable<SignalRule['often']>, signal: Signal): void {
    const wanted = { ...often, ...thresholds[signal.kind] };
    let surge = counts.get(rule);
    if (surge === undefined) {
      surge = createSurge(wanted);
      counts.set(rule, surge);
    }
    const seen = surge.add(often.by?.(signal.facts) ?? '', signal.time, context.tightness());
    if (seen === undefined) return;
    tell(rule, signal, { count: seen, withinSeconds: wanted.withinSeconds });
  }

  function wait(rule: SignalRule, { seconds, endedBy }: NonNullable<SignalRule['lasting']>, signal: Signal): void {
    if (lasting.has(signal.kind)) return;
    const end = timers.after(seconds * 1_000 * context.tightness(), () => {
      lasting.delete(signal.kind);
      tell(rule, signal, { lastedSeconds: seconds });
    });
    lasting.set(signal.kind, { endedBy, end });
  }

  return {
    take(signal: Signal): void {
      for (const [kind, { endedBy, end }] of [...lasting])
        if (endedBy === signal.kind) {
          end();
          lasting.delete(kind);
        }
      const rule = signalRules[signal.kind]?.find(({ when }) => when === undefined || when(signal));
      if (rule === undefined) return;
      if (rule.often !== undefined) count(rule, rule.often, signal);
      else if (rule.lasting !== undefined) wait(rule, rule.lasting, signal);
      else tell(rule, signal);
    },
    close() {
      for (const { end } of lasting.values()) end();
    },
  };
}
