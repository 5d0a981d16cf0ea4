// One conversation of the report as Markdown: its facts, what was found, what is good, what is missing.
import {
  type AnalysedConversation,
  domains,
  type Finding,
  type GoodPractice,
} from '../../platform/documents/analysis.ts';
import { codeSpan, fence, flat, oneLine, richLine, shortened } from './markdown-text.ts';
import { grouped } from './source.ts';
import {
  conclusionText,
  formatName,
  lifeText,
  messageNumber,
  mitigationText,
  qualifier,
  repairsText,
  severityCounts,
  type Words,
  whereText,
  wouldBeText,
} from './words.ts';

/** Writes a heading; `plain` is what the rendered page shows of it, where that differs. */
export type Heading = (level: number, text: string, plain?: string) => string;

export function* conversationText(it: AnalysedConversation, said: Words, heading: Heading): Generator<string> {
  const { say, number } = said;
  const tokens = `${number(it.tokens.count)} (${it.tokens.exact ? oneLine(it.tokens.tokenizer) : say('analyze.report.estimated')})`;
  const facts: [string, string][] = [
    [say('analyze.report.source'), oneLine(it.source)],
    [say('analyze.report.format'), formatName(it.format)],
    ...(it.models.length === 0
      ? []
      : [[say('analyze.report.models'), it.models.map((model) => oneLine(model)).join(', ')] as [string, string]]),
    [say('analyze.report.tokens'), tokens],
    [
      say('analyze.report.status'),
      it.status === 'ok' ? `✅ ${say('analyze.report.status.ok')}` : `❌ ${say('analyze.report.status.error')}`,
    ],
  ];
  yield `${facts.map(([label, value]) => `**${label}**: ${value}  \n`).join('')}\n`;
  if (it.status === 'error') {
    yield `${say('analyze.report.error', { why: oneLine(it.error?.message ?? '–'), code: oneLine(it.error?.code ?? '–') })}\n\n---\n\n`;
    return;
  }
  yield heading(1, `🔒 ${say('analyze.report.audit')}`);
  yield heading(2, `📋 ${say('analyze.report.summary')}`);
  yield `${(['strengths', 'practices', 'gaps'] as const)
    .map(
      (point, index) => `${index + 1}. **${say(`analyze.report.summary.${point}`)}**: ${richLine(it.summary[point])}\n`,
    )
    .join('')}\n---\n\n`;
  yield* vulnerabilities(it, said, heading);
  yield* practices(it, said, heading);
  yield* recommendations(it, said, heading);
  yield* maturity(it, said, heading);
  yield* domainList(it, said, heading);
  yield* unread(it, said, heading);
  yield `**${say('analyze.report.conclusion')}**: ${richLine(conclusionText(it, said))}${narrative(it)}\n\n---\n\n`;
}

function narrative({ narrative: sentences = [] }: AnalysedConversation): string {
  if (sentences.length === 0) return '';
  return `\n\n${sentences.map(({ text }) => richLine(text)).join(' ')}`;
}

function* vulnerabilities(it: AnalysedConversation, said: Words, heading: Heading): Generator<string> {
  const { say } = said;
  const { explicit, potential, examples } = grouped(it.findings);
  yield heading(2, `🔴 ${say('analyze.report.vulnerabilities')}`);
  if (explicit.length === 0)
    yield `${say(potential.length > 0 ? 'analyze.report.vulnerabilities.no-explicit' : 'analyze.report.vulnerabilities.none')}\n\n`;
  else yield `${severityCounts(explicit, said)}\n\n`;
  let n = 0;
  for (const finding of explicit) yield vulnerability(finding, ++n, it, said, heading);
  if (potential.length > 0 && explicit.length > 0) yield `**${say('analyze.report.vulnerabilities.potential')}**\n\n`;
  for (const finding of potential) yield vulnerability(finding, ++n, it, said, heading);
  if (examples.length > 0) {
    yield `${say('analyze.report.vulnerabilities.examples')}\n\n`;
    for (const finding of examples)
      yield `- ${richLine(finding.title)} (${finding.id}), ${oneLine(whereText(finding, said))}\n`;
    yield '\n';
  }
  yield '---\n\n';
}

function vulnerability(finding: Finding, n: number, it: AnalysedConversation, said: Words, heading: Heading): string {
  const { say } = said;
  const severity = say(`analyze.severity.${finding.severity}`);
  const inProse = finding.language === 'prose';
  const label = inProse ? 'analyze.report.mention' : 'analyze.report.code';
  const where = oneLine(whereText(finding, said));
  const excerpt = finding.excerpt.trim();
  const shown = inProse
    ? `: ${excerpt === '' ? '' : codeSpan(shortened(excerpt, 400))}\n`
    : `:\n${fence(finding.excerpt, finding.language, '  ')}\n`;
  const lines = [
    row(say('analyze.report.type'), [...finding.cwe, ...finding.owasp].map(oneLine).join(', ')),
    `- **${say(label)}** (${where})${shown}`,
    row(say('analyze.report.description'), richLine(finding.explanation)),
    row(say('analyze.report.exploitation'), richLine(finding.exploitation)),
    row(say('analyze.report.fix'), richLine(finding.fix)),
    row(say('analyze.report.state'), oneLine(lifeText(finding, said))),
    row(say('analyze.report.mitigation'), richLine(mitigationText(finding, it, said))),
    row(
      say('analyze.report.reference'),
      `${finding.id}, ${codeSpan(finding.rule)}, ${say('analyze.report.confidence', { confidence: say(`analyze.confidence.${finding.confidence}`) })}`,
    ),
  ];
  const title = shortened(finding.title);
  const named = heading(3, `${n}. **${richLine(title)}** (${severity})`, `${n}. ${flat(title)} (${severity})`);
  return `${named}${lines.join('')}\n`;
}

