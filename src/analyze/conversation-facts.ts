// What the whole analysis needs to know of one conversation: small enough to cross from thread to thread for each of them.
import type { AnalysedConversation, Severity } from '../platform/documents/analysis.ts';
import { countBySeverity, isOpen } from './report/source.ts';

export interface ConversationFacts {
  id: string;
  status: AnalysedConversation['status'];
  models: readonly string[];
  /** Open weaknesses. */
  open: Record<Severity, number>;
  /** Each finding that is no example: its rule, its title, and its fingerprint where it is a snippet that could be known again. */
  weaknesses: readonly (readonly [rule: string, title: string, fingerprint: string | null])[];
  /** Findings that the model answers for: what the assistant wrote, fixed later or not. */
  written: number;
}

export function factsOf({ id, status, models, findings }: AnalysedConversation): ConversationFacts {
  return {
    id,
    status,
    models,
    open: countBySeverity(findings.filter(isOpen)),
    weaknesses: findings
      .filter(({ state }) => state !== 'example')
      .map(({ rule, title, fingerprint, language, excerpt }) => [
        rule,
        title,
        language === 'prose' || isCommonplace(excerpt) ? null : fingerprint,
      ]),
    written: findings.filter(
      (finding) => finding.author === 'assistant' && (isOpen(finding) || finding.state === 'fixed'),
    ).length,
  };
}

/** What is only said is said in many ways; `web:` and `privileged: true` stand in files that have nothing else in common. */
const leastSnippet = 24;

function isCommonplace(excerpt: string): boolean {
  return excerpt.replace(/\s+/g, '').length < leastSnippet;
}
