// Times, durations and names as the report words them.
import { catalogues, type Say, type TextKey } from '../../../platform/i18n/say.ts';

/** UTC to the second: what is compared with the journal must not depend on where it is read. */
export function instant(at: string | number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export function duration(ms: number, say: Say): string {
  const exact = Math.max(0, Math.round(ms / 100) / 10);
  if (exact < 60) return say('review.report.seconds', { count: exact });
  const seconds = Math.round(exact);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60 && seconds % 60 === 0) return say('review.report.impact.minutes', { count: minutes });
  if (minutes < 60) return say('review.report.minutes', { minutes, seconds: seconds % 60 });
  return say('review.report.hours', { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

const longest = 300;

/** Facts of an action or of a check on one line. */
export function factWords(facts: Readonly<Record<string, unknown>>): string {
  const words = Object.entries(facts).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const line = words.join(', ');
  return line.length > longest ? `${line.slice(0, longest).toWellFormed()}…` : line;
}

/** A kind that has no word of its own is shown as it is. */
export function entryWords(kind: string, say: Say): string {
  const key = `review.kind.${kind}`;
  return Object.hasOwn(catalogues.en, key) ? say(key as TextKey) : kind;
}
