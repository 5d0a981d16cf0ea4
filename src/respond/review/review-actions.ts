// Actions of playbooks that look back and keep watching: heightened monitoring, more detail, the checklist.
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { Incident } from '../../platform/documents/incident.ts';
import type { Action, ActionContext, Plan } from '../engine/action.ts';
import type { Incidents } from '../incidents/incidents.ts';
import { type Checklist, isComplete } from './checklist.ts';
import type { Heightened } from './heightened.ts';

export interface ReviewActionsParts {
  incidents: Pick<Incidents, 'find'>;
  heightened: Pick<Heightened, 'raise' | 'find' | 'detailOn' | 'setDetail' | 'tightness'>;
  checklist: Pick<Checklist, 'run'>;
}

export function reviewActions({ incidents, heightened, checklist }: ReviewActionsParts): Action[] {
  const incidentOf = async ({ incident: id }: ActionContext): Promise<Incident> => {
    if (id === null) throw new RempartError('ERR_ACTION_NO_INCIDENT');
    const incident = await incidents.find(id);
    if (incident === null) throw new RempartError('ERR_INCIDENT_UNKNOWN', { id });
    return incident;
  };
  const nothing: Plan = { effects: [], reversible: true, before: {} };

  const heighten: Action<{ hours: number }> = {
    name: 'monitoring.heighten',
    class: 'notify',
    args: z.strictObject({ hours: z.number().min(0.01).max(720).default(72) }),
    async plan({ hours }, context) {
      const { id } = await incidentOf(context);
      return {
        effects: [{ target: 'monitoring', change: 'heighten', to: `${hours} h (${id})` }],
        // It ends by itself.
        reversible: true,
        before: {},
      };
    },
    async probe(_args, context) {
      const row = context.incident === null ? null : await heightened.find(context.incident);
      // On disk and in force; what is only half done is done anew, which changes nothing else.
      const isDone = row !== null && row.until > context.now() && heightened.tightness() < 1;
      return isDone ? { state: 'done', done: { evidence: evidenceOf(row.until) } } : { state: 'not-done' };
    },
    async act({ hours }, context) {
      const { until } = await heightened.raise(await incidentOf(context), hours);
      return { evidence: evidenceOf(until) };
    },
  };

  const detail: Action<{ on: boolean }> = {
    name: 'journal.detail',
    class: 'observe',
    args: z.strictObject({ on: z.boolean() }),
    plan: async ({ on }) => ({
      effects: [{ target: 'journal', change: 'detail', to: on ? 'on' : 'off' }],
      reversible: true,
      before: { on: heightened.detailOn() },
    }),
    probe: async ({ on }) => (heightened.detailOn() === on ? { state: 'done', done: {} } : { state: 'not-done' }),
    async act({ on }) {
      await heightened.setDetail(on);
      return {};
    },
    undo: async (_args, _context, before) => heightened.setDetail(before['on'] === true),
  };

  const run: Action<Record<string, never>> = {
    name: 'checklist.run',
    class: 'observe',
    args: z.strictObject({}),
    async plan(_args, context) {
      await incidentOf(context);
      return nothing;
    },
    // Looking again does no harm, and what was seen before a crash may be old.
    probe: async () => ({ state: 'not-done' }),
    async act(_args, context) {
      const entries = await checklist.run(await incidentOf(context), context.signal);
      const [out] = context.outArgs;
      const points: JsonObject = Object.fromEntries(entries.map(({ point, state }) => [point, state]));
      return {
        ...(out === undefined ? {} : { out: { [out]: String(isComplete(entries)) } }),
        evidence: { complete: isComplete(entries), points },
      };
    },
  };
  return [heighten as Action, detail as Action, run as Action];
}

function evidenceOf(until: number): JsonObject {
  return { until: new Date(until).toISOString() };
}
