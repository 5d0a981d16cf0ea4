// The game day as a document for programs: what was planned, and what became of each step.
import type { GameDay } from '../../platform/documents/game-day.ts';
import type { GameDayPlan } from './plan.ts';
import type { PlayedStep } from './run-game-day.ts';

export function gameDayDocument({ title, roles, steps }: GameDayPlan, played: readonly PlayedStep[]): GameDay {
  return {
    schema: 'rempart/gameday@1',
    title,
    roles,
    steps: steps.map((step): GameDay['steps'][number] => {
      const real = played.find((one) => one.step === step);
      const { atMs, scenario, methods } = step;
      if (real === undefined) return { atMs, scenario, methods, played: false };
      const { dir, startedAt, finishedAt, doc } = real;
      const total = doc.scenarios[0]?.total ?? null;
      return { atMs, scenario, methods, played: true, dir, startedAt, finishedAt, total, restored: doc.restored };
    }),
  };
}
