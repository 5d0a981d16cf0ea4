// The report as one HTML page that loads nothing and runs nothing; its style is pinned by hash in its own policy.
import { createHash } from 'node:crypto';
import { escapeHtml } from '../../../platform/reporting/visible.ts';
import type { Block, Report } from './blocks.ts';
import { timelinePicture } from './timeline-picture.ts';

const style = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--paper:#fff;--rule:#d0d7de;--panel:#f6f8fa;--mark:#b42318}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b1;--paper:#0f1419;--rule:#39424d;--panel:#181f27;--mark:#ff7b72}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--rule)}
h1,h2,p,li,dd,td,code{overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{color:var(--soft)}dd{margin:0}
.frame{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{border:1px solid var(--rule);padding:.3rem .5rem;text-align:left;vertical-align:top}
thead th{background:var(--panel)}
.ticks{list-style:none;padding-left:.2rem}
pre{background:var(--panel);padding:.6rem .9rem;white-space:pre-wrap;overflow-wrap:anywhere;font:.85em/1.45 ui-monospace,monospace}
figure{margin:1rem 0}figcaption{color:var(--soft);font-size:.9rem}
svg{display:block;width:100%;height:auto;font:12px system-ui,sans-serif}
svg text{fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:3px}svg .axis{stroke:var(--soft)}svg .stem{stroke:var(--rule)}
svg .moment{fill:var(--mark)}svg .line{fill:var(--soft)}
@media print{:root{--ink:#000;--paper:#fff;--soft:#444;--rule:#999;--panel:#f3f3f3}body{font-size:10.5pt}main{max-width:none;padding:0}tr,figure{break-inside:avoid}h2{break-after:avoid}}
`;

/** Nothing may load or run, even if something slipped through the escaping. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

export function reportHtml({ lang, title, facts, blocks }: Report): string {
  const rows = facts.map(([label, value]) => `<dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd>`);
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
<h1>${escapeHtml(title)}</h1>
<dl>${rows.join('\n')}</dl>
${blocks.map(element).join('\n')}
</main>
</body>
</html>
`;
}

function element(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h2>${escapeHtml(block.text)}</h2>`;
    case 'paragraph':
      return `<p>${escapeHtml(block.text)}</p>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${escapeHtml(item)}</li>`).join('')}</ul>`;
    case 'ticks':
      return `<ul class="ticks">${block.items.map(({ text, done }) => `<li>${done ? '☑' : '☐'} ${escapeHtml(text)}</li>`).join('')}</ul>`;
    case 'table': {
      const head = block.columns.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join('');
      const body = block.rows.map(
        ([first = '', ...rest]) =>
          `<tr><th scope="row">${escapeHtml(first)}</th>${rest.map((text) => `<td>${escapeHtml(text)}</td>`).join('')}</tr>`,
      );
      return `<div class="frame"><table><thead><tr>${head}</tr></thead>\n<tbody>\n${body.join('\n')}\n</tbody></table></div>`;
    }
    case 'picture':
      return `<figure>${timelinePicture(block)}<figcaption>${escapeHtml(block.description)}</figcaption></figure>`;
    case 'code':
      return `<pre><code>${escapeHtml(block.text)}</code></pre>`;
  }
}
