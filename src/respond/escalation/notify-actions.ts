// The action that tells people from a playbook: put into the outbox under the step's own key, so that it is never said twice.
import { z } from 'zod';
import { RempartError } from '../../platform/base/errors.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import { escalationLevels, type Incident } from '../../platform/documents/incident.ts';
import type { Action, ActionContext, Done } from '../engine/action.ts';
import type { Incidents } from '../incidents/incidents.ts';
import type { Escalation } from './escalation.ts';
import type { Message } from './outbox.ts';

export interface NotifyActionsParts {
  incidents: Pick<Incidents, 'find'>;
  escalation: Pick<Escalation, 'tell' | 'messagesOf' | 'recipients' | 'isAlerted'>;
}

const args = z.strictObject({
  what: z.enum(['alert', 'update', 'contained', 'closed']),
  /** By default the incident's own. */
  level: z.enum(escalationLevels).optional(),
});
type Args = z.output<typeof args>;

export function notifyActions({ incidents, escalation }: NotifyActionsParts): Action[] {
  const incidentOf = async ({ incident: id }: ActionContext): Promise<Incident> => {
    if (id === null) throw new RempartError('ERR_ACTION_NO_INCIDENT');
    const incident = await incidents.find(id);
    if (incident === null) throw new RempartError('ERR_INCIDENT_UNKNOWN', { id });
    return incident;
  };
  const idOf = ({ idempotencyKey }: ActionContext) => `step-${idempotencyKey}`;

  const send: Action<Args> = {
    name: 'notify.send',
    class: 'notify',
    args,
    async plan({ what, level }, context) {
      const incident = await incidentOf(context);
      const to = escalation.recipients(level ?? incident.escalation, incident.type);
      const effects = to.map(({ contact, channel }) => ({ target: contact, change: what, to: channel }));
      return { effects, reversible: false, before: {} };
    },
    async probe(_args, context) {
      const there = await escalation.messagesOf(`${idOf(context)}.`);
      return there.length === 0 ? { state: 'not-done' } : { state: 'done', done: doneOf(there) };
    },
    async act({ what, level }, context) {
      const incident = await incidentOf(context);
      const at = level ?? incident.escalation;
      // Escalation tells by itself at once: the same alert a second later only teaches people to look away.
      if (what === 'alert' && (await escalation.isAlerted(incident, at)))
        return { evidence: { messages: 0, alerted: true } };
      const told = await escalation.tell(incident, { what, level: at, id: idOf(context) });
      const messages = await escalation.messagesOf(`${idOf(context)}.`);
      // Nobody to tell is itself told; it must not hold up what contains the incident.
      return told.instead === null ? { evidence: { messages: 0, nobody: true } } : doneOf(messages);
    },
  };
  return [send as Action];
}

function doneOf(messages: readonly Message[]): Done {
  const to = messages.map(({ contact, channel }) => `${contact} (${channel})`);
  return { evidence: { messages: messages.length, to } satisfies JsonObject };
}
