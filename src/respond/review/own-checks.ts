// The points of the checklist that respond can check by itself, and shapes for those that others are asked about.
import type { Incident } from '../../platform/documents/incident.ts';
import type { Escalation } from '../escalation/escalation.ts';
import type { Check, Checked } from './checklist.ts';

/** The record holds what a report needs: each moment in its order, what was hit, why, and what is done about it. */
export const recordComplete: Check = async (incident) => {
  const missing = missingOf(incident);
  return { state: missing.length === 0 ? 'ok' : 'not-ok', evidence: { missing } };
};

function missingOf(incident: Incident): string[] {
  const { impact, actions, playbookRuns } = incident;
  const moments = ['firstActionAt', 'investigationAt', 'causeIdentifiedAt', 'containedAt', 'restoredAt'] as const;
  return [
    ...moments.filter((moment) => incident[moment] === null),
    ...(incident.causes.length === 0 ? ['causes'] : []),
    ...(actions.corrective.length === 0 ? ['actions.corrective'] : []),
    ...(actions.preventive.length === 0 ? ['actions.preventive'] : []),
    ...(impact.downtimeMinutes === null ? ['impact.downtimeMinutes'] : []),
    ...(impact.dataCompromised === null ? ['impact.dataCompromised'] : []),
    ...(impact.usersAffected === null ? ['impact.usersAffected'] : []),
    ...(playbookRuns.some(({ state }) => state === 'running' || state === 'waiting') ? ['playbookRuns'] : []),
  ];
}

/** Its date is set, and has not passed without anybody having held it. */
export function postMortemSet(escalation: Pick<Escalation, 'deadlines'>, now: () => number): Check {
  return async ({ id, timeline }): Promise<Checked> => {
    const held = timeline.find(({ kind }) => kind === 'post-mortem');
    if (held !== undefined) return { state: 'ok', evidence: { held: held.time } };
    const due = (await escalation.deadlines(id)).find(({ kind }) => kind === 'post-mortem');
    // While it is open none is set: it is set by itself when the incident is resolved, 48 h later.
    if (due === undefined) return { state: 'ok', evidence: { dueHoursAfterEnd: 48, set: 'at-resolution' } };
    const dueBy = new Date(due.dueAt).toISOString();
    return { state: due.state === 'open' && due.dueAt < now() ? 'not-ok' : 'ok', evidence: { dueBy } };
  };
}
