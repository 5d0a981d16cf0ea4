// The findings as JUnit XML for CI: a suite per conversation, a failed case per weakness that is open and bad enough.
import type { AnalysedConversation, Finding, Severity } from '../../platform/documents/analysis.ts';
import { escapeHtml } from '../../platform/reporting/visible.ts';
import { isOpen, type ReportSource, rank } from './source.ts';
import { lifeText, type Words, whereText, words } from './words.ts';

type Outcome = { kind: 'passed' } | { kind: 'failure' | 'error' | 'skipped'; message: string; text?: string };
interface Case {
  name: string;
  outcome: Outcome;
}

/** `from` is the least severity that fails; without it every open weakness above `info` does. */
export function* renderJunit(source: ReportSource, from: Severity = 'low'): Generator<string> {
  const said = words(source.lang);
  const totals = { tests: 0, failures: 0, errors: 0, skipped: 0 };
  for (const conversation of source.conversations) {
    const { tests, failures, errors, skipped } = counts(casesOf(conversation, from, said));
    totals.tests += tests;
    totals.failures += failures;
    totals.errors += errors;
    totals.skipped += skipped;
  }
  yield '<?xml version="1.0" encoding="UTF-8"?>\n';
  yield `<testsuites${attributes({ name: 'rempart analyze', ...totals, time: '0' })}>\n`;
  let place = 0;
  for (const conversation of source.conversations) {
    place += 1;
    yield suite(`${place}. ${conversation.title}`, conversation, casesOf(conversation, from, said), source);
  }
  yield '</testsuites>\n';
}

function suite(
  name: string,
  { source: file, maturity }: AnalysedConversation,
  cases: readonly Case[],
  source: ReportSource,
): string {
  const { engine, date } = source;
  const properties: [string, string | number][] = [
    ['source', file],
    ['maturity', maturity.score ?? 'null'],
    ['engine', engine.version],
    ['rules.sha256', engine.rules.hash],
  ];
  const head = attributes({ name, ...counts(cases), timestamp: date, time: '0' });
  return `<testsuite${head}>
<properties>
${properties.map(([key, value]) => `<property${attributes({ name: key, value })}/>`).join('\n')}
</properties>
${cases.map((one) => testcase(one, name)).join('\n')}
</testsuite>
`;
}

/** A conversation that was not read is an error of the input; one without findings passes by one case, so that it is seen. */
function casesOf(conversation: AnalysedConversation, from: Severity, said: Words): Case[] {
  if (conversation.status === 'error') {
    const { code = '-', message = '' } = conversation.error ?? {};
    return [
      { name: said.say('analyze.report.status.error'), outcome: { kind: 'error', message: `${message} (${code})` } },
    ];
  }
  if (conversation.findings.length === 0)
    return [{ name: said.say('analyze.report.vulnerabilities.none'), outcome: { kind: 'passed' } }];
  return conversation.findings.map((finding) => ({
    name: `${finding.id} ${said.say(`analyze.severity.${finding.severity}`)} ${finding.title} [${finding.rule}]`,
    outcome: outcomeOf(finding, from, said),
  }));
}

function outcomeOf(finding: Finding, from: Severity, said: Words): Outcome {
  if (finding.state === 'fixed') return { kind: 'passed' };
  const life = lifeText(finding, said);
  if (!isOpen(finding) || rank(finding.severity) > rank(from)) return { kind: 'skipped', message: life };
  const text = [
    `${said.say('analyze.report.type')}: ${[...finding.cwe, ...finding.owasp].join(', ')}`,
    whereText(finding, said),
    finding.excerpt,
    `${said.say('analyze.report.exploitation')}: ${finding.exploitation}`,
    `${said.say('analyze.report.fix')}: ${finding.fix}`,
  ].join('\n');
  return { kind: 'failure', message: `${finding.title}. ${life}`, text };
}

function counts(cases: readonly Case[]) {
  const of = (kind: Outcome['kind']) => cases.filter(({ outcome }) => outcome.kind === kind).length;
  return { tests: cases.length, failures: of('failure'), errors: of('error'), skipped: of('skipped') };
}

function testcase({ name, outcome }: Case, classname: string): string {
  const head = `<testcase${attributes({ classname, name, time: '0' })}`;
  if (outcome.kind === 'passed') return `${head}/>`;
  const { kind, message, text = '' } = outcome;
  const body = text === '' ? '/>' : `>${escapeHtml(text)}</${kind}>`;
  return `${head}><${kind}${attributes({ message })}${body}</testcase>`;
}

function attributes(facts: Readonly<Record<string, string | number>>): string {
  return Object.entries(facts)
    .map(
      ([name, value]) => ` ${name}="${escapeHtml(String(value)).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')}"`,
    )
    .join('');
}
