// Posture findings as SARIF 2.1.0 (OASIS): one rule each, the patch as a fix, so that code scanning shows and applies it.
import { createHash } from 'node:crypto';
import type { PostureFinding } from '../../platform/documents/posture.ts';
import type { TextEdit } from '../../platform/inspection/containers/fixes.ts';

/** From 1, in UTF-16 units; the end is behind the last one. */
export interface Region {
  startLine: number;
  startColumn: number;
  endLine: number;
  endColumn: number;
}

/** Where each line of a text begins. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** The places of some edits as lines and columns, which readers know; nothing of the text itself is in them. */
export function regionsOf(starts: readonly number[], edits: readonly TextEdit[]): Region[] {
  return edits.map(({ start, end }) => {
    const [from, to] = [lineOf(starts, start), lineOf(starts, end)];
    return {
      startLine: from,
      startColumn: start - starts[from - 1]! + 1,
      endLine: to,
      endColumn: end - starts[to - 1]! + 1,
    };
  });
}

function lineOf(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}

export interface SarifFinding extends PostureFinding {
  edits?: readonly TextEdit[];
  /** Where each edit lies; without, the offsets are told. */
  regions?: readonly Region[];
}

const levels = { critical: 'error', high: 'error', medium: 'warning', low: 'note', info: 'note' } as const;
/** On the scale of CVSS, where code scanning puts its names. */
const scores = { critical: '9.5', high: '8.0', medium: '5.5', low: '2.0', info: '0.0' } as const;

export function postureSarif(
  findings: readonly SarifFinding[],
  { lang, version, root }: { lang: 'en' | 'fr'; version: string; root: (file: string) => string },
): object {
  const ids = [...new Set(findings.map(({ rule }) => rule))].sort();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Rempart',
            semanticVersion: version,
            language: lang,
            rules: ids.map((id) => ruleOf(id, findings)),
          },
        },
        automationDetails: { id: 'rempart/posture/' },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => resultOf(finding, ids.indexOf(finding.rule), root)),
      },
    ],
  };
}

function ruleOf(id: string, findings: readonly SarifFinding[]): object {
  const first = findings.find(({ rule }) => rule === id);
  const severity = first?.severity ?? 'info';
  return {
    id,
    name: id.replace(/(^|[/-])(\w)/g, (_, __, letter: string) => letter.toUpperCase()),
    shortDescription: { text: first?.why ?? id },
    help: { text: `${first?.fix ?? ''}\n${(first?.references ?? []).join('\n')}`.trim() },
    defaultConfiguration: { level: levels[severity] },
    properties: { 'security-severity': scores[severity], tags: ['security', ...(first?.references ?? [])] },
  };
}

function resultOf(finding: SarifFinding, ruleIndex: number, root: (file: string) => string): object {
  const { rule, severity, file, line, service, setting, message, fix } = finding;
  const location =
    file === null
      ? { logicalLocations: [{ fullyQualifiedName: setting }] }
      : {
          physicalLocation: {
            artifactLocation: { uri: root(file) },
            ...(line === null ? {} : { region: { startLine: line } }),
          },
          ...(service === null ? {} : { logicalLocations: [{ name: service, kind: 'module' }] }),
        };
  return {
    ruleId: rule,
    ruleIndex,
    level: levels[severity],
    message: { text: `${message}. ${fix}.` },
    locations: [location],
    partialFingerprints: { 'rempart/v1': fingerprint(finding) },
    ...fixesOf(finding, root),
  };
}

function fixesOf({ file, edits, regions, fix }: SarifFinding, root: (file: string) => string): object {
  if (file === null || edits === undefined || edits.length === 0) return {};
  const replacements = edits.map(({ start, end, text }, at) => ({
    deletedRegion: regions?.[at] ?? { charOffset: start, charLength: end - start },
    ...(text === '' ? {} : { insertedContent: { text } }),
  }));
  return {
    fixes: [{ description: { text: fix }, artifactChanges: [{ artifactLocation: { uri: root(file) }, replacements }] }],
  };
}

/** The same weakness stays the same when lines move. */
function fingerprint({ rule, file, service, setting, value }: SarifFinding): string {
  return createHash('sha256')
    .update(JSON.stringify([rule, file, service, setting, value]))
    .digest('hex')
    .slice(0, 32);
}
