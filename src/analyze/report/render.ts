// The forms of the report by name, with the ending of each one's file.
import type { Severity } from '../../platform/documents/analysis.ts';
import { renderHtml } from './html.ts';
import { renderJson } from './json.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { renderSarif } from './sarif.ts';
import type { ReportSource } from './source.ts';

export const reportFormats = ['md', 'html', 'json', 'sarif', 'junit'] as const;
export type ReportFormat = (typeof reportFormats)[number];

export const endings: Readonly<Record<ReportFormat, string>> = {
  md: '.md',
  html: '.html',
  json: '.json',
  sarif: '.sarif',
  junit: '.junit.xml',
};

/** `failOn` is what a failed case of JUnit begins with. */
export function render(format: ReportFormat, source: ReportSource, failOn?: Severity): Iterable<string> {
  switch (format) {
    case 'md':
      return renderMarkdown(source);
    case 'html':
      return renderHtml(source);
    case 'json':
      return renderJson(source);
    case 'sarif':
      return renderSarif(source);
    case 'junit':
      return renderJunit(source, failOn);
  }
}
