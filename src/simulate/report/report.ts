// The simulation report's content in order: the verdict first, then what it rests on; one structure for every format.
import type { Simulation } from '../../platform/documents/simulation.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { Evidence } from '../scenarios/evidence.ts';
import { advice } from './advice.ts';
import type { Block, Report } from './blocks.ts';
import { evidenceAppendix, proofs } from './proofs.ts';
import { standards } from './references.ts';
import { scenarioSections } from './scenario.ts';
import { leaks, metrics, restoration, scoreTable, verdict } from './summary.ts';
import { visible, type Words, words } from './text.ts';

export interface ReportInput {
  doc: Simulation;
  evidence: readonly Evidence[];
  lang: Lang;
}

/** What every section is made from. */
export interface Frame {
  doc: Simulation;
  evidence: readonly Evidence[];
  words: Words;
  /** Evidence lines by id: those that can be linked to. */
  known: ReadonlyMap<string, Evidence>;
}

export function reportOf({ doc, evidence, lang }: ReportInput): Report {
  const frame: Frame = { doc, evidence, words: words(lang), known: new Map(evidence.map((line) => [line.id, line])) };
  const title = visible(frame.words.say('report.title', { target: doc.target }));
  const sections = [
    ...leaks(frame),
    ...scoreTable(frame),
    ...metrics(frame),
    ...restoration(frame),
    ...scenarioSections(frame),
    ...advice(frame),
    ...proofs(frame),
    ...standards(frame),
    ...evidenceAppendix(frame),
  ];
  return {
    title,
    lang,
    blocks: [
      { kind: 'heading', level: 1, text: title, id: 'top' },
      ...verdict(frame),
      contents(sections, frame),
      ...sections,
    ],
  };
}

function contents(sections: readonly Block[], { words: { say } }: Frame): Block {
  const items = sections.flatMap((block) =>
    block.kind === 'heading' && block.level === 2 ? [{ text: block.text, to: block.id }] : [],
  );
  return {
    kind: 'folded',
    summary: say('report.contents'),
    open: true,
    blocks: [{ kind: 'list', ordered: false, items }],
  };
}
