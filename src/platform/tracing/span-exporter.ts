// Sends spans to a collector in batches, behind the requests: what it has no room for is counted and lost, and nobody ever waits for it.
import type { Log } from '../base/log.ts';
import { post } from '../journal/sinks/http.ts';
import { withPath } from '../journal/sinks/otlp-logs.ts';
import { SinkAway, whyOf } from '../journal/sinks/sink.ts';
import { type Span, spanText, tracesRequest } from './span.ts';

export interface SpanCounts {
  exported: number;
  /** For want of room, after the last attempt, or at the end. */
  dropped: number;
  /** The collector would not have them. */
  rejected: number;
  waiting: number;
}

export interface SpanExporter {
  offer(span: Span): void;
  counts(): SpanCounts;
  /** Sends what is left, for so long at most. */
  close(withinMs: number): Promise<void>;
}

export interface SpanExporterParts {
  now: () => number;
  random: () => number;
  log: Pick<Log, 'info' | 'warn'>;
}

export interface SpanExporterSettings {
  url: string;
  headers: Record<string, string>;
  timeoutMs: number;
  service: string;
  /** Spans that wait at most. */
  maxWaiting?: number;
  batch?: number;
  everyMs?: number;
  /** Attempts at one batch; then it makes way. */
  attempts?: number;
  firstPauseMs?: number;
}

export function createSpanExporter(
  { now, random, log }: SpanExporterParts,
  settings: SpanExporterSettings,
): SpanExporter {
  const { maxWaiting = 4_096, batch = 512, everyMs = 2_000, attempts = 5, firstPauseMs = 500 } = settings;
  const url = withPath(settings.url, '/v1/traces');
  const waiting: string[] = [];
  const counts = { exported: 0, dropped: 0, rejected: 0 };
  const end = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;
  let isAway = false;
  let closed = false;

  function told(away: boolean, why = ''): void {
    if (away === isAway) return;
    isAway = away;
    if (away) log.warn({ cause: why }, 'the collector of traces is away; spans wait for a while and are then lost');
    else log.info({ dropped: counts.dropped }, 'the collector of traces is back');
  }

  function schedule(): void {
    if (sending !== undefined) return;
    if (waiting.length >= batch) sendAll();
    else if (timer === undefined && waiting.length > 0) {
      timer = setTimeout(sendAll, everyMs);
      timer.unref();
    }
  }

  function sendAll(): void {
    clearTimeout(timer);
    timer = undefined;
    sending ??= sendBatches().finally(() => {
      sending = undefined;
      if (!closed) schedule();
    });
  }

  async function sendBatches(): Promise<void> {
    while (waiting.length > 0 && !end.signal.aborted) await sendOne(waiting.splice(0, batch));
  }

  async function sendOne(spans: readonly string[]): Promise<void> {
    const body = tracesRequest(settings.service, spans);
    for (let attempt = 1; attempt <= attempts; attempt++) {
      try {
        const { timeoutMs, headers } = settings;
        const sent = await post({ url, headers, body, timeoutMs, signal: end.signal, now });
        const rejected = sent.kind === 'refused' ? spans.length : Math.min(spans.length, rejectedOf(sent.text));
        counts.rejected += rejected;
        counts.exported += spans.length - rejected;
        told(false);
        return;
      } catch (error) {
        told(true, whyOf(error));
        const asked = error instanceof SinkAway ? (error.retryAfterMs ?? 0) : 0;
        if (attempt === attempts || closed) break;
        await pause(Math.max(asked, firstPauseMs * 2 ** (attempt - 1) * (0.5 + random() / 2)), end.signal);
      }
    }
    counts.dropped += spans.length;
  }

  return {
    offer(span) {
      if (closed || waiting.length >= maxWaiting) {
        counts.dropped++;
        return;
      }
      waiting.push(spanText(span));
      // In most calls a batch is under way or its timer runs already.
      if (timer === undefined || waiting.length >= batch) schedule();
    },
    counts: () => ({ ...counts, waiting: waiting.length }),
    async close(withinMs) {
      closed = true;
      clearTimeout(timer);
      const late = setTimeout(() => end.abort(), withinMs);
      await sending;
      await sendBatches();
      clearTimeout(late);
      end.abort();
      counts.dropped += waiting.splice(0).length;
    },
  };
}

/** OTLP's partial success: such spans must not be sent again. */
function rejectedOf(text: string | undefined): number {
  try {
    const { partialSuccess } = JSON.parse(text ?? '{}') as { partialSuccess?: { rejectedSpans?: unknown } };
    return Number(partialSuccess?.rejectedSpans ?? 0) || 0;
  } catch {
    return 0;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    timer.unref();
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
