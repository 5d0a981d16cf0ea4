// Gives a conversation's findings the number of its place: it is judged without knowing it, in any thread, once for all.
import type { AnalysedConversation } from '../platform/documents/analysis.ts';

/** The number that every conversation is judged under. */
export const unnumbered = 0;

/** An id as it stands alone or in a sentence that was written about the findings. */
const quoted = new RegExp(`(?<before>^|[^\\w-])F-${unnumbered}-(?<after>\\d+)(?![\\w-])`, 'g');

export function numbered(conversation: AnalysedConversation, number: number): AnalysedConversation {
  const id = (text: string) => text.replace(quoted, `$<before>F-${number}-$<after>`);
  const texts = <T>(written: T): T => everyText(written, id) as T;
  const { findings, domains, maturity, recommendations, summary } = conversation;
  return {
    ...conversation,
    // Excerpts are the conversation's own words: an id in them is none of ours.
    findings: findings.map((finding) => ({ ...finding, id: id(finding.id) })),
    domains: texts(domains),
    maturity: texts(maturity),
    recommendations: texts(recommendations),
    summary: texts(summary),
  };
}

function everyText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one) => everyText(one, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, everyText(one, change)]));
}
