// Where every point comes from: the files with their hashes, how to recompute, and the evidence lines that are cited.
import type { Evidence, EvidenceOf } from '../scenarios/evidence.ts';
import { anchor, type Block, type Cell } from './blocks.ts';
import { excerpt, tellEvidence } from './evidence-text.ts';
import type { Frame } from './report.ts';

/** Shares of 600 from which each level begins. */
export const levelBounds = [
  ['excellent', 90],
  ['good', 80],
  ['fair', 70],
] as const;

export function proofs({ doc, words: { say } }: Frame): Block[] {
  return [
    { kind: 'heading', level: 2, text: say('report.proofs'), id: 'proofs' },
    { kind: 'paragraph', text: say('report.proofs.how') },
    { kind: 'command', text: 'rempart rescore DIR' },
    {
      kind: 'table',
      caption: say('report.proofs.files'),
      columns: [{ label: say('report.proofs.role') }, { label: say('report.proofs.file') }, { label: 'SHA-256' }],
      rows: [
        [
          { text: say('report.proofs.evidence') },
          { text: { code: doc.evidence.file } },
          { text: { code: doc.evidence.sha256 } },
        ],
        [
          { text: say('report.proofs.rubric') },
          { text: { code: doc.rubric.name } },
          { text: { code: doc.rubric.sha256 } },
        ],
      ],
    },
    {
      kind: 'table',
      caption: say('report.levels'),
      columns: [{ label: say('report.levels') }, { label: say('report.levels.from') }],
      rows: [
        ...levelBounds.map(([level, percent]): Cell[] => [
          { text: say(`simulate.level.${level}`) },
          { text: say('report.percent', { percent }) },
        ]),
        [{ text: say('simulate.level.insufficient') }, { text: say('report.levels.under', { percent: 70 }) }],
      ],
    },
  ];
}

export function evidenceAppendix({ doc, evidence, words }: Frame): Block[] {
  const { say, number } = words;
  const cited = new Set(
    doc.scenarios.flatMap(({ methods, observations }) => [
      ...methods.flatMap(({ checks }) => checks.flatMap((check) => check.evidence)),
      ...observations.flatMap((observation) => observation.evidence),
    ]),
  );
  const lines = evidence.filter((line) => cited.has(line.id));
  const heading = { kind: 'heading', level: 2, text: say('report.evidence'), id: 'evidence' } as const;
  if (lines.length === 0) return [heading, { kind: 'paragraph', text: say('report.evidence.none') }];
  const hide = canaryMask(evidence);
  return [
    heading,
    { kind: 'paragraph', text: say('report.evidence.note', { file: doc.evidence.file }) },
    {
      kind: 'folded',
      summary: `${say('report.evidence')} (${lines.length})`,
      open: true,
      blocks: [
        {
          kind: 'table',
          caption: say('report.evidence'),
          quiet: true,
          columns: [
            { label: say('report.evidence.id') },
            { label: say('report.evidence.time'), numeric: true },
            { label: say('report.evidence.kind') },
            { label: say('report.evidence.says') },
          ],
          rows: lines.map((line): Cell[] => [
            { text: { code: line.id }, id: anchor('evidence', line.id) },
            { text: number(Math.round(line.t) / 1000) },
            { text: line.kind },
            { text: { code: excerpt(hide(tellEvidence(line))) } },
          ]),
        },
      ],
    },
  ];
}

/** A report is passed on more freely than its evidence: a planted secret is named in it, not repeated. */
function canaryMask(evidence: readonly Evidence[]): (text: string) => string {
  const canaries = evidence
    .filter((line): line is EvidenceOf<'method-begin'> => line.kind === 'method-begin')
    .flatMap((line) => line.canaries)
    .filter(({ value }) => value.length >= 6)
    .sort((a, b) => b.value.length - a.value.length);
  return (text) => canaries.reduce((masked, { name, value }) => masked.replaceAll(value, () => `‹${name}›`), text);
}
