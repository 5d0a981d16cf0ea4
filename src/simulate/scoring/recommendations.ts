// What to do next: one recommendation for each scenario under 80, on its weakest dimension, from the checks that lost most.
import { dimensions, type Recommendation, type Simulation } from '../../platform/documents/simulation.ts';
import { type Lang, sayer } from '../../platform/i18n/say.ts';

type Scenario = Simulation['scenarios'][number];

/** Days of work by dimension: estimates to plan with, the same in every report. */
const effortDays = { detection: 2, management: 4, recovery: 3, ux: 1, security: 2 } as const;
/** Euros a day where no rate was given. */
export const usualDayRate = 600;

export function recommend(scenarios: readonly Scenario[], lang: Lang, dayRate = usualDayRate): Recommendation[] {
  const say = sayer(lang);
  return scenarios
    .flatMap((scenario): Recommendation[] => {
      const total = totalOrPart(scenario);
      if (total === null || total >= 80) return [];
      const dimension = dimensions.reduce((a, b) => ((scenario.scores[b] ?? 20) < (scenario.scores[a] ?? 20) ? b : a));
      const current = scenario.scores[dimension] ?? 0;
      const target = 18;
      const days = effortDays[dimension];
      return [
        {
          priority: total < 50 ? 1 : total <= 70 ? 2 : 3,
          scenario: scenario.id,
          dimension,
          problem: problemOf(scenario, dimension),
          currentScore: current,
          targetScore: target,
          expectedGain: Math.round((target - current) * 100) / 100,
          solution: say(`simulate.solution.${dimension}`),
          steps: say(`simulate.steps.${dimension}`).split(' | '),
          validationTests: [say('simulate.validation', { scenario: scenario.id })],
          successMetrics: [say('simulate.metric', { target, scenario: say(`simulate.scenario.${scenario.id}`) })],
          effortDays: days,
          cost: Math.round(days * dayRate * 100) / 100,
        },
      ];
    })
    .sort((a, b) => a.priority - b.priority || b.expectedGain - a.expectedGain);
}

/** A scenario of which a dimension could not be assessed is judged by the others. */
function totalOrPart({ total, scores }: Scenario): number | null {
  const cells = dimensions.map((dimension) => scores[dimension]).filter((cell) => cell !== null);
  if (total !== null || cells.length === 0) return total;
  return cells.reduce((a, b) => a + b, 0) * (5 / cells.length);
}

/** The reasons of the checks that cost most in this dimension. */
function problemOf(scenario: Scenario, dimension: Recommendation['dimension']): string {
  const lost = scenario.methods
    .flatMap(({ checks }) => checks)
    .filter((check) => check.dimension === dimension && check.points < check.of)
    .sort((a, b) => b.of - b.points - (a.of - a.points));
  return [...new Set(lost.map((check) => check.because))].slice(0, 3).join(' ');
}
