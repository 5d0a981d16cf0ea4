// Puts what is to be said into the outbox for everybody concerned, and never lets a level pass that nobody hears of.
import type { Log } from '../../platform/base/log.ts';
import type { EscalationLevel, Incident } from '../../platform/documents/incident.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { apiActivity } from '../../platform/journal/ocsf.ts';
import type { Incidents } from '../incidents/incidents.ts';
import type { Channels } from './channels/channel.ts';
import { type Composed, type ComposeParts, composeNotice } from './compose-notice.ts';
import { type Contact, type Recipient, reachableInstead, recipients } from './contacts.ts';
import type { NoticeKind } from './notice.ts';
import type { Message, Outbox } from './outbox.ts';

export interface TellParts extends ComposeParts {
  outbox: Outbox;
  incidents: Incidents;
  contacts: readonly Contact[];
  channels: Channels;
  journal: Pick<Journal, 'append'>;
  log: Log;
}

export interface Telling {
  what: NoticeKind;
  level: EscalationLevel;
  /** The same again says nothing twice. */
  id: string;
  answerBy?: number;
  first?: readonly string[];
}

export interface Told {
  /** Messages in the outbox under this id. */
  messages: number;
  contacts: readonly string[];
  /** Another level was told, because nobody of this one can be reached; null when nobody at all can. */
  instead: EscalationLevel | null;
}

const asksToCall: readonly NoticeKind[] = ['alert', 'escalated'];

export async function tellPeople(parts: TellParts, incident: Incident, telling: Telling): Promise<Told> {
  const { contacts, channels } = parts;
  const { level } = telling;
  const instead = reachableInstead(contacts, channels, level, incident.type);
  if (instead !== level) await unheard(parts, incident, telling, instead);
  if (instead === null) {
    // Nobody hears of it by itself: numbers to call are all that is left.
    const left = recipients(contacts, channels, level, incident.type);
    if (left.length > 0 && asksToCall.includes(telling.what)) await put(parts, incident, telling, left, left);
    return { messages: 0, contacts: [], instead };
  }
  const byHand = ({ channel }: Recipient) => channels[channel]?.byHand === true;
  const all = recipients(contacts, channels, instead, incident.type);
  const toCall = all.filter(byHand);
  // A number is put before people when it is to be called, not again with each reminder.
  const to = asksToCall.includes(telling.what) ? all : all.filter((recipient) => !byHand(recipient));
  await put(parts, incident, { ...telling, ...(instead === level ? {} : { instead: level }) }, to, toCall);
  return { messages: to.length, contacts: [...new Set(to.map(({ contact }) => contact))], instead };
}

async function put(
  parts: TellParts,
  incident: Incident,
  telling: Telling & Pick<Composed, 'instead'>,
  to: readonly Recipient[],
  toCall: readonly Recipient[],
): Promise<void> {
  const names = toCall.map(({ contact }) => contact);
  const notice = await composeNotice(parts, incident, { ...telling, toCall: names });
  await parts.outbox.put(to.map((recipient) => ({ id: messageId(telling.id, recipient), recipient, notice })));
}

/** Letters, digits, dots and hyphens only: it becomes a Message-ID (RFC 5322 §3.6.4) and a header. */
export function messageId(id: string, { contact, channel }: { contact: string; channel: string }): string {
  const safe = (text: string) =>
    text.replace(/[^A-Za-z0-9-]/g, (char) => `_${char.codePointAt(0)!.toString(16)}_`).slice(0, 120);
  return `${id.replace(/[^A-Za-z0-9.-]/g, '-')}.${safe(contact)}.${channel}`;
}

async function unheard(
  { incidents, journal, log, now }: TellParts,
  incident: Incident,
  { what, level }: Telling,
  instead: EscalationLevel | null,
): Promise<void> {
  log.warn({ incident: incident.id, escalation: level, instead }, 'nobody of an escalation level can be reached');
  await journal.append(
    apiActivity({
      time: now(),
      activity: 'create',
      operation: 'notify',
      actor: { subject: 'rempart' },
      sourceIp: '127.0.0.1',
      correlation: incident.id,
      status: 'failure',
      severity: 'critical',
      unmapped: { notification: { incident: incident.id, what, level, instead, outcome: 'nobody' } },
    }),
  );
  await incidents.note(incident.id, {
    kind: 'nobody-reachable',
    by: 'escalation',
    facts: { what, level, ...(instead === null ? {} : { instead }) },
  });
}

/** Each end of a message in the journal and, where it matters to people, in the timeline; names only, never an address. */
export function recordDelivery({ incidents, journal, log, now }: Omit<TellParts, 'outbox'>) {
  return async (message: Message, outcome: 'sent' | 'shown' | 'failed' | 'withdrawn' | 'again'): Promise<void> => {
    const { id, incident, channel, contact, what, attempts, code } = message;
    const failed = outcome === 'failed' || outcome === 'again';
    await journal.append(
      apiActivity({
        time: now(),
        activity: 'create',
        operation: `notify ${channel}`,
        actor: { subject: 'rempart' },
        sourceIp: '127.0.0.1',
        correlation: incident,
        status: failed ? 'failure' : 'success',
        severity: outcome === 'failed' ? 'high' : 'informational',
        ...(code === null ? {} : { statusCode: code }),
        unmapped: { notification: { id, incident, what, contact, channel, outcome, attempts } },
      }),
    );
    if (failed) log.warn({ incident, channel, code, outcome }, 'a notification was not delivered');
    if (outcome === 'again' || outcome === 'withdrawn') return;
    // The journal has each of them; a timeline full of reminders would hide what happened.
    if (outcome === 'sent' && what === 'reminder') return;
    const kind = { sent: 'notified', shown: 'to-call', failed: 'not-notified' }[outcome];
    await incidents.note(incident, {
      kind,
      by: 'escalation',
      facts: { what, contact, channel, ...(code === null ? {} : { code }) },
    });
  };
}
