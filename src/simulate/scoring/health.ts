// Whether the target's health page left its baseline: by its status or by any value of its JSON that had been steady.
import { parseJsonObject } from '../targets/json-text.ts';

export interface HealthSample {
  status: number | null;
  body: string;
}

/** The steady values of a health page: pointer -> JSON text; values that varied without a fault are left out. */
export interface HealthBaseline {
  steady: ReadonlyMap<string, string>;
  varied: ReadonlySet<string>;
}

export function healthBaseline(samples: readonly HealthSample[]): HealthBaseline {
  const steady = new Map<string, string>();
  const varied = new Set<string>();
  samples.forEach((sample, index) => {
    const values = flatten(sample);
    for (const [pointer, value] of values) {
      const before = steady.get(pointer);
      if (before === undefined ? index > 0 : before !== value) varied.add(pointer);
      if (before === undefined) steady.set(pointer, value);
    }
    for (const pointer of steady.keys()) if (!values.has(pointer)) varied.add(pointer);
  });
  for (const pointer of varied) steady.delete(pointer);
  return { steady, varied };
}

/** Whether a state (not a clock, not a counter) moved to and fro during the baseline: the machine was busy, or the target unsure. */
export function isRestless(samples: readonly HealthSample[]): boolean {
  const values = new Map<string, Set<string>>();
  for (const sample of samples) {
    for (const [pointer, value] of flatten(sample)) values.set(pointer, (values.get(pointer) ?? new Set()).add(value));
  }
  // A state has few values, and they are words; what is new in every sample is a clock.
  return [...values].some(
    ([pointer, seen]) =>
      seen.size > 1 &&
      seen.size <= Math.min(3, samples.length - 1) &&
      (pointer === 'status code' || [...seen].every((value) => /^("|true|false|null)/.test(value))),
  );
}

/** The pointers that differ from the baseline in this sample; a page that does not answer differs by its status. */
export function healthDeviations(baseline: HealthBaseline, sample: HealthSample): string[] {
  const values = flatten(sample);
  const different = new Set<string>();
  for (const [pointer, value] of baseline.steady) if (values.get(pointer) !== value) different.add(pointer);
  for (const pointer of values.keys()) {
    if (!baseline.steady.has(pointer) && !baseline.varied.has(pointer)) different.add(pointer);
  }
  return [...different];
}

function flatten({ status, body }: HealthSample): Map<string, string> {
  const into = new Map<string, string>([['status code', String(status)]]);
  const json = parseJsonObject(body);
  if (json !== null && typeof json === 'object') walk(json, '', into);
  else for (const line of body.split('\n')) setText(line.trim(), `text ${withoutFigures(line.trim())}`, into);
  return into;
}

function walk(value: unknown, pointer: string, into: Map<string, string>): void {
  if (typeof value === 'object' && value !== null) {
    for (const [key, entry] of Object.entries(value)) walk(entry, `${pointer}/${key}`, into);
  } else if (typeof value === 'string') setText(value, pointer, into);
  else into.set(pointer, JSON.stringify(value));
}

/** A text twice: as it stands, and without its clocks and counters, which else would hide the word beside them ("ok since 14:02"). */
function setText(text: string, pointer: string, into: Map<string, string>): void {
  if (text === '') return;
  into.set(pointer, JSON.stringify(text));
  const words = withoutFigures(text);
  if (words !== text && /\p{L}/u.test(words)) into.set(`${pointer} (words)`, JSON.stringify(words));
}

function withoutFigures(text: string): string {
  return text.replace(/[0-9a-f]{8}(-?[0-9a-f]{4}){2,}[0-9a-f-]*|\d+/gi, '#');
}
