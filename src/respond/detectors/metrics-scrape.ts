// The detector that asks the profile's metrics addresses now and then: errors, security and anomaly series, and whether they answer at all.
import type { Detector, DetectorContext } from './detector.ts';
import { harmless } from './harmless.ts';
import { isNamed, type MetricRule } from './metric-rules.ts';
import { readMetrics, type Sample } from './prometheus-text.ts';
import { lookEvery, type Timers } from './timers.ts';

export interface MetricsScrapeParts {
  urls: readonly string[];
  rules: readonly MetricRule[];
  fetch: typeof fetch;
  timers: Timers;
  /** For rates; goes on while the clock of the wall may be set. */
  steady?: () => number;
  everyMs?: number;
  timeoutMs?: number;
  maxBytes?: number;
}

interface Source {
  url: string;
  name: string;
  /** Sums of the series of a rule, by rule. */
  before: Map<string, { at: number; value: number }>;
  usual: Map<string, { mean: number; seen: number }>;
  inRow: Map<string, number>;
  failures: number;
  everAnswered: boolean;
}

/** Scrapes in a row without an answer, by a service that has answered before. */
const failuresTold = 4;
const learnAfter = 20;
const learnShare = 0.05;

export function metricsScrapeDetector(parts: MetricsScrapeParts): Detector {
  const { rules, timers, everyMs = 30_000 } = parts;
  const types = [...new Set(['performance-anomaly', ...rules.map(({ type }) => type)])];
  return {
    name: 'metrics-scrape',
    types,
    deadAfterMs: everyMs * 4,
    start(context) {
      const sources = parts.urls.map((url) => newSource(url));
      return lookEvery({ timers, ms: everyMs }, context, async (signal) => {
        await Promise.all(sources.map((source) => scrape(source, parts, context, signal)));
      });
    },
  };
}

function newSource(url: string): Source {
  const { hostname, port, pathname } = new URL(url);
  const name = harmless(`${hostname}${port === '' ? '' : `:${port}`}${pathname === '/metrics' ? '' : pathname}`);
  return {
    ...{ url, name, failures: 0, everAnswered: false },
    ...{ before: new Map(), usual: new Map(), inRow: new Map() },
  };
}

async function scrape(source: Source, parts: MetricsScrapeParts, context: DetectorContext, signal: AbortSignal) {
  const { timeoutMs = 10_000, maxBytes = 8_388_608, steady = () => performance.now() } = parts;
  let text: string;
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const answer = await parts.fetch(source.url, {
      signal: within,
      headers: { accept: 'text/plain' },
      redirect: 'error',
    });
    if (!answer.ok) {
      await answer.body?.cancel();
      throw new Error(`answered ${answer.status}`);
    }
    text = await readBounded(answer, maxBytes);
  } catch (err) {
    if (signal.aborted) return;
    source.failures++;
    context.log.debug({ err, failures: source.failures }, 'metrics could not be read');
    const most = Math.max(2, Math.ceil(failuresTold * context.tightness()));
    // One that never answered is a mistake in the profile, and no incident.
    if (source.everAnswered && source.failures === most)
      context.report({
        type: 'performance-anomaly',
        subject: source.name,
        occurredAt: context.now(),
        severity: 'medium',
        facts: { sign: 'metrics unanswered', failures: source.failures },
      });
    return;
  }
  source.failures = 0;
  source.everAnswered = true;
  const { samples } = readMetrics(text);
  const at = steady();
  for (const rule of parts.rules) judge(source, rule, samples, at, context);
}

function judge(
  source: Source,
  rule: MetricRule,
  samples: readonly Sample[],
  at: number,
  context: DetectorContext,
): void {
  const value = measured(source, rule, samples, at);
  if (value === undefined) return;
  const usual = source.usual.get(rule.id) ?? { mean: 0, seen: 0 };
  const above = rule.above === undefined || usual.seen < learnAfter ? 0 : usual.mean * rule.above;
  const tight = context.tightness();
  const limit = Math.max(rule.limit, above) * tight;
  // A series that was never watched at ease has no usual: then only what is far beyond the limit is one.
  const isCold = rule.above !== undefined && usual.seen < learnAfter;
  if (value < (isCold ? rule.limit * 10 * tight : limit)) {
    source.inRow.set(rule.id, 0);
    const weight = Math.max(learnShare, 1 / (usual.seen + 1));
    source.usual.set(rule.id, { mean: usual.mean + (value - usual.mean) * weight, seen: usual.seen + 1 });
    return;
  }
  const inRow = (source.inRow.get(rule.id) ?? 0) + 1;
  source.inRow.set(rule.id, inRow);
  if (inRow !== rule.scrapes) return;
  context.report({
    type: rule.type,
    subject: source.name,
    occurredAt: context.now(),
    severity: rule.severity,
    facts: { rule: rule.id, value: rounded(value), limit: rounded(limit), usual: rounded(usual.mean), scrapes: inRow },
  });
}

/** Undefined where there is no such series, or nothing yet to compare it with. */
function measured(source: Source, rule: MetricRule, samples: readonly Sample[], at: number): number | undefined {
  const sum = sumOf(samples, rule.names);
  if (sum === undefined) return undefined;
  if (rule.of === 'value') return sum;
  const grown = growth(source, rule.id, sum, at);
  if (rule.of === 'rate' || grown === undefined) return grown;
  const all = sumOf(samples, rule.shareOf ?? []);
  const whole = all === undefined ? undefined : growth(source, `${rule.id} of all`, all, at);
  // A share of a handful says nothing.
  return whole === undefined || whole < 10 ? undefined : grown / whole;
}

function sumOf(samples: readonly Sample[], names: readonly string[]): number | undefined {
  const found =
    names.length === 0 ? [] : samples.filter(({ name, value }) => Number.isFinite(value) && isNamed(name, names));
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}

/** By the minute. A counter that fell was begun anew: what it shows has been counted since. */
function growth(source: Source, key: string, value: number, at: number): number | undefined {
  const before = source.before.get(key);
  source.before.set(key, { at, value });
  if (before === undefined || at <= before.at) return undefined;
  const more = value >= before.value ? value - before.value : value;
  return (more * 60_000) / (at - before.at);
}

async function readBounded(answer: Response, maxBytes: number): Promise<string> {
  if (answer.body === null) return '';
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of answer.body as AsyncIterable<Uint8Array>) {
    size += piece.length;
    // Leaving the loop ends the answer.
    if (size > maxBytes) throw new Error('metrics are too long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
