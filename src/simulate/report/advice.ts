// What to do next: the recommendations by priority, and the failure modes by risk.
import type { Recommendation } from '../../platform/documents/simulation.ts';
import type { Block, Cell } from './blocks.ts';
import type { Frame } from './report.ts';
import type { Words } from './text.ts';

export function advice(frame: Frame): Block[] {
  return [...recommendations(frame), ...fmea(frame)];
}

function recommendations({ doc, words }: Frame): Block[] {
  const { say } = words;
  const heading = { kind: 'heading', level: 2, text: say('report.recommendations'), id: 'recommendations' } as const;
  if (doc.recommendations.length === 0)
    return [heading, { kind: 'paragraph', text: say('report.recommendations.none') }];
  return [
    heading,
    ...([1, 2, 3] as const).flatMap((priority): Block[] => {
      const mine = doc.recommendations.filter((one) => one.priority === priority);
      if (mine.length === 0) return [];
      const title = {
        kind: 'heading',
        level: 3,
        text: say(`report.priority.${priority}`),
        id: `priority-${priority}`,
      } as const;
      return [title, ...mine.flatMap((one) => recommendation(one, words))];
    }),
  ];
}

function recommendation(one: Recommendation, { say, number }: Words): Block[] {
  const days = say(one.effortDays < 2 ? 'report.recommendation.day' : 'report.recommendation.days', {
    days: number(one.effortDays),
  });
  const list = (label: string, items: readonly string[], ordered: boolean): Block[] =>
    items.length === 0
      ? []
      : [
          { kind: 'paragraph', text: { strong: label } },
          { kind: 'list', ordered, items },
        ];
  return [
    {
      kind: 'heading',
      level: 4,
      text: `${say(`simulate.scenario.${one.scenario}`)} — ${say(`simulate.dimension.${one.dimension}`)}`,
      id: `recommendation-${one.scenario}-${one.dimension}`,
    },
    {
      kind: 'facts',
      rows: [
        [say('report.recommendation.problem'), one.problem],
        [say('report.recommendation.current'), `${number(one.currentScore)} / 20`],
        [say('report.recommendation.target'), `${number(one.targetScore)} / 20`],
        [say('report.recommendation.gain'), `+${number(one.expectedGain)}`],
        [say('report.recommendation.solution'), one.solution],
        [say('report.recommendation.effort'), days],
        [
          say('report.recommendation.cost'),
          say('report.recommendation.price', { cost: number(one.cost), rate: number(one.cost / one.effortDays) }),
        ],
      ],
    },
    ...list(say('report.recommendation.steps'), one.steps, true),
    ...list(say('report.recommendation.tests'), one.validationTests, false),
    ...list(say('report.recommendation.metrics'), one.successMetrics, false),
  ];
}

function fmea({ doc, words: { say, number } }: Frame): Block[] {
  const heading = { kind: 'heading', level: 2, text: say('report.fmea'), id: 'fmea' } as const;
  if (doc.fmea.length === 0) return [heading, { kind: 'paragraph', text: say('report.fmea.none') }];
  const grades = ['severity', 'occurrence', 'detection', 'rpn'] as const;
  return [
    heading,
    { kind: 'paragraph', text: say('report.fmea.note') },
    {
      kind: 'table',
      caption: say('report.fmea'),
      quiet: true,
      columns: [
        { label: say('report.fmea.mode') },
        { label: say('report.fmea.effect') },
        ...grades.map((grade) => ({ label: say(`report.fmea.${grade}`), numeric: true })),
      ],
      rows: [...doc.fmea]
        .sort((a, b) => b.rpn - a.rpn)
        .map((row): Cell[] => [
          { text: row.mode },
          { text: row.effect },
          ...grades.map((grade) => ({ text: number(row[grade]) })),
        ]),
    },
  ];
}
