// The findings as SARIF 2.1.0 (OASIS, 2020), for code scanning: a rule per weakness, CWE as a taxonomy, examples suppressed.
import type { AnalysedConversation, Confidence, Finding, Severity } from '../../platform/documents/analysis.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import { visible } from '../../platform/reporting/visible.ts';
import { ruleWords } from '../knowledge/rule-words.ts';
import { artifactPath } from './artifact.ts';
import { isOpen, type ReportSource } from './source.ts';
import { lifeText, type Words, words } from './words.ts';

const levels: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
};
/** The middle of each band of CVSS v3's scale, by which GitHub names a severity. */
const scores: Readonly<Record<Severity, string>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '2.0',
  info: '0.0',
};
const precisions: Readonly<Record<Confidence, string>> = { certain: 'high', probable: 'medium', 'to-verify': 'low' };
const ranks: Readonly<Record<Confidence, number>> = { certain: 90, probable: 60, 'to-verify': 30 };

interface Rule {
  id: string;
  /** The first that is no example: others speak of what opens nothing. */
  first: Finding;
  /** The worst and the surest that it was reported with. */
  severity: Severity;
  confidence: Confidence;
}

/** Piece by piece, a result a line: an export of years has more than one string can hold. */
export function* renderSarif(source: ReportSource): Generator<string> {
  const said = words(source.lang);
  const rules = new Map<string, Rule>();
  const cwes = new Set<string>();
  for (const { finding } of findings(source)) {
    keepRule(rules, finding);
    for (const cwe of finding.cwe) cwes.add(cwe);
  }
  const taxa = [...cwes].sort((a, b) => Number(a.slice(4)) - Number(b.slice(4)));
  const order = [...rules.keys()].sort();
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Rempart',
            semanticVersion: source.engine.version,
            language: source.lang,
            rules: order.map((id) => ruleOf(rules.get(id)!, taxa, source.lang)),
            supportedTaxonomies: taxa.length === 0 ? [] : [{ name: 'CWE', index: 0 }],
          },
        },
        ...(taxa.length === 0 ? {} : { taxonomies: [taxonomy(taxa)] }),
        automationDetails: { id: 'rempart/analyze/' },
        columnKind: 'utf16CodeUnits',
        invocations: [invocation(source)],
        properties: { rules: source.engine.rules },
        results: [],
      },
    ],
  };
  const text = JSON.stringify(log);
  const end = text.length - ']}]}'.length;
  yield text.slice(0, end);
  let first = true;
  for (const found of findings(source)) {
    yield `${first ? '\n' : ',\n'}${JSON.stringify(result(found, order, taxa, said))}`;
    first = false;
  }
  yield `${text.slice(end)}\n`;
}

interface Found {
  finding: Finding;
  conversation: AnalysedConversation;
  place: number;
}

function* findings(source: ReportSource): Generator<Found> {
  let place = 0;
  for (const conversation of source.conversations) {
    place += 1;
    for (const finding of conversation.findings) yield { finding, conversation, place };
  }
}

function keepRule(rules: Map<string, Rule>, finding: Finding): void {
  const { rule: id, severity, confidence } = finding;
  const known = rules.get(id);
  if (known === undefined) {
    rules.set(id, { id, first: finding, severity, confidence });
    return;
  }
  if (known.first.state === 'example' && finding.state !== 'example') known.first = finding;
  if (Number(scores[severity]) > Number(scores[known.severity])) known.severity = severity;
  if (ranks[confidence] > ranks[known.confidence]) known.confidence = confidence;
}

function ruleOf({ id, first, severity, confidence }: Rule, taxa: readonly string[], lang: Lang) {
  const cwe = first.cwe[0];
  const { title, fix } = ruleWords(first, lang);
  return {
    id,
    name: id,
    shortDescription: { text: visible(title) },
    fullDescription: { text: visible(first.explanation || title) },
    help: { text: visible(fix || title) },
    ...(cwe === undefined ? {} : { helpUri: `https://cwe.mitre.org/data/definitions/${cwe.slice(4)}.html` }),
    defaultConfiguration: { level: levels[severity] },
    relationships: first.cwe.map((name) => ({
      target: { id: name.slice(4), index: taxa.indexOf(name), toolComponent: { name: 'CWE', index: 0 } },
      kinds: ['superset'],
    })),
    properties: {
      tags: ['security', ...first.cwe.map(tag), ...first.owasp.map((name) => `external/owasp/${name.toLowerCase()}`)],
      'security-severity': scores[severity],
      precision: precisions[confidence],
    },
  };
}

/** CodeQL's spelling, three digits at least: `external/cwe/cwe-089`. */
function tag(cwe: string): string {
  return `external/cwe/cwe-${cwe.slice(4).padStart(3, '0')}`;
}

function result(
  { finding, conversation, place }: Found,
  order: readonly string[],
  taxa: readonly string[],
  said: Words,
) {
  const suppression = suppressionOf(finding, said);
  return {
    ruleId: finding.rule,
    ruleIndex: order.indexOf(finding.rule),
    level: isOpen(finding) ? levels[finding.severity] : 'note',
    kind: 'fail',
    rank: ranks[finding.confidence],
    message: {
      text: visible([finding.title, finding.exploitation, lifeText(finding, said)].filter(Boolean).join(' — ')),
    },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: artifactPath(place, conversation, finding) },
          region: { startLine: finding.line, snippet: { text: visible(finding.excerpt) } },
        },
        logicalLocations: [{ name: finding.id, fullyQualifiedName: visible(conversation.id), kind: 'conversation' }],
      },
    ],
    partialFingerprints: { 'rempartFinding/v1': finding.fingerprint },
    taxa: finding.cwe.map((name) => ({
      id: name.slice(4),
      index: taxa.indexOf(name),
      toolComponent: { name: 'CWE', index: 0 },
    })),
    ...(suppression === undefined ? {} : { suppressions: [suppression] }),
    properties: {
      id: finding.id,
      severity: finding.severity,
      confidence: finding.confidence,
      state: finding.state,
      author: finding.author,
      messageIndex: finding.messageIndex,
    },
  };
}

/** What nobody has to act on: code shown as a bad example, and what the thread itself has mended. */
function suppressionOf(finding: Finding, said: Words): object | undefined {
  if (finding.state !== 'example' && finding.state !== 'fixed') return undefined;
  return { kind: 'external', status: 'accepted', justification: lifeText(finding, said) };
}

function taxonomy(taxa: readonly string[]) {
  return {
    name: 'CWE',
    organization: 'MITRE',
    informationUri: 'https://cwe.mitre.org/',
    shortDescription: { text: 'Common Weakness Enumeration' },
    isComprehensive: false,
    taxa: taxa.map((cwe) => ({
      id: cwe.slice(4),
      name: cwe,
      helpUri: `https://cwe.mitre.org/data/definitions/${cwe.slice(4)}.html`,
    })),
  };
}

/** What could not be read is said, so that no finding is never taken for nothing found. */
function invocation({ conversations, notRead, statistics }: ReportSource) {
  const notifications: object[] = [];
  for (const { status, error, id } of conversations) {
    if (status === 'error')
      notifications.push({
        level: 'error',
        message: { text: visible(`${id}: ${error?.message ?? 'not read'} (${error?.code ?? '-'})`) },
      });
  }
  for (const { source, why } of notRead)
    notifications.push({ level: 'note', message: { text: visible(`${source}: ${why}`) } });
  return {
    executionSuccessful: statistics.errors === 0,
    ...(notifications.length === 0 ? {} : { toolExecutionNotifications: notifications }),
  };
}
