// One conversation of the report page.
import {
  type AnalysedConversation,
  domains,
  type Finding,
  type GoodPractice,
  severities,
} from '../../platform/documents/analysis.ts';
import { escapeHtml } from '../../platform/reporting/visible.ts';
import { facts, rich, ring } from './html-text.ts';
import { shortened } from './markdown-text.ts';
import { countBySeverity, grouped, isOpen } from './source.ts';
import {
  conclusionText,
  formatName,
  lifeText,
  messageNumber,
  mitigationText,
  qualifier,
  repairsText,
  type Words,
  whereText,
  wouldBeText,
} from './words.ts';

/** Where a conversation begins on the page. */
export function conversationAnchor(place: number): string {
  return `conversation-${place}`;
}

export function conversationHtml(it: AnalysedConversation, place: number, open: boolean, said: Words): string {
  const { say } = said;
  const anchor = conversationAnchor(place);
  const { score } = it.maturity;
  const label = `${say('analyze.html.score')} ${said.score(score)}/10`;
  const body =
    it.status === 'error'
      ? `<p>${escapeHtml(say('analyze.report.error', { why: it.error?.message ?? '–', code: it.error?.code ?? '–' }))}</p>`
      : sections(it, anchor, said);
  return `<details class="conversation" id="${anchor}"${open ? ' open' : ''}>
<summary><h2>${place}. ${escapeHtml(shortened(it.title.trim() || '–'))}</h2>${openCounts(it, said)}${score === null || it.status === 'error' ? '' : ring(score, said.number(score), label)}</summary>
<dl class="facts">${factRows(it, said)}</dl>
${body}
</details>
`;
}

/** What is open, seen without opening the conversation. */
function openCounts({ findings }: AnalysedConversation, { say, number }: Words): string {
  const counts = countBySeverity(findings.filter(isOpen));
  const badges = severities
    .filter((severity) => counts[severity] > 0)
    .map(
      (severity) =>
        `<span class="badge ${severity}">${number(counts[severity])} ${escapeHtml(say(`analyze.severity.${severity}`))}</span>`,
    );
  return badges.length === 0 ? '' : `<span class="counts">${badges.join('')}</span>`;
}