/** Nothing where there is nothing to say. */
function row(label: string, value: string, indent = ''): string {
  return value === '' ? '' : `${indent}- **${label}**: ${value}\n`;
}

function* practices(it: AnalysedConversation, said: Words, heading: Heading): Generator<string> {
  const { say } = said;
  yield heading(2, `✅ ${say('analyze.report.practices')}`);
  if (it.goodPractices.length === 0) yield `${say('analyze.report.practices.none')}\n`;
  let n = 0;
  for (const practice of it.goodPractices) {
    n += 1;
    yield `${n > 1 ? '\n' : ''}${n}. **${richLine(practice.title)}**\n${practiceRows(practice, said)}`;
  }
  yield '\n---\n\n';
}

function practiceRows({ evidence, example, benefit, caveat }: GoodPractice, { say }: Words): string {
  const [first] = evidence;
  const where = [...new Set(evidence.map(({ messageIndex }) => messageNumber(messageIndex)))].join(', ');
  const proof =
    first === undefined
      ? ''
      : `message ${where}${first.excerpt.trim() === '' ? '' : ` – ${codeSpan(shortened(first.excerpt, 200))}`}`;
  const shown = example.trim();
  const block = shown.includes('\n')
    ? `   - **${say('analyze.report.example')}**:\n${fence(shown, '', '     ')}\n`
    : '';
  return [
    row(say('analyze.report.evidence'), proof, '   '),
    block === ''
      ? row(
          say('analyze.report.example'),
          shown === '' || shown === first?.excerpt.trim() ? '' : codeSpan(shown),
          '   ',
        )
      : block,
    row(say('analyze.report.benefit'), richLine(benefit), '   '),
    row(say('analyze.report.caveat'), richLine(caveat), '   '),
  ].join('');
}

function* recommendations(it: AnalysedConversation, { say }: Words, heading: Heading): Generator<string> {
  yield heading(2, `💡 ${say('analyze.report.recommendations')}`);
  if (it.recommendations.length === 0) yield `${say('analyze.report.recommendations.none')}\n`;
  let n = 0;
  for (const { domain, title, why, how, tools } of it.recommendations) {
    n += 1;
    yield [
      `${n > 1 ? '\n' : ''}${n}. **${richLine(title)}** (${say(`analyze.domain.${domain}`)})\n`,
      row(say('analyze.report.why'), richLine(why), '   '),
      row(say('analyze.report.how'), richLine(how), '   '),
      row(say('analyze.report.tools'), tools.map(richLine).join(', '), '   '),
    ].join('');
  }
  yield '\n---\n\n';
}

function* maturity({ maturity: it }: AnalysedConversation, said: Words, heading: Heading): Generator<string> {
  const { say, score } = said;
  const title = say('analyze.report.maturity');
  if (it.score === null) {
    yield heading(2, `📊 ${title}: ${score(null)}`);
    yield `- **${say('analyze.report.justification')}**: ${say('analyze.report.maturity.none.why')}\n\n---\n\n`;
    return;
  }
  yield heading(2, `📊 ${title}: ${score(it.score)}/${it.outOf}`);
  yield `- **${say('analyze.report.justification')}**:\n`;
  for (const side of ['strengths', 'gaps'] as const) {
    if (it.because[side].length === 0) continue;
    yield `  - **${say(`analyze.report.${side}`)}**:\n${it.because[side].map((text) => `    - ${richLine(text)}\n`).join('')}`;
  }
  for (const one of it.wouldBe) yield `- ${oneLine(wouldBeText(one, said))}\n`;
  yield '\n---\n\n';
}

function* domainList(it: AnalysedConversation, said: Words, heading: Heading): Generator<string> {
  const { say } = said;
  yield heading(2, `🏷️ ${say('analyze.report.domains')}`);
  for (const name of domains) {
    const domain = it.domains[name];
    const ticked = domain?.state === 'covered' || domain?.state === 'partial';
    const after = qualifier(domain, said);
    yield `- [${ticked ? 'x' : ' '}] ${say(`analyze.domain.${name}`)}${after === '' ? '' : ` (${richLine(after)})`}\n`;
  }
  yield '\n---\n\n';
}

function* unread(it: AnalysedConversation, said: Words, heading: Heading): Generator<string> {
  const { say, number, counted } = said;
  const types = Object.entries(it.unread.unknownTypes);
  const { repairs } = it.statistics;
  const nothing =
    it.unread.messages === 0 && types.length === 0 && it.partiallyParsed.length === 0 && repairs.length === 0;
  if (nothing) return;
  yield heading(2, `🔍 ${say('analyze.report.unread')}`);
  if (it.unread.messages > 0) yield `- ${counted('analyze.report.unread.messages', it.unread.messages)}\n`;
  for (const [type, count] of types)
    yield `- ${say('analyze.report.unread.type', { type: codeSpan(type) || '``', count: number(count) })}\n`;
  for (const { messageIndex, language, why } of it.partiallyParsed)
    yield `- ${say('analyze.report.partial', { n: messageNumber(messageIndex), language: oneLine(language), why: oneLine(why) })}\n`;
  if (repairs.length > 0)
    yield `- ${say('analyze.report.repairs', { repairs: oneLine(repairsText(repairs, said)) })}\n`;
  yield '\n---\n\n';
}
