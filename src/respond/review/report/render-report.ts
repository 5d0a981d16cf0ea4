// The report of an incident, filled from its record, its runs and the journal: the same record gives the same bytes.

import { reportHtml } from './report-html.ts';
import { reportMarkdown } from './report-markdown.ts';
import { type ReportFacts, reportOf } from './report-of.ts';

export interface ReportOptions {
  lang: 'en' | 'fr';
  format: 'markdown' | 'html';
}

export function renderReport(facts: ReportFacts, { lang, format }: ReportOptions): string {
  const report = reportOf(facts, lang);
  return format === 'html' ? reportHtml(report) : reportMarkdown(report);
}
