// Gives a conversation's findings the number of its place: it is judged without knowing it, in any thread, once for all.
import type { AnalysedConversation } from '../platform/documents/analysis.ts';

/** The number that every conversation is judged under. */
export const unnumbered = 0;

export function numbered(conversation: AnalysedConversation, number: number): AnalysedConversation {
  const from = `F-${unnumbered}-`;
  const id = (text: string) => (text.startsWith(from) ? `F-${number}-${text.slice(from.length)}` : text);
  const { findings, domains, maturity } = conversation;
  return {
    ...conversation,
    findings: findings.map((finding) => ({ ...finding, id: id(finding.id) })),
    domains: Object.fromEntries(
      Object.entries(domains).map(([name, domain]) => [name, { ...domain, evidence: domain.evidence.map(id) }]),
    ) as AnalysedConversation['domains'],
    maturity: { ...maturity, wouldBe: maturity.wouldBe.map((would) => ({ ...would, if: would.if.map(id) })) },
  };
}
