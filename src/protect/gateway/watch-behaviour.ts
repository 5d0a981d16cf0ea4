// What is done about unusual requests: flagged above one bar, watched with tighter limits between two, never anything on a cold baseline.
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Signals } from '../../platform/signals.ts';
import type { Behaviour } from '../screening/behaviour.ts';
import type { ChatCall } from './dialects/dialect.ts';
import type { Exchange } from './exchange.ts';
import type { GatewayMetrics } from './metrics.ts';
import { createRecent } from './recent-values.ts';
import type { Recorder } from './record.ts';

export interface BehaviourPolicy {
  /** `watch` flags and limits; `enforce` also refuses, from `watchAbove` on. */
  mode: 'off' | 'watch' | 'enforce';
  watchAbove: number;
  flagAbove: number;
  /** Requests of one watched subject that are let through in a minute. */
  watchedPerMinute: number;
}

export interface BehaviourWatch {
  /** Throws ERR_RATE_LIMITED and ERR_BEHAVIOUR. */
  admit(exchange: Exchange, call: ChatCall): void;
  refused(exchange: Exchange): void;
}

export interface BehaviourWatchParts {
  now: () => number;
  log: Log;
  signals: Signals;
  metrics: GatewayMetrics;
  recorder: Recorder;
  behaviour?: Behaviour;
}

const minuteMs = 60_000;
const maxWatched = 10_000;

export function createBehaviourWatch(parts: BehaviourWatchParts, policy: BehaviourPolicy): BehaviourWatch {
  const { now, log, behaviour, signals, metrics, recorder } = parts;
  const watched = createRecent<{ since: number; count: number }>(maxWatched);
  if (behaviour === undefined || policy.mode === 'off') return { admit() {}, refused() {} };
  let told: boolean | undefined;

  /** Once, and again when it changes: whoever expects anomalies to be told must know that none can be yet. */
  function tellState(cold: boolean): void {
    if (cold === told) return;
    told = cold;
    const { learned, needed } = behaviour!.state();
    if (cold)
      log.info({ learned, needed }, 'the baseline of behaviour is cold: requests are learned from, none is judged');
    else log.info({ learned }, 'the baseline of behaviour is warm: requests are judged');
  }

  /** True when one more is too many. */
  function overLimit(subject: string): boolean {
    const at = now();
    const before = watched.get(subject);
    const entry = before !== undefined && Math.abs(at - before.since) < minuteMs ? before : { since: at, count: 0 };
    entry.count++;
    watched.set(subject, entry);
    return entry.count > policy.watchedPerMinute;
  }

  return {
    admit(exchange, call) {
      const { caller } = exchange;
      const text = call.turns.findLast(({ role }) => role === 'user')?.text ?? '';
      const { score, cold, because } = behaviour.observe({
        subject: caller.subject,
        source: caller.sourceIp,
        model: call.model,
        text,
        turns: call.turns.length,
      });
      tellState(cold);
      if (score === null || score < policy.watchAbove) return;
      const refuse = policy.mode === 'enforce';
      const flagged = score > policy.flagAbove;
      const action = refuse ? 'block' : flagged ? 'flag' : 'watch';
      metrics.suspicious('anomaly', 'user');
      const rules = because.map(({ feature }) => feature);
      const severity = flagged ? 'medium' : 'low';
      recorder.finding(exchange, { category: 'anomaly', role: 'user', action, score, rules, severity });
      if (flagged)
        signals.emit({
          kind: 'behaviour-anomaly',
          time: now(),
          severity,
          facts: {
            credential: caller.credential,
            score,
            action,
            ...Object.fromEntries(because.map(({ feature, share }) => [feature, share])),
          },
        });
      if (refuse) throw new RempartError('ERR_BEHAVIOUR', { seconds: 60 });
      if (overLimit(caller.subject)) {
        metrics.rateLimited('behaviour');
        throw new RempartError('ERR_RATE_LIMITED', { seconds: 60 });
      }
    },
    refused: ({ caller }) => behaviour.refused(caller.subject),
  };
}
