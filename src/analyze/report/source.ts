// What a report is made from: the analysis document, whose conversations may be read one at a time.
import {
  type AnalysedConversation,
  type Analysis,
  type Finding,
  type Severity,
  severities,
} from '../../platform/documents/analysis.ts';

/** The conversations can be gone through several times; they need not be in memory together. */
export type ReportSource = Omit<Analysis, 'conversations'> & { conversations: Iterable<AnalysedConversation> };

/** What a reader has to act on: seen in the thread and not fixed by its end. */
export function isOpen({ state }: Pick<Finding, 'state'>): boolean {
  return state === 'introduced' || state === 'reintroduced' || state === 'discussed';
}

/** From 0 (critical) to 4 (info). */
export function rank(severity: Severity): number {
  return severities.indexOf(severity);
}

export interface Grouped {
  /** Seen in the thread, fixed or not. */
  explicit: Finding[];
  /** Only spoken of, or possible. */
  potential: Finding[];
  examples: Finding[];
}

/** Each group by severity, then in the order of the thread. */
export function grouped(findings: readonly Finding[]): Grouped {
  const sorted = [...findings].sort(
    (a, b) => rank(a.severity) - rank(b.severity) || a.messageIndex - b.messageIndex || a.line - b.line,
  );
  return {
    explicit: sorted.filter((finding) => isOpen(finding) || finding.state === 'fixed'),
    potential: sorted.filter(({ state }) => state === 'mentioned' || state === 'potential'),
    examples: sorted.filter(({ state }) => state === 'example'),
  };
}

export function countBySeverity(findings: Iterable<Finding>): Record<Severity, number> {
  const counts = { critical: 0, high: 0, medium: 0, low: 0, info: 0 };
  for (const { severity } of findings) counts[severity] += 1;
  return counts;
}
