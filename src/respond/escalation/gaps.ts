// What nobody would hear of, said when an instance starts: in its log and in the journal, not during an incident.
import type { Log } from '../../platform/base/log.ts';
import { escalationLevels } from '../../platform/documents/incident.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import { apiActivity } from '../../platform/journal/ocsf.ts';
import type { Channels } from './channels/channel.ts';
import { type Contact, closedWays, type Recipient, type Unreachable, unreachable } from './contacts.ts';
import type { Matrix } from './matrix.ts';

export interface Gaps {
  levels: readonly Unreachable[];
  /** Addresses of contacts that no channel is configured for. */
  ways: readonly Recipient[];
}

export interface GapParts {
  contacts: readonly Contact[];
  channels: Channels;
  matrix: Matrix;
  /** Of the taxonomy. */
  types: readonly string[];
}

export function gapsOf({ contacts, channels, matrix, types }: GapParts): Gaps {
  return { levels: unreachable(contacts, channels, matrix, types), ways: closedWays(contacts, channels) };
}

/** Names and levels only: neither the log nor the journal holds an address. */
export async function tellGaps(
  { levels, ways }: Gaps,
  { log, journal, now }: { log: Log; journal: Pick<Journal, 'append'>; now: () => number },
): Promise<void> {
  const isDeaf = ({ why, types }: Unreachable) => why === 'nobody' && types.length === 0;
  // Without any contact, as at first, each incident says so: that is no alarm of its own.
  if (levels.filter(isDeaf).length === escalationLevels.length) log.debug('nobody is told of incidents');
  else logLevels(levels, log);
  for (const { channel } of ways) log.warn({ channel }, 'a contact has an address that no channel is configured for');
  if (levels.length + ways.length === 0) return;
  const gaps = {
    levels: levels.map(({ level, why, types }) => ({ level, why, types: [...types] })),
    ways: ways.map(({ contact, channel }) => ({ contact, channel })),
  };
  await journal.append(
    apiActivity({
      time: now(),
      activity: 'read',
      operation: 'notify check',
      actor: { subject: 'rempart' },
      sourceIp: '127.0.0.1',
      status: 'failure',
      severity: levels.some(({ why }) => why === 'nobody') ? 'high' : 'low',
      unmapped: { gaps },
    }),
  );
}

function logLevels(levels: Gaps['levels'], log: Log): void {
  for (const { level: escalation, why, types } of levels)
    if (why === 'nobody') log.error({ escalation, types }, 'an escalation level has nobody who can be told');
    else log.warn({ escalation, types }, 'an escalation level reaches none of those whose business it is');
}
