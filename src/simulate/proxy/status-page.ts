// The status page: what is broken now and until when, without a script, its one style pinned by hash.
import { createHash } from 'node:crypto';
import type { Lang, Say } from '../../platform/i18n/say.ts';
import { escapeHtml } from '../report/escape.ts';
import type { Reply } from './reply.ts';
import type { BrokenThing, ProxyStatus, Status } from './status.ts';

const style = `:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}
table{border-collapse:collapse;width:100%;margin:0 0 2rem}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #8888;overflow-wrap:anywhere}
.broken{border-left:.4rem solid #c62828;padding-left:.8rem}.whole{border-left:.4rem solid #2e7d32;padding-left:.8rem}`;

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function statusPage(status: Status, lang: Lang, say: Say): Reply {
  const count = status.broken.length;
  const verdict = count === 0 ? say('proxy.page.whole') : say('proxy.page.broken', { count });
  const body = `<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(say('proxy.page.title'))}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(say('proxy.page.title'))}</h1>
<p class="${count === 0 ? 'whole' : 'broken'}"><strong>${escapeHtml(verdict)}</strong></p>
${count === 0 ? '' : brokenTable(status, say)}
<h2>${escapeHtml(say('proxy.page.proxies'))}</h2>
${status.proxies.length === 0 ? `<p>${escapeHtml(say('proxy.page.none'))}</p>` : proxyTable(status.proxies, say)}
<p>${escapeHtml(say('proxy.page.footer', { now: status.now, seed: status.seed }))}</p>
</main>
</body>
</html>
`;
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-language': lang,
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      vary: 'accept-language',
    },
    body,
  };
}

function brokenTable({ broken, now }: Status, say: Say): string {
  const heads = [
    say('proxy.page.proxy'),
    say('proxy.page.what'),
    say('proxy.page.detail'),
    say('proxy.page.until'),
    say('proxy.page.hits'),
  ];
  return table(
    heads,
    broken.map((it) => [
      it.proxy,
      what(it, say),
      it.detail,
      untilText(it, now, say),
      it.hits === null ? '' : String(it.hits),
    ]),
  );
}

function what({ kind, name, type }: BrokenThing, say: Say): string {
  if (kind === 'down') return say('proxy.page.down');
  return name === type ? type : `${name} (${type})`;
}

function untilText({ until }: BrokenThing, now: string, say: Say): string {
  if (until === null) return say('proxy.page.until.open');
  const seconds = Math.max(0, Math.ceil((Date.parse(until) - Date.parse(now)) / 1000));
  return say('proxy.page.until.at', { until, seconds });
}

function proxyTable(proxies: ProxyStatus[], say: Say): string {
  const heads = [
    say('proxy.page.proxy'),
    say('proxy.page.listen'),
    say('proxy.page.upstream'),
    say('proxy.page.state'),
    say('proxy.page.connections'),
    say('proxy.page.calls'),
  ];
  return table(
    heads,
    proxies.map((it) => [
      it.name,
      it.listen,
      it.upstream,
      `${it.protocol}, ${it.enabled ? say('proxy.page.up') : say('proxy.page.down')}`,
      String(it.connections),
      it.protocol === 'http' ? String(it.calls) : '',
    ]),
  );
}

function table(heads: string[], rows: string[][]): string {
  const head = heads.map((text) => `<th scope="col">${escapeHtml(text)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`);
  return `<table><thead><tr>${head}</tr></thead><tbody>\n${body.join('\n')}\n</tbody></table>`;
}