function factRows(it: AnalysedConversation, { say, number }: Words): string {
  const tokens = `${number(it.tokens.count)} (${it.tokens.exact ? it.tokens.tokenizer : say('analyze.report.estimated')})`;
  const status =
    it.status === 'ok' ? `✅ ${say('analyze.report.status.ok')}` : `❌ ${say('analyze.report.status.error')}`;
  const rows: [string, string][] = [
    [say('analyze.report.source'), it.source],
    [say('analyze.report.format'), formatName(it.format)],
    ...(it.models.length === 0 ? [] : [[say('analyze.report.models'), it.models.join(', ')] as [string, string]]),
    [say('analyze.report.tokens'), tokens],
    [say('analyze.report.status'), status],
  ];
  return rows.map(([label, value]) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`).join('');
}

function sections(it: AnalysedConversation, anchor: string, said: Words): string {
  const { say } = said;
  const parts: [title: string, html: string][] = [
    [say('analyze.report.summary'), summary(it, said)],
    [say('analyze.report.vulnerabilities'), findings(it, anchor, said)],
    [say('analyze.report.practices'), practices(it, said)],
    [say('analyze.report.recommendations'), recommendations(it, said)],
    [
      `${say('analyze.report.maturity')} ${it.maturity.score === null ? said.score(null) : `${said.score(it.maturity.score)}/10`}`,
      maturity(it, said),
    ],
    [say('analyze.report.domains'), checklist(it, said)],
    [say('analyze.report.unread'), unread(it, said)],
  ];
  const told = (it.narrative ?? []).map(({ text }) => rich(text)).join(' ');
  return `${parts
    .filter(([, html]) => html !== '')
    .map(([title, html]) => `<h3>${escapeHtml(title)}</h3>\n${html}`)
    .join('\n')}
<p class="conclusion"><strong>${escapeHtml(say('analyze.report.conclusion'))}</strong> ${rich(conclusionText(it, said))}</p>${told === '' ? '' : `<p>${told}</p>`}`;
}

function summary(it: AnalysedConversation, { say }: Words): string {
  const points = (['strengths', 'practices', 'gaps'] as const).map(
    (point) =>
      `<li><strong>${escapeHtml(say(`analyze.report.summary.${point}`))}</strong> ${rich(it.summary[point])}</li>`,
  );
  return `<ol class="points">${points.join('')}</ol>`;
}

function findings(it: AnalysedConversation, anchor: string, said: Words): string {
  const { say } = said;
  const { explicit, potential, examples } = grouped(it.findings);
  const none =
    potential.length > 0 ? 'analyze.report.vulnerabilities.no-explicit' : 'analyze.report.vulnerabilities.none';
  const note = (text: string) => `<p class="note">${escapeHtml(text)}</p>`;
  return [
    ...(explicit.length === 0 ? [note(say(none))] : explicit.map((one) => finding(one, it, anchor, said))),
    ...(potential.length > 0 && explicit.length > 0 ? [note(say('analyze.report.vulnerabilities.potential'))] : []),
    ...potential.map((one) => finding(one, it, anchor, said)),
    ...(examples.length > 0 ? [note(say('analyze.report.vulnerabilities.examples'))] : []),
    ...examples.map((one) => finding(one, it, anchor, said)),
  ].join('\n');
}

function finding(it: Finding, conversation: AnalysedConversation, anchor: string, said: Words): string {
  const { say } = said;
  const excerpt =
    it.excerpt.trim() === ''
      ? ''
      : it.language === 'prose'
        ? `<blockquote>${escapeHtml(shortened(it.excerpt, 600))}</blockquote>`
        : `<pre><code>${escapeHtml(it.excerpt)}</code></pre>`;
  const confidence = say('analyze.report.confidence', { confidence: say(`analyze.confidence.${it.confidence}`) });
  return `<article class="finding ${it.severity}" id="${escapeHtml(it.id)}" data-severity="${it.severity}" data-state="${it.state}" data-conversation="${anchor}">
<header><h4>${rich(shortened(it.title))}</h4><span class="badge ${it.severity}">${escapeHtml(say(`analyze.severity.${it.severity}`))}</span><span class="state ${it.state}">${escapeHtml(say(`analyze.state.${it.state}`))}</span><span class="where">${escapeHtml(whereText(it, said))}</span></header>
${excerpt}
<dl>${facts([
    [say('analyze.report.type'), escapeHtml([...it.cwe, ...it.owasp].join(', '))],
    [say('analyze.report.description'), rich(it.explanation)],
    [say('analyze.report.exploitation'), rich(it.exploitation)],
    [say('analyze.report.fix'), rich(it.fix)],
    [say('analyze.report.state'), escapeHtml(lifeText(it, said))],
    [say('analyze.report.mitigation'), rich(mitigationText(it, conversation, said))],
    [
      say('analyze.report.reference'),
      `${escapeHtml(it.id)}, <code>${escapeHtml(it.rule)}</code>, ${escapeHtml(confidence)}`,
    ],
  ])}</dl>
</article>`;
}

function practices(it: AnalysedConversation, said: Words): string {
  if (it.goodPractices.length === 0)
    return `<p class="note">${escapeHtml(said.say('analyze.report.practices.none'))}</p>`;
  return `<div class="cards">${it.goodPractices.map((one) => practice(one, said)).join('\n')}</div>`;
}

function practice({ title, evidence, example, benefit, caveat }: GoodPractice, { say }: Words): string {
  const places = [...new Set(evidence.map(({ messageIndex }) => messageNumber(messageIndex)))].join(', ');
  const shown = example.trim() || (evidence[0]?.excerpt.trim() ?? '');
  return `<div class="practice"><h4>${rich(title)}</h4>${shown === '' ? '' : `<pre><code>${escapeHtml(shown)}</code></pre>`}
<dl>${facts([
    [say('analyze.report.evidence'), places === '' ? '' : escapeHtml(`message ${places}`)],
    [say('analyze.report.benefit'), rich(benefit)],
    [say('analyze.report.caveat'), rich(caveat)],
  ])}</dl></div>`;
}

function recommendations(it: AnalysedConversation, { say }: Words): string {
  if (it.recommendations.length === 0)
    return `<p class="note">${escapeHtml(say('analyze.report.recommendations.none'))}</p>`;
  const cards = it.recommendations.map(
    ({
      domain,
      title,
      why,
      how,
      tools,
    }) => `<div class="practice"><h4>${rich(title)}</h4><p class="where">${escapeHtml(say(`analyze.domain.${domain}`))}</p>
<dl>${facts([
      [say('analyze.report.why'), rich(why)],
      [say('analyze.report.how'), rich(how)],
      [say('analyze.report.tools'), tools.map(rich).join(', ')],
    ])}</dl></div>`,
  );
  return `<div class="cards">${cards.join('\n')}</div>`;
}

function maturity({ maturity: it }: AnalysedConversation, said: Words): string {
  const { say } = said;
  if (it.score === null) return `<p class="note">${escapeHtml(say('analyze.report.maturity.none.why'))}</p>`;
  const sides = (['strengths', 'gaps'] as const)
    .filter((side) => it.because[side].length > 0)
    .map(
      (side) =>
        `<div><p>${escapeHtml(say(`analyze.report.${side}`))}</p><ul class="points">${it.because[side].map((text) => `<li>${rich(text)}</li>`).join('')}</ul></div>`,
    );
  const would = it.wouldBe.map((one) => `<p class="note">${escapeHtml(wouldBeText(one, said))}</p>`);
  return `<div class="two">${sides.join('')}</div>${would.join('')}`;
}

const marks = { covered: '✓', partial: '◐', absent: '○', 'not-applicable': '–' } as const;

function checklist(it: AnalysedConversation, said: Words): string {
  const { say } = said;
  const items = domains.map((name) => {
    const domain = it.domains[name];
    const state = domain?.state ?? 'absent';
    const after = state === 'partial' || state === 'not-applicable' ? qualifier(domain, said) : (domain?.because ?? '');
    const told = escapeHtml(say(`analyze.domain-state.${state}`));
    return `<li class="${state}"><span class="mark" role="img" aria-label="${told}">${marks[state]}</span><span>${escapeHtml(say(`analyze.domain.${name}`))}</span>${after === '' ? '' : `<small>${rich(after)}</small>`}</li>`;
  });
  return `<ul class="checklist">${items.join('')}</ul>`;
}

function unread(it: AnalysedConversation, said: Words): string {
  const { say, number, counted } = said;
  const lines = [
    ...(it.unread.messages > 0 ? [escapeHtml(counted('analyze.report.unread.messages', it.unread.messages))] : []),
    ...Object.entries(it.unread.unknownTypes).map(([type, count]) =>
      escapeHtml(say('analyze.report.unread.type', { type, count: number(count) })),
    ),
    ...it.partiallyParsed.map(({ messageIndex, language, why }) =>
      escapeHtml(say('analyze.report.partial', { n: messageNumber(messageIndex), language, why })),
    ),
    ...(it.statistics.repairs.length > 0
      ? [escapeHtml(say('analyze.report.repairs', { repairs: repairsText(it.statistics.repairs, said) }))]
      : []),
  ];
  return lines.length === 0 ? '' : `<ul class="points">${lines.map((line) => `<li>${line}</li>`).join('')}</ul>`;
}
