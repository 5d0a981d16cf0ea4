// What the look for attacks found: counted each time, journalled up to a rate that no flood can raise, told as a signal.
import type { IncomingMessage } from 'node:http';
import type { Log } from '../../../platform/base/log.ts';
import type { Journal } from '../../../platform/journal/journal.ts';
import { detectionFinding } from '../../../platform/journal/ocsf.ts';
import type { Signals } from '../../../platform/signals.ts';
import { createBudget } from '../failed-auth.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { receive } from '../receive.ts';
import { sourceAddress, sourceNetwork } from '../source-network.ts';
import type { WafMatch } from '../waf/waf.ts';
import { requestIdOf } from './request-id.ts';

export interface RecordMatchesParts {
  now: () => number;
  log: Log;
  journal: Pick<Journal, 'append'>;
  signals: Signals;
  metrics: Pick<GatewayMetrics, 'wafMatch'>;
}

/** Records of one rule and network in a minute, so that one attacker does not hide another. */
const maxOfOne = 10;
const maxKept = 5_000;

export function createRecordMatches({ now, log, journal, signals, metrics }: RecordMatchesParts): {
  found(req: IncomingMessage, matches: readonly WafMatch[]): void;
  close(): void;
} {
  let seen = new Map<string, number>();
  let minute = 0;
  const append = (event: Parameters<typeof detectionFinding>[0]) =>
    journal
      .append(detectionFinding(event))
      .catch((err: unknown) => log.error({ err }, 'a hostile request could not be journalled'));
  const budget = createBudget(now, ({ count, since, sourceIp }) => {
    const time = now();
    void append({
      time,
      activity: 'create',
      uid: `waf/suppressed/${time}`,
      title: 'waf: more of the same',
      types: ['waf'],
      severity: 'high',
      unmapped: { phase: 'finding', count, since, sourceIp },
    });
  });

  return {
    found(req, matches) {
      const time = now();
      const address = sourceAddress(req);
      const network = sourceNetwork(address);
      if (Math.floor(time / 60_000) !== minute || seen.size > maxKept) {
        minute = Math.floor(time / 60_000);
        seen = new Map();
      }
      for (const { rule, category, severity, place, action } of matches) {
        metrics.wafMatch(rule, action);
        const key = `${network} ${rule}`;
        const count = (seen.get(key) ?? 0) + 1;
        seen.set(key, count);
        if (count > maxOfOne || !budget.take()) {
          budget.suppress(address);
          continue;
        }
        if (count === 1)
          signals.emit({
            kind: 'hostile-request',
            time,
            severity: action === 'block' ? 'medium' : 'low',
            facts: { rule, category, action },
          });
        void append({
          time,
          activity: 'create',
          uid: `${requestIdOf(req)}/${rule}`,
          title: `waf: ${category}`,
          types: [category],
          analytic: rule,
          severity,
          correlation: requestIdOf(req),
          status: 'success',
          unmapped: {
            phase: 'finding',
            operation: receive(req).operation,
            sourceIp: address,
            rules: [rule],
            place,
            action,
          },
        });
      }
    },
    close: budget.close,
  };
}
