// Renders the report as one HTML page: no script, no request, its only style pinned by hash in its own policy.
import { createHash } from 'node:crypto';
import { type Block, type Cell, type Inline, inlines, type Report, type Rich } from './blocks.ts';
import { escapeHtml } from './escape.ts';
import { type ReportInput, reportOf } from './report.ts';
import { style } from './style.ts';
import { timelineSvg } from './timeline-svg.ts';

/** Nothing may load or run, even if something slipped through the escaping. */
export const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export function renderHtml(input: ReportInput): string {
  return renderPage(reportOf(input));
}

export function renderPage({ title, lang, blocks }: Report): string {
  return `<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${blocks.map(block).join('\n')}
</main>
</body>
</html>
`;
}

function block(it: Block): string {
  switch (it.kind) {
    case 'heading':
      return `<h${it.level} id="${escapeHtml(it.id)}">${escapeHtml(it.text)}</h${it.level}>`;
    case 'paragraph':
      return `<p>${rich(it.text)}</p>`;
    case 'notice':
      return `<p class="notice ${it.tone}">${rich(it.text)}</p>`;
    case 'list': {
      const tag = it.ordered ? 'ol' : 'ul';
      return `<${tag}>${it.items.map((item) => `<li>${rich(item)}</li>`).join('')}</${tag}>`;
    }
    case 'facts':
      return `<dl>${it.rows.map(([label, value]) => `<dt>${escapeHtml(label)}</dt><dd>${rich(value)}</dd>`).join('\n')}</dl>`;
    case 'table':
      return table(it);
    case 'command':
      return `<pre><code>${escapeHtml(it.text)}</code></pre>`;
    case 'timeline':
      return `<figure>${timelineSvg(it.timeline)}<figcaption>${escapeHtml(it.timeline.description)}</figcaption></figure>`;
    case 'folded':
      return `<details${it.open ? ' open' : ''}><summary>${escapeHtml(it.summary)}</summary>\n${it.blocks.map(block).join('\n')}\n</details>`;
  }
}

/** The first cell of a row names it. The frame scrolls by itself on a narrow screen, so it takes the keyboard's focus too. */
function table({ caption, quiet, columns, rows }: Extract<Block, { kind: 'table' }>): string {
  const numeric = (index: number) => (columns[index]?.numeric === true ? ['numeric'] : []);
  const head = columns.map(({ label }, index) => `<th scope="col"${classes(numeric(index))}>${escapeHtml(label)}</th>`);
  const body = rows.map(
    (row) => `<tr>${row.map((it, index) => cell(it, index === 0 ? 'th' : 'td', numeric(index))).join('')}</tr>`,
  );
  return `<div class="frame" role="group" tabindex="0" aria-label="${escapeHtml(caption)}"><table><caption${classes(quiet === true ? ['quiet'] : [])}>${escapeHtml(caption)}</caption>
<thead><tr>${head.join('')}</tr></thead>
<tbody>
${body.join('\n')}
</tbody></table></div>`;
}

function cell({ text, tone, id }: Cell, tag: 'th' | 'td', names: readonly string[]): string {
  const attributes = `${tag === 'th' ? ' scope="row"' : ''}${id === undefined ? '' : ` id="${escapeHtml(id)}"`}`;
  return `<${tag}${attributes}${classes(tone === undefined ? names : [...names, 'rated', tone])}>${rich(text)}</${tag}>`;
}

function classes(names: readonly string[]): string {
  return names.length === 0 ? '' : ` class="${names.join(' ')}"`;
}

function rich(text: Rich): string {
  return inlines(text).map(inline).join('');
}

function inline(it: Inline): string {
  if (typeof it === 'string') return escapeHtml(it);
  if ('strong' in it) return `<strong>${escapeHtml(it.strong)}</strong>`;
  if ('to' in it) return `<a href="#${escapeHtml(it.to)}">${escapeHtml(it.text)}</a>`;
  return `<code>${escapeHtml(it.code)}</code>`;
}
