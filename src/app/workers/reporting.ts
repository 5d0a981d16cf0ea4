// What a worker tells the main thread of by the way: gathered, and told ten times a second at most.
import type { Span } from '../../platform/shared/counters.ts';
import type { CounterTable } from '../../platform/shared/memory.ts';
import type { GatewayMetrics } from '../../protect/gateway/metrics.ts';
import type { JournalWatch } from '../../protect/watch-journal.ts';
import type { Counted, WorkerReport } from './protocol.ts';

const everyMs = 100;

export interface Reporting {
  touched(key: string, span: Span, table: CounterTable): void;
  /** The same metrics; what the main thread has to count is told to it. */
  counting(metrics: GatewayMetrics): GatewayMetrics;
  /** Tells what is untold. */
  flush(): void;
  close(): void;
}

export function startReporting(
  tell: (report: WorkerReport) => void,
  watch: Pick<JournalWatch, 'outcomes' | 'writable'>,
  waiting: () => number,
): Reporting {
  const touched = new Map<string, readonly [string, Span, CounterTable]>();
  const counted = new Map<string, Counted>();
  let told = { success: 0, failure: 0 };
  let wasWritable = true;
  let wasWaiting = 0;

  function count(metric: Counted[0], first: string, second = ''): void {
    const name = `${metric} ${first} ${second}`;
    counted.set(name, [metric, first, second, (counted.get(name)?.[3] ?? 0) + 1]);
  }

  function flush(): void {
    const outcomes = watch.outcomes();
    const journalWritable = watch.writable();
    const isNews =
      touched.size > 0 ||
      counted.size > 0 ||
      outcomes.success !== told.success ||
      outcomes.failure !== told.failure ||
      journalWritable !== wasWritable ||
      waiting() !== wasWaiting;
    if (!isNews) return;
    tell({
      touched: [...touched.values()],
      counted: [...counted.values()],
      outcomes: { success: outcomes.success - told.success, failure: outcomes.failure - told.failure },
      journalWritable,
      waiting: waiting(),
    });
    touched.clear();
    counted.clear();
    told = outcomes;
    wasWritable = journalWritable;
    wasWaiting = waiting();
  }

  const timer = setInterval(flush, everyMs).unref();
  return {
    touched(key, span, table) {
      if (!('windowMs' in span)) touched.set(key, [key, span, table]);
    },
    counting: (metrics) => ({
      ...metrics,
      failedAuth: (reason) => count('failedAuth', reason),
      suspicious: (category, role) => count('suspicious', category, role),
      attempt(provider, outcome) {
        metrics.attempt(provider, outcome);
        count('attempt', provider, outcome);
      },
      // Times to a tenth, so that many of a moment are one line of a report.
      answered: (provider, seconds) => count('answered', provider, String(Math.round(Math.log(seconds) * 10))),
    }),
    flush,
    close() {
      clearInterval(timer);
      flush();
    },
  };
}
