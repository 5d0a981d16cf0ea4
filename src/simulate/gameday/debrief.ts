// The debrief sheet of a game day: who played, what happened when, what it showed, and what the team has to write down together.
import type { Lang } from '../../platform/i18n/say.ts';
import { type Block, type Cell, type Column, joined, type Report } from '../report/blocks.ts';
import { visible, type Words, words } from '../report/text.ts';
import type { GameDayPlan } from './plan.ts';
import type { PlayedStep } from './run-game-day.ts';

const line = '____________________';
const columns = (...labels: string[]): Column[] => labels.map((label) => ({ label }));

export function debrief(plan: GameDayPlan, played: readonly PlayedStep[], lang: Lang): Report {
  const told = words(lang);
  const { say } = told;
  const title = visible(say('report.gameday.title', { title: plan.title }));
  return {
    title,
    lang,
    blocks: [
      { kind: 'heading', level: 1, text: title, id: 'top' },
      ...roles(plan, told),
      ...timetable(plan, played, told),
      ...results(played, told),
      ...talk(told),
      ...actions(played, told),
    ],
  };
}

function roles({ roles: given }: GameDayPlan, { say }: Words): Block[] {
  const rows = Object.entries(given).map(([role, person]) => [visible(role), visible(person)] as const);
  return [
    { kind: 'heading', level: 2, text: say('report.gameday.roles'), id: 'roles' },
    {
      kind: 'facts',
      rows:
        rows.length > 0
          ? rows
          : (['lead', 'observer', 'operator'] as const).map(
              (role) => [say(`report.gameday.role.${role}`), line] as const,
            ),
    },
  ];
}

function timetable({ steps }: GameDayPlan, played: readonly PlayedStep[], { say, name, instant }: Words): Block[] {
  return [
    { kind: 'heading', level: 2, text: say('report.gameday.timetable'), id: 'timetable' },
    {
      kind: 'table',
      caption: say('report.gameday.timetable'),
      quiet: true,
      columns: columns(
        say('report.scores.scenario'),
        say('report.gameday.planned'),
        say('report.fact.started'),
        say('report.fact.finished'),
        say('report.gameday.brief'),
      ),
      rows: steps.map((step): Cell[] => {
        const real = played.find((one) => one.step === step);
        const methods = step.methods.map((method) => name(`report.method.${method}`, method)).join(', ');
        const what = say(`simulate.scenario.${step.scenario}`);
        return [
          { text: methods === '' ? what : `${what} (${methods})` },
          {
            text: say('report.minutes', { minutes: Math.floor(step.atMs / 60_000), seconds: (step.atMs / 1000) % 60 }),
          },
          { text: real === undefined ? say('report.gameday.not-played') : instant(real.startedAt) },
          { text: real === undefined ? '—' : instant(real.finishedAt) },
          { text: visible(step.brief ?? '—') },
        ];
      }),
    },
  ];
}

/** What was measured, beside room for what people saw. */
function results(played: readonly PlayedStep[], { say, rated, seconds }: Words): Block[] {
  const slowest = (values: readonly (number | null)[]) =>
    values.length === 0 || values.includes(null)
      ? say('report.timing.never')
      : seconds(Math.max(...(values as number[])));
  const rows = played.flatMap(({ doc, dir }) =>
    doc.scenarios.map(({ id, methods, total }): Cell[] => {
      const scored = methods.filter(({ outcome }) => outcome === 'scored');
      const leaks = methods.reduce((sum, method) => sum + method.leaks.length, 0);
      return [
        { text: say(`simulate.scenario.${id}`) },
        rated(total, 100),
        { text: slowest(scored.map(({ timings }) => timings.detectMs?.median ?? null)) },
        { text: slowest(scored.map(({ timings }) => timings.recoverMs?.median ?? null)) },
        { text: String(leaks), tone: leaks > 0 ? 'bad' : 'none' },
        { text: line },
        { text: { code: `${dir}/report.html` } },
      ];
    }),
  );
  const unrestored = played.filter(({ doc }) => !doc.restored);
  return [
    { kind: 'heading', level: 2, text: say('report.gameday.results'), id: 'results' },
    ...unrestored.map((): Block => ({ kind: 'notice', tone: 'bad', text: say('report.restored.no') })),
    {
      kind: 'table',
      caption: say('report.gameday.results'),
      quiet: true,
      columns: columns(
        say('report.scores.scenario'),
        `${say('report.scores.total')} / 100`,
        say('report.timing.detect'),
        say('report.timing.recover'),
        say('report.leaks'),
        say('report.gameday.seen'),
        say('report.gameday.report'),
      ),
      rows,
    },
  ];
}

function talk({ say }: Words): Block[] {
  const questions = ['expected', 'noticed', 'decided', 'missing', 'keep', 'next'] as const;
  return [
    { kind: 'heading', level: 2, text: say('report.gameday.talk'), id: 'talk' },
    {
      kind: 'table',
      caption: say('report.gameday.talk'),
      quiet: true,
      columns: columns(say('report.gameday.question'), say('report.gameday.answer')),
      rows: questions.map((question) => [{ text: say(`report.gameday.${question}`) }, { text: line }]),
    },
  ];
}

function actions(played: readonly PlayedStep[], { say }: Words): Block[] {
  const found = played.flatMap(({ doc }) => doc.recommendations).sort((a, b) => a.priority - b.priority);
  const blank = (): Cell[] => [line, '', line, line].map((text) => ({ text }));
  return [
    { kind: 'heading', level: 2, text: say('report.gameday.actions'), id: 'actions' },
    {
      kind: 'table',
      caption: say('report.gameday.actions'),
      quiet: true,
      columns: columns(
        say('report.gameday.action'),
        say('report.blank.priority'),
        say('report.gameday.owner'),
        say('report.gameday.due'),
      ),
      rows: [
        ...found.map((one): Cell[] => [
          { text: joined([say(`simulate.scenario.${one.scenario}`), one.solution], ' — ') },
          { text: String(one.priority) },
          { text: line },
          { text: line },
        ]),
        blank(),
        blank(),
      ],
    },
  ];
}
