// The observation tables of the exercise, filled from evidence: what an observer would have noted for each scenario.
import type { ScenarioId } from '../../platform/documents/simulation.ts';
import type { Say } from '../../platform/i18n/say.ts';
import type { Evidence, EvidenceOf } from '../scenarios/evidence.ts';
import type { MethodAssessment } from './assess-method.ts';
import { leakEvidence, logRow, type Observation, type Table, worded, yesNo } from './observation.ts';
import { continuityTable } from './observe-continuity.ts';
import { keyTable } from './observe-key.ts';
import { loadTable } from './observe-load.ts';
import { quotaTable } from './observe-quota.ts';
import { detectionRow, fallbackRows, maintenanceTable, networkTable } from './observe-service.ts';

interface Frame {
  scenario: ScenarioId;
  evidence: readonly Evidence[];
  begin: EvidenceOf<'run-begin'>;
  say: Say;
}

const tables: Record<ScenarioId, Table> = {
  'api-maintenance': maintenanceTable,
  'network-cut': networkTable,
  'key-compromised': keyTable,
  overload: loadTable,
  'database-down': continuityTable,
  'quota-exhausted': quotaTable,
};

/** What the scenario's own table asks first, then what is asked of every scenario. */
export function observe(assessments: readonly MethodAssessment[], { scenario, ...frame }: Frame): Observation[] {
  const scored = assessments.filter(({ outcome }) => outcome === 'scored');
  if (scored.length === 0) return [];
  const seen = { scored, ...frame };
  const own = tables[scenario](seen);
  const everywhere = everywhereTable(seen);
  return [...own, ...everywhere.filter(({ id }) => !own.some((row) => row.id === id))];
}

/** What is asked after every failure. */
const everywhereTable: Table = (seen) => {
  const leaks = seen.scored.flatMap((one) => one.leaks);
  return [
    detectionRow(seen),
    ...fallbackRows(seen),
    worded(seen, 'sensitive-exposed', leaks.length > 0 ? 'yes' : 'no', yesNo, leakEvidence(leaks)),
    logRow(seen),
  ];
};

/** The rows of a scenario as they stand before anything was seen: their ids and scales. */
export function blankObservations(scenario: ScenarioId, say: Say): Observation[] {
  const seen = { scored: [], evidence: [], begin: { language: 'en' as const }, say };
  const own = tables[scenario](seen);
  const everywhere = everywhereTable(seen);
  return [...own, ...everywhere.filter(({ id }) => !own.some((row) => row.id === id))];
}

/** What an operator stated for a scenario, marked as such. */
export function statedFor(scenario: ScenarioId, evidence: readonly Evidence[], say: Say): Observation[] {
  return evidence
    .filter((line): line is EvidenceOf<'stated'> => line.kind === 'stated' && line.scenario === scenario)
    .map(({ id, observation, value, scale }) => ({
      id: observation,
      value,
      scale: scale ?? say('report.observation.free'),
      evidence: [id],
      stated: true,
    }));
}
