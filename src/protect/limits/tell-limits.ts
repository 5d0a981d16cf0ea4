// What is told of requests that were over a limit: each is counted, and the first of a minute is a signal and, of an address, in the journal.
import type { Log } from '../../platform/base/log.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { detectionFinding } from '../../platform/journal/ocsf.ts';
import type { Signals } from '../../platform/signals.ts';
import { sourceNetwork } from '../gateway/source-network.ts';
import type { Refused } from './limiter.ts';

export interface TellLimitsParts {
  now: () => number;
  log: Pick<Log, 'error'>;
  journal: Pick<Journal, 'append'>;
  signals: Signals;
  metrics: { rateLimited(scope: string): void };
}

const pauseMs = 60_000;
/** Addresses told of are forgotten all at once beyond this many: then some are told of twice. */
const maxTold = 1_000;

export function createTellLimits({ now, log, journal, signals, metrics }: TellLimitsParts): (about: Refused) => void {
  const told = new Map<string, { at: number; refused: number }>();

  /** How many were refused since it was last told; undefined while it is too soon to tell again. */
  function sinceTold(what: string): number | undefined {
    const at = now();
    const before = told.get(what);
    if (before !== undefined && at - before.at < pauseMs) {
      before.refused++;
      return undefined;
    }
    if (told.size >= maxTold) told.clear();
    told.set(what, { at, refused: 0 });
    return (before?.refused ?? 0) + 1;
  }

  return ({ scope, unit, every, sourceIp }) => {
    metrics.rateLimited(scope);
    const what = { scope, ...(unit === undefined ? {} : { unit }), ...(every === undefined ? {} : { every }) };
    const refused = sinceTold(`${scope}|${unit}|${every}`);
    if (refused !== undefined)
      signals.emit({ kind: 'rate-limited', time: now(), severity: 'low', facts: { ...what, refused } });
    // A caller who is known has an outcome in the journal for each request; of an address there is nothing else.
    if (sourceIp === undefined || sinceTold(sourceNetwork(sourceIp)) === undefined) return;
    const time = now();
    journal
      .append(
        detectionFinding({
          time,
          activity: 'create',
          uid: `rate-limit/${time}`,
          title: 'more requests from one address than are let in',
          types: ['rate-limited'],
          severity: 'low',
          status: 'success',
          unmapped: { phase: 'finding', sourceIp, ...what },
        }),
      )
      .catch((err: unknown) => log.error({ err }, 'a limit that was reached could not be journalled'));
  };
}
