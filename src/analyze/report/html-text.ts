// Small pieces of the report page: text that stays text, lists of facts, bars and rings drawn without a style attribute.
import { escapeHtml } from '../../platform/reporting/visible.ts';

/** What stands between backquotes is shown as code; everything is escaped. */
export function rich(text: string): string {
  let at = 0;
  let written = '';
  for (const match of text.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)) {
    written += `${escapeHtml(text.slice(at, match.index))}<code>${escapeHtml(match[1]!)}</code>`;
    at = match.index + match[0].length;
  }
  return written + escapeHtml(text.slice(at));
}

/** Rows of label and HTML; those without a value are left out. */
export function facts(rows: readonly (readonly [label: string, html: string])[]): string {
  return rows
    .filter(([, html]) => html !== '')
    .map(([label, html]) => `<dt>${escapeHtml(label)}</dt><dd>${html}</dd>`)
    .join('\n');
}

/** A bar of shares of a whole, each with the class that colours it; for the eye alone, since the numbers stand beside it. */
export function bar(parts: readonly { kind: string; share: number }[]): string {
  let x = 0;
  const rects = parts.map(({ kind, share }) => {
    const width = Math.round(share * 10_000) / 100;
    const rect = `<rect class="${kind}" x="${Math.round(x * 100) / 100}" width="${width}" height="8"/>`;
    x += width;
    return rect;
  });
  return `<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="8"/>${rects.join('')}</svg>`;
}

/** A score out of ten as a ring. */
export function ring(score: number, text: string, label: string): string {
  const round = 2 * Math.PI * 18;
  const drawn = Math.round(((round * score) / 10) * 100) / 100;
  const kind = score >= 7 ? 'great' : score >= 5 ? 'fair' : 'poor';
  return `<svg class="ring" viewBox="0 0 44 44" role="img" aria-label="${escapeHtml(label)}"><circle cx="22" cy="22" r="18"/><circle class="${kind}" cx="22" cy="22" r="18" stroke-dasharray="${drawn} 200" stroke-linecap="round" transform="rotate(-90 22 22)"/><text x="22" y="22">${escapeHtml(text)}</text></svg>`;
}
