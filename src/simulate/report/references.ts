// Which clause of which standard each part of the report speaks to, so that an auditor finds it.
import type { TextKey } from '../../platform/i18n/say.ts';
import type { Block, Cell } from './blocks.ts';
import type { Frame } from './report.ts';

interface Reference {
  standard: string;
  clause: string;
  says: TextKey;
  /** The section of this report that answers to it. */
  to: string;
  where: TextKey;
}

const iso = 'ISO 22301:2019';
const csf = 'NIST CSF 2.0';
const itil = 'ITIL 4';
const references: readonly Reference[] = [
  { standard: iso, clause: '8.2.3', says: 'report.ref.risk', to: 'fmea', where: 'report.fmea' },
  { standard: iso, clause: '8.4.3', says: 'report.ref.warning', to: 'scenarios', where: 'report.scenarios' },
  { standard: iso, clause: '8.4.4', says: 'report.ref.plans', to: 'scenarios', where: 'report.scenarios' },
  { standard: iso, clause: '8.4.5', says: 'report.ref.recovery', to: 'restoration', where: 'report.restore' },
  { standard: iso, clause: '8.5', says: 'report.ref.exercises', to: 'proofs', where: 'report.proofs' },
  { standard: iso, clause: '8.6', says: 'report.ref.evaluation', to: 'scores', where: 'report.scores' },
  {
    standard: iso,
    clause: '10.1',
    says: 'report.ref.corrective',
    to: 'recommendations',
    where: 'report.recommendations',
  },
  { standard: csf, clause: 'RC.RP-01', says: 'report.ref.rp01', to: 'scenarios', where: 'report.scenarios' },
  {
    standard: csf,
    clause: 'RC.RP-02',
    says: 'report.ref.rp02',
    to: 'recommendations',
    where: 'report.recommendations',
  },
  {
    standard: csf,
    clause: 'RC.RP-03',
    says: 'report.ref.rp03',
    to: 'scenario-database-down',
    where: 'simulate.scenario.database-down',
  },
  { standard: csf, clause: 'RC.RP-04', says: 'report.ref.rp04', to: 'metrics', where: 'report.metrics' },
  { standard: csf, clause: 'RC.RP-05', says: 'report.ref.rp05', to: 'restoration', where: 'report.restore' },
  { standard: csf, clause: 'RC.RP-06', says: 'report.ref.rp06', to: 'scenarios', where: 'report.record' },
  { standard: csf, clause: 'RC.CO-03', says: 'report.ref.co03', to: 'scenarios', where: 'report.scenarios' },
  {
    standard: itil,
    clause: 'Incident management',
    says: 'report.ref.incident',
    to: 'scenarios',
    where: 'report.scenarios',
  },
  {
    standard: itil,
    clause: 'Problem management',
    says: 'report.ref.problem',
    to: 'recommendations',
    where: 'report.recommendations',
  },
  {
    standard: itil,
    clause: 'Service continuity management',
    says: 'report.ref.continuity',
    to: 'scenario-database-down',
    where: 'simulate.scenario.database-down',
  },
];

/** No certificate: the clauses a reader may want to match, and where this report helps. */
export function standards({ words: { say } }: Frame): Block[] {
  return [
    { kind: 'heading', level: 2, text: say('report.references'), id: 'references' },
    { kind: 'paragraph', text: say('report.references.note') },
    {
      kind: 'table',
      caption: say('report.references'),
      quiet: true,
      columns: [
        { label: say('report.references.clause') },
        { label: say('report.references.says') },
        { label: say('report.references.where') },
      ],
      rows: references.map(({ standard, clause, says, to, where }): Cell[] => [
        { text: `${standard}, ${clause}` },
        { text: say(says) },
        { text: { text: say(where), to } },
      ]),
    },
  ];
}
