// What comes from outside made fit for a record: one line, visible, of bounded length, and nothing but names and numbers.
import { visible } from '../../platform/reporting/visible.ts';
import type { Detection } from '../detectors/detector.ts';

export type Scalar = string | number | boolean;

const longestName = 200;
const longestText = 500;
const mostFacts = 40;

/** One line that neither moves a cursor nor turns a line round. */
export function line(text: unknown, most: number = longestText): string {
  // Cut first: what is never shown need not be read.
  const shown = visible(String(text).slice(0, most * 2)).replace(/[\n\r\t]/g, ' ');
  return shown.length > most ? `${shown.slice(0, most - 1).toWellFormed()}…` : shown;
}

export function harmlessName(text: unknown): string {
  return line(text, longestName).trim();
}

/** Scalars under plain names; what is neither is left out, and how much that was is said. */
export function harmlessFacts(facts: unknown): Record<string, Scalar> {
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts)) return {};
  const kept: [string, Scalar][] = [];
  let left = 0;
  for (const name in facts) {
    if (!Object.hasOwn(facts, name)) continue;
    const value: unknown = (facts as Record<string, unknown>)[name];
    const harmless = scalar(value);
    if (kept.length >= mostFacts || harmless === undefined || !/^[\w.-]{1,64}$/.test(name) || name === '__proto__')
      left++;
    else kept.push([name, harmless]);
  }
  return Object.fromEntries(left === 0 ? kept : [...kept, ['factsLeftOut', left]]);
}

function scalar(value: unknown): Scalar | undefined {
  if (typeof value === 'string') return line(value);
  if (typeof value === 'boolean') return value;
  // JSON knows no -0.
  return typeof value === 'number' && Number.isFinite(value) ? value + 0 : undefined;
}

/** The latest instant that a document can name. */
const endOfTime = Date.UTC(9999, 11, 31);

/** Times in their order, names and facts harmless; the type is compared, never shown as it came. */
export function harmlessDetection(given: Detection, now: number): Detection {
  const time = (value: unknown, otherwise: number) =>
    typeof value === 'number' && value >= 0 && value <= endOfTime ? Math.trunc(value) + 0 : otherwise;
  const detectedAt = time(given.detectedAt, now);
  const severities = ['low', 'medium', 'high', 'critical'] as const;
  return {
    detector: harmlessName(given.detector),
    type: line(given.type, 64).replaceAll('_', '-'),
    subject: harmlessName(given.subject) || '?',
    // What happened cannot have been seen before it did.
    occurredAt: Math.min(time(given.occurredAt, detectedAt), detectedAt),
    detectedAt,
    severity: severities.find((known) => known === given.severity) ?? 'medium',
    facts: harmlessFacts(given.facts),
  };
}
