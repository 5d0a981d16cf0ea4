// What the whole analysis needs to know of one conversation: small enough to cross from thread to thread for each of them.
import type { AnalysedConversation, Severity } from '../platform/documents/analysis.ts';
import { countBySeverity, isOpen } from './report/source.ts';

export interface ConversationFacts {
  id: string;
  status: AnalysedConversation['status'];
  models: readonly string[];
  /** Open weaknesses. */
  open: Record<Severity, number>;
  /** Each finding that is no example: its rule, its title, and its fingerprint where it is code. */
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
      // What is only said is said in many ways: a snippet is code.
      .map(({ rule, title, fingerprint, language }) => [rule, title, language === 'prose' ? null : fingerprint]),
    written: findings.filter(
      (finding) => finding.author === 'assistant' && (isOpen(finding) || finding.state === 'fixed'),
    ).length,
  };
}
