// Who is told of what, and which levels nobody would hear of.
import type { Deployment } from '../../platform/documents/deployment.ts';
import { type EscalationLevel, escalationLevels } from '../../platform/documents/incident.ts';
import { type ChannelName, type Channels, channelNames } from './channels/channel.ts';
import { type Matrix, reaches } from './matrix.ts';

export type Contact = Deployment['contacts'][number];

export interface Recipient {
  contact: string;
  channel: ChannelName;
}

export interface Unreachable {
  level: EscalationLevel;
  /** None of those for whom the level is, or nobody at all. */
  why: 'nobody' | 'not-responsible';
  /** Incident types for which it is so; none: for all. */
  types: readonly string[];
}

/** Contacts that are told of a type from this level on. */
export function contactsFor(contacts: readonly Contact[], level: EscalationLevel, type: string): Contact[] {
  return contacts.filter(
    (contact) =>
      reaches(level, contact.from) &&
      (contact.types.length === 0 || contact.types.some((one) => one.replaceAll('_', '-') === type)),
  );
}

/** Each channel that a contact has and that is open. */
export function recipients(
  contacts: readonly Contact[],
  channels: Channels,
  level: EscalationLevel,
  type: string,
): Recipient[] {
  return contactsFor(contacts, level, type).flatMap((contact) =>
    channelNames.flatMap((channel) => {
      const address = contact[channel];
      const isOpen = address !== undefined && channels[channel]?.reaches(address) === true;
      return isOpen ? [{ contact: contact.name, channel }] : [];
    }),
  );
}

/** Those who hear of it without anybody's doing. */
function told(...given: Parameters<typeof recipients>): Recipient[] {
  const [, channels] = given;
  return recipients(...given).filter(({ channel }) => channels[channel]?.byHand !== true);
}

/** What to say at the start: a level that nobody would hear of is not found out about during an incident. */
export function unreachable(
  contacts: readonly Contact[],
  channels: Channels,
  matrix: Matrix,
  types: readonly string[],
): Unreachable[] {
  return escalationLevels.flatMap((level) => {
    const { roles } = matrix.of(level);
    const found = types.map((type) => {
      const heard = told(contacts, channels, level, type);
      if (heard.length === 0) return { type, why: 'nobody' as const };
      const isOwn = heard.some(({ contact }) =>
        contacts.some(({ name, role }) => name === contact && roles.includes(role)),
      );
      return { type, why: isOwn ? null : ('not-responsible' as const) };
    });
    return (['nobody', 'not-responsible'] as const).flatMap((why) => {
      const concerned = found.filter((one) => one.why === why).map(({ type }) => type);
      if (concerned.length === 0) return [];
      return [{ level, why, types: concerned.length === types.length ? [] : concerned }];
    });
  });
}

/** Ways to a contact that the configuration does not open, e.g. a mail address without a mail server. */
export function closedWays(contacts: readonly Contact[], channels: Channels): Recipient[] {
  return contacts.flatMap((contact) =>
    channelNames.flatMap((channel) => {
      const address = contact[channel];
      if (address === undefined || channels[channel]?.reaches(address) === true) return [];
      return [{ contact: contact.name, channel }];
    }),
  );
}

/** The nearest level whose contacts can be reached: above first, since waiting for nobody helps nobody. */
export function reachableInstead(
  contacts: readonly Contact[],
  channels: Channels,
  level: EscalationLevel,
  type: string,
): EscalationLevel | null {
  const at = escalationLevels.indexOf(level);
  return escalationLevels.slice(at).find((one) => told(contacts, channels, one, type).length > 0) ?? null;
}
