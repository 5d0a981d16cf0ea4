// The report as one HTML page: no request, one style and one script, each pinned by its hash in the page's own policy.
import { createHash } from 'node:crypto';
import { type Domain, domains, findingStates, type Severity, severities } from '../../platform/documents/analysis.ts';
import { escapeHtml } from '../../platform/reporting/visible.ts';
import { conversationAnchor, conversationHtml } from './html-conversation.ts';
import { script } from './html-script.ts';
import { style } from './html-style.ts';
import { bar, rich } from './html-text.ts';
import { shortened } from './markdown-text.ts';
import { sharedTitles } from './shared-titles.ts';
import { isOpen, type ReportSource } from './source.ts';
import { firstOf, type Words, words } from './words.ts';

const sha256 = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing may load or run but the page's own, even if something slipped through the escaping. */
export const policy = [
  "default-src 'none'",
  `script-src ${sha256(script)}`,
  `style-src ${sha256(style)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Of few conversations all are open; many begin closed, so that the page stays a page. */
const openUpTo = 12;

interface Totals {
  findings: number;
  open: number;
  fixed: number;
  scores: number[];
  severities: Record<Severity, number>;
  domains: Record<Domain, { covered: number; partial: number; absent: number }>;
}

export function* renderHtml(source: ReportSource): Generator<string> {
  const said = words(source.lang);
  const totals = totalsOf(source);
  yield opening(source, said);
  yield figures(source, totals, said);
  yield contents(source, said);
  yield '</header>\n<main id="main">\n';
  if (totals.findings > 0) yield filter(source, totals, said);
  let place = 0;
  for (const conversation of source.conversations) {
    place += 1;
    yield conversationHtml(conversation, place, source.statistics.conversations <= openUpTo, said);
  }
  if (place === 0) yield `<p>${escapeHtml(said.say('analyze.report.empty'))}</p>\n`;
  yield across(source, said);
  yield notRead(source, said);
  yield `</main>\n${footer(source, said)}<script>${script}</script>\n</body>\n</html>\n`;
}

function totalsOf(source: ReportSource): Totals {
  const totals: Totals = {
    findings: 0,
    open: 0,
    fixed: 0,
    scores: [],
    severities: { critical: 0, high: 0, medium: 0, low: 0, info: 0 },
    domains: Object.fromEntries(
      domains.map((name) => [name, { covered: 0, partial: 0, absent: 0 }]),
    ) as Totals['domains'],
  };
  for (const { status, findings, maturity, domains: own } of source.conversations) {
    if (status === 'error') continue;
    if (maturity.score !== null) totals.scores.push(maturity.score);
    for (const finding of findings) {
      totals.findings += 1;
      if (finding.state === 'fixed') totals.fixed += 1;
      if (!isOpen(finding)) continue;
      totals.open += 1;
      totals.severities[finding.severity] += 1;
    }
    for (const name of domains) {
      const state = own[name]?.state ?? 'not-applicable';
      if (state !== 'not-applicable') totals.domains[name][state] += 1;
    }
  }
  return totals;
}

function opening({ lang, date }: ReportSource, { say, instant }: Words): string {
  const title = escapeHtml(say('analyze.report.title'));
  return `<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">${escapeHtml(say('analyze.html.skip'))}</a>
<header>
<h1>${title}</h1>
<p class="lead">${escapeHtml(say('analyze.report.date'))} ${escapeHtml(instant(date))}</p>
`;
}

function figures({ statistics }: ReportSource, totals: Totals, said: Words): string {
  const { say, number } = said;
  const { scores } = totals;
  const average = scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const read = `✅ ${say('analyze.report.ok')} ${number(statistics.ok)} · ❌ ${say('analyze.report.errors')} ${number(statistics.errors)}`;
  const tiles: [string, string, string][] = [
    [say('analyze.report.count'), number(statistics.conversations), read],
    [say('analyze.html.open'), number(totals.open), ''],
    [say('analyze.html.fixed'), number(totals.fixed), ''],
    [say('analyze.html.average'), average === null ? '–' : number(average), average === null ? '' : '/ 10'],
  ];
  const most = Math.max(1, ...Object.values(totals.severities));
  const bySeverity = severities.map((severity) => {
    const count = totals.severities[severity];
    return `<dt>${escapeHtml(say(`analyze.severity.${severity}`))}</dt><dd>${bar([{ kind: severity, share: count / most }])}</dd><dd class="n">${number(count)}</dd>`;
  });
  const byDomain = domains.map((name) => coverageRow(name, totals.domains[name], said));
  return `<dl class="tiles">${tiles.map(([label, value, more]) => `<div class="tile"><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)} <small>${escapeHtml(more)}</small></dd></div>`).join('')}</dl>
<div class="panels">
<section class="panel"><h2>${escapeHtml(say('analyze.html.severities'))}</h2><dl class="bars">${bySeverity.join('\n')}</dl></section>
<section class="panel"><h2>${escapeHtml(say('analyze.html.coverage'))}</h2><dl class="bars wide">${byDomain.join('\n')}</dl></section>
</div>
`;
}

function coverageRow(
  name: Domain,
  { covered, partial, absent }: Totals['domains'][Domain],
  { say, number }: Words,
): string {
  const all = covered + partial + absent;
  const share = (count: number) => (all === 0 ? 0 : count / all);
  const parts = [
    { kind: 'covered', share: share(covered) },
    { kind: 'partial', share: share(partial) },
  ];
  const told = all === 0 ? '–' : `${number(covered + partial)}/${number(all)}`;
  return `<dt>${escapeHtml(say(`analyze.domain.${name}`))}</dt><dd>${bar(parts)}</dd><dd class="n">${told}</dd>`;
}

function contents(source: ReportSource, { say, number }: Words): string {
  const items: string[] = [];
  for (const { title, findings } of source.conversations) {
    const open = findings.filter(isOpen).length;
    const name = escapeHtml(shortened(title.trim() || '–'));
    const count =
      open === 0
        ? ''
        : ` <span class="n">(${escapeHtml(say('analyze.html.open').toLowerCase())} ${number(open)})</span>`;
    items.push(`<li><a href="#${conversationAnchor(items.length + 1)}">${name}</a>${count}</li>`);
  }
  const label = escapeHtml(say('analyze.report.contents'));
  return `<nav class="panel" aria-label="${label}"><h2>${label}</h2><ol>${items.join('\n')}</ol></nav>
`;
}

function filter(source: ReportSource, totals: Totals, { say, number }: Words): string {
  const boxes = severities.map(
    (severity) =>
      `<label class="pick"><input type="checkbox" name="severity" value="${severity}" checked>${escapeHtml(say(`analyze.severity.${severity}`))}</label>`,
  );
  const states = findingStates.map(
    (state) => `<option value="${state}">${escapeHtml(say(`analyze.state.${state}`))}</option>`,
  );
  const options: string[] = [];
  for (const { title } of source.conversations) {
    const place = options.length + 1;
    options.push(`<option value="${conversationAnchor(place)}">${place}. ${escapeHtml(shortened(title, 60))}</option>`);
  }
  const pattern = say('analyze.html.filter.shown', { total: number(totals.findings) });
  return `<form id="filter" hidden aria-label="${escapeHtml(say('analyze.html.filter'))}">
<label>${escapeHtml(say('analyze.html.filter.text'))}<input type="search" name="text" autocomplete="off"></label>
<fieldset><legend>${escapeHtml(say('analyze.html.filter.severity'))}</legend>${boxes.join('')}</fieldset>
<label>${escapeHtml(say('analyze.html.filter.state'))}<select name="state"><option value="">${escapeHtml(say('analyze.html.filter.all.states'))}</option>${states.join('')}</select></label>
<label>${escapeHtml(say('analyze.html.filter.conversation'))}<select name="conversation"><option value="">${escapeHtml(say('analyze.html.filter.all'))}</option>${options.join('')}</select></label>
<button type="reset">${escapeHtml(say('analyze.html.filter.reset'))}</button>
<p id="shown" role="status" data-pattern="${escapeHtml(pattern)}"></p>
</form>
<p id="nothing" class="note" hidden>${escapeHtml(say('analyze.html.filter.nothing'))}</p>
`;
}

function across(source: ReportSource, said: Words): string {
  const { say, number, counted } = said;
  if (source.statistics.conversations < 2) return '';
  const { recurring, sameSnippet, byModel } = source.across;
  const places = new Map<string, number>();
  let place = 0;
  for (const { id } of source.conversations) places.set(id, ++place);
  const listed = (ids: readonly string[]) => {
    const { shown, more } = firstOf(ids, said);
    const links = shown.map(
      (id) => `<a href="#${conversationAnchor(places.get(id) ?? 0)}">${places.get(id) ?? '?'}</a>`,
    );
    return [...links, ...more.map(escapeHtml)].join(', ');
  };
  const isShared = sharedTitles(recurring);
  const parts = [
    recurring.length === 0
      ? ''
      : `<h3>${escapeHtml(say('analyze.report.across.recurring'))}</h3><ul class="points">${recurring
          .map(({ rule, title: plain, conversations, count }) => {
            const title = isShared(plain) ? `${plain} (${rule})` : plain;
            const among = counted('analyze.count.conversations', conversations.length);
            return `<li>${rich(say('analyze.report.across.recurring.line', { title, count: number(count), conversations: among }))} (${listed(conversations)})</li>`;
          })
          .join('')}</ul>`,
    sameSnippet.length === 0
      ? ''
      : `<h3>${escapeHtml(say('analyze.report.across.same'))}</h3><ul class="points">${sameSnippet
          .map(
            ({ rule, fingerprint, conversations }) =>
              `<li><code>${escapeHtml(rule)}</code> <code>${escapeHtml(fingerprint.slice(0, 12))}</code> (${listed(conversations)})</li>`,
          )
          .join('')}</ul>`,
    byModel.length === 0 ? '' : modelTable(byModel, said),
  ].join('\n');
  const body = parts.trim() === '' ? `<p class="note">${escapeHtml(say('analyze.report.across.none'))}</p>` : parts;
  return `<section class="panel"><h2>${escapeHtml(say('analyze.report.across'))}</h2>${body}</section>\n`;
}

function modelTable(byModel: ReportSource['across']['byModel'], { say, number }: Words): string {
  const head = (['model', 'model.conversations', 'model.findings', 'model.rate'] as const).map(
    (key, index) =>
      `<th scope="col"${index > 0 ? ' class="num"' : ''}>${escapeHtml(say(`analyze.report.across.${key}`))}</th>`,
  );
  const rows = byModel.map(({ model, conversations, findings }) => {
    const cells = [conversations, findings, findings / Math.max(1, conversations)];
    return `<tr><th scope="row">${escapeHtml(model)}</th>${cells.map((count) => `<td class="num">${number(count)}</td>`).join('')}</tr>`;
  });
  return `<table><caption>${escapeHtml(say('analyze.report.across.models'))}</caption><thead><tr>${head.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function notRead({ notRead: entries }: ReportSource, { say }: Words): string {
  if (entries.length === 0) return '';
  const items = entries.map(({ source, why }) => `<li><code>${escapeHtml(source)}</code> ${escapeHtml(why)}</li>`);
  return `<section><h3>${escapeHtml(say('analyze.report.not-read'))}</h3><ul class="points">${items.join('')}</ul></section>\n`;
}

function footer({ engine, narrator }: ReportSource, { say, number }: Words): string {
  const facts = { version: engine.version, rules: number(engine.rules.count), hash: engine.rules.hash.slice(0, 16) };
  const told =
    narrator === undefined
      ? ''
      : `<p>${escapeHtml(say('analyze.report.narrator', { name: narrator.name, accepted: number(narrator.accepted), refused: number(narrator.refused) }))}</p>`;
  return `<footer>${told}<p>${escapeHtml(say('analyze.report.engine', facts))}</p></footer>\n`;
}
