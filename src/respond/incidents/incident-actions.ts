// Actions of playbooks on the incident itself: a moment marked, a line noted.
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import { type IncidentMoment, incidentMoments } from '../../platform/documents/incident.ts';
import type { Action, ActionContext, Actions } from '../engine/action.ts';
import type { RunLog } from '../engine/durable.ts';
import { line } from './harmless.ts';
import type { Incidents } from './incidents.ts';

export interface IncidentActionsParts {
  incidents: Pick<Incidents, 'find' | 'mark' | 'note'>;
  runs: Pick<RunLog, 'memory'>;
  /** To know what a run tried; asked once it runs. */
  actions: () => Pick<Actions, 'find'>;
}

const claimsSuccess: readonly IncidentMoment[] = ['containedAt', 'solutionAt', 'restoredAt', 'validatedAt'];
const changesTheWorld = ['contain', 'restore', 'destroy'];

export function incidentActions(parts: IncidentActionsParts): Action[] {
  const { incidents } = parts;
  const incidentOf = ({ incident }: ActionContext): string => {
    if (incident === null) throw new RempartError('ERR_ACTION_NO_INCIDENT');
    return incident;
  };

  const mark: Action<{ moment: IncidentMoment }> = {
    name: 'incident.mark',
    class: 'notify',
    args: z.strictObject({ moment: z.enum(incidentMoments) }),
    async plan({ moment }, context) {
      return { effects: [{ target: incidentOf(context), change: 'mark', to: moment }], reversible: false, before: {} };
    },
    async probe({ moment }, context) {
      const incident = await incidents.find(incidentOf(context));
      return incident?.[moment] == null ? { state: 'not-done' } : { state: 'done', done: {} };
    },
    async act({ moment }, context) {
      if (claimsSuccess.includes(moment) && (await nothingSucceeded(parts, context.run)))
        throw new RempartError('ERR_INCIDENT_NOTHING_DONE');
      await incidents.mark(incidentOf(context), moment, 'playbook');
      return {};
    },
  };

  const note: Action<{ text: string }> = {
    name: 'incident.note',
    class: 'notify',
    args: z.strictObject({ text: z.string().min(1).max(2_000) }),
    plan: async (_args, context) => ({
      effects: [{ target: incidentOf(context), change: 'note' }],
      reversible: false,
      before: {},
    }),
    async probe(_args, context) {
      const incident = await incidents.find(incidentOf(context));
      const there = incident?.timeline.some(({ facts }) => facts['key'] === context.idempotencyKey) === true;
      return there ? { state: 'done', done: {} } : { state: 'not-done' };
    },
    async act({ text }, context) {
      const facts = { text: line(text), run: context.run, key: context.idempotencyKey };
      await incidents.note(incidentOf(context), { kind: 'note', by: 'playbook', facts });
      return {};
    },
  };
  return [mark as Action, note as Action];
}

/**
 * A run whose every attempt to change something was refused or failed has contained nothing, whatever its playbook
 * says; unless people did it by hand.
 */
async function nothingSucceeded({ runs, actions }: IncidentActionsParts, run: string): Promise<boolean> {
  const changes = (action: string) =>
    action === 'command.manual' || changesTheWorld.includes(actions().find(action)?.class ?? '');
  const tried = new Map<string, boolean>();
  for (const { key, value } of await runs.memory(run)) {
    const { action, done, code } = (value ?? {}) as { action?: string; done?: unknown; code?: string };
    const at = key.slice(0, key.lastIndexOf('/'));
    // What was refused has no intent, and its outcome names the action.
    if (action !== undefined && changes(action)) tried.set(at, false);
    if (key.endsWith('/outcome') && tried.has(at) && code === undefined) tried.set(at, done !== undefined);
  }
  return tried.size > 0 && ![...tried.values()].includes(true);
}
