// Failure modes and effects: severity × occurrence × detection for each scenario that was assessed, from its cells.
import type { ScenarioId, Simulation } from '../../platform/documents/simulation.ts';
import type { Say } from '../../platform/i18n/say.ts';

/** How often such failures come in operation, 1 rare to 10 constant: a stated assumption, the same for every target. */
const occurrence: Record<ScenarioId, number> = {
  'api-maintenance': 6,
  'network-cut': 5,
  'key-compromised': 3,
  overload: 5,
  'database-down': 3,
  'quota-exhausted': 6,
};

/** Severity from what users and secrets suffer, detection from how late it is seen; each 1 (best) to 10. */
export function fmeaTable(
  scenarios: readonly Pick<Simulation['scenarios'][number], 'id' | 'scores'>[],
  say: Say,
): Simulation['fmea'] {
  return scenarios.flatMap(({ id, scores }) => {
    const { management, recovery, security, detection } = scores;
    if (management === null || recovery === null || security === null || detection === null) return [];
    const severity = grade(Math.min(management, recovery, security));
    const detected = grade(detection);
    return [
      {
        scenario: id,
        mode: say(`simulate.scenario.${id}`),
        effect: say(`simulate.effect.${id}`),
        severity,
        occurrence: occurrence[id],
        detection: detected,
        rpn: severity * occurrence[id] * detected,
      },
    ];
  });
}

function grade(cell: number): number {
  return Math.max(1, Math.min(10, Math.round(10 - (cell / 20) * 9)));
}
