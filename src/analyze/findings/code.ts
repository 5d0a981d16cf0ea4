// Weaknesses in one code block of a conversation, by the code rules; what becomes of them in the thread is judged elsewhere.
import type { Confidence, Severity } from '../../platform/documents/analysis.ts';
import { isLanguage } from '../../platform/inspection/ast/languages.ts';
import { inspectCode } from '../../platform/inspection/code-rules/inspect-code.ts';
import type { CodeBlock } from '../conversation.ts';

export interface RawFinding {
  rule: string;
  /** From 1, within the block. */
  line: number;
  endLine: number;
  /** The lines as written: secrets in them are masked by whoever shows them. */
  excerpt: string;
  severity: Severity;
  confidence: Confidence;
  cwe: string[];
  owasp: string[];
  language: string;
}

const excerptLines = 6;

/** Judges a block in a language that the rules know; others give no findings. */
export function findInCode(block: CodeBlock): RawFinding[] {
  const { language } = block;
  if (!isLanguage(language)) return [];
  const lines = block.text.split('\n');
  return inspectCode(language, block.text).map(({ rule, line, endLine }) => ({
    rule: rule.id,
    line,
    endLine,
    excerpt: lines.slice(line - 1, Math.min(endLine, line - 1 + excerptLines)).join('\n'),
    severity: rule.severity,
    confidence: rule.confidence,
    cwe: [...rule.cwe],
    owasp: [...rule.owasp],
    language,
  }));
}
