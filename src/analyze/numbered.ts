// Gives a conversation's findings the number of its place: it is judged without knowing it, in any thread, once for all.
import type { AnalysedConversation } from '../platform/documents/analysis.ts';

/** The number that every conversation is judged under. */
export const unnumbered = 0;

/** An id as it stands alone or in a sentence that was written about the findings. */
const quoted = new RegExp(`(?<before>^|[^\\w-])F-${unnumbered}-(?<after>\\d+)(?![\\w-])`, 'g');

const mark = `F-${unnumbered}-`;

/** Changes the conversation: it has just been read, and nobody else has it. */
export function numbered(conversation: AnalysedConversation, number: number): AnalysedConversation {
  const id = (text: string) => text.replace(quoted, `$<before>F-${number}-$<after>`);
  // Excerpts are the conversation's own words: an id in them is none of ours.
  for (const finding of conversation.findings) finding.id = id(finding.id);
  const { domains, maturity, recommendations, summary } = conversation;
  inEveryText({ domains, maturity, recommendations, summary }, id);
  return conversation;
}

function inEveryText(value: object, change: (text: string) => string): void {
  const fields = value as Record<string, unknown>;
  for (const key in fields) {
    const one = fields[key];
    if (typeof one === 'string') {
      if (one.includes(mark)) fields[key] = change(one);
    } else if (typeof one === 'object' && one !== null) inEveryText(one, change);
  }
}
