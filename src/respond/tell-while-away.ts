// Tells people of a detection while the store is away: nothing that waits in it can, and its own absence is an incident too.
import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../platform/base/log.ts';
import type { Lang } from '../platform/i18n/say.ts';
import { say } from '../platform/i18n/say.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { apiActivity } from '../platform/journal/ocsf.ts';
import type { Detection } from './detectors/detector.ts';
import { ChannelAway, type Channels } from './escalation/channels/channel.ts';
import { composeNotice } from './escalation/compose-notice.ts';
import { type Contact, type Recipient, reachableInstead, recipients } from './escalation/contacts.ts';
import type { Matrix } from './escalation/matrix.ts';
import type { Notice } from './escalation/notice.ts';
import { messageId } from './escalation/tell-people.ts';
import { newIncident } from './incidents/change-incident.ts';
import { incidentId } from './incidents/create-incidents.ts';
import { harmlessDetection } from './incidents/harmless.ts';
import type { Taxonomy } from './taxonomy/load-taxonomy.ts';

export interface TellWhileAwayParts {
  contacts: readonly Contact[];
  channels: Channels;
  matrix: Matrix;
  taxonomy: Taxonomy;
  lang: Lang;
  journal: Pick<Journal, 'append'>;
  log: Log;
  now: () => number;
  /** Ends what is being tried. */
  signal: AbortSignal;
}

/** The same thing is told once within it; with the store back, escalation tells of it as of any other. */
const quietMs = 1_800_000;
const triesAfterMs = [0, 2_000, 10_000, 60_000];
const attemptMs = 20_000;
const mostThings = 200;

export function tellWhileAway(parts: TellWhileAwayParts): (detection: Detection) => Promise<void> {
  const { contacts, channels, taxonomy, now, log } = parts;
  const told = new Map<string, number>();

  return async (given) => {
    const detection = harmlessDetection(given, now());
    const type = taxonomy.find(detection.type);
    if (type === undefined) return;
    const key = `${type.id}\n${detection.subject}`;
    const last = told.get(key);
    if ((last !== undefined && now() - last < quietMs) || told.size >= mostThings) return;
    told.set(key, now());
    const level = reachableInstead(contacts, channels, type.escalation, type.id);
    if (level === null) return log.warn({ type: type.id }, 'nobody can be told while the store is away');
    // The id that it will have, unless another of the same second comes before it.
    const incident = newIncident(incidentId(detection.detectedAt), type, detection, null);
    const notice = await composeNotice(
      {
        ...parts,
        titleOf: (id) => taxonomy.find(id)?.title,
        deeds: async () => ({ services: false, states: false, logs: false, monitoring: false }),
        mark: async () => null,
      },
      incident,
      { what: 'alert', level, first: [say(parts.lang, 'incident.while-away')] },
    );
    const to = recipients(contacts, channels, level, type.id);
    await Promise.all(to.map((recipient) => deliver(parts, recipient, notice, incident.id)));
  };
}

async function deliver(parts: TellWhileAwayParts, to: Recipient, notice: Notice, incident: string): Promise<void> {
  const { contacts, channels, signal, log, journal, now } = parts;
  const way = channels[to.channel];
  const address = contacts.find(({ name }) => name === to.contact)?.[to.channel];
  if (way === undefined || address === undefined) return;
  const id = messageId(`${incident}.away`, to);
  let code: string | null = 'no-way';
  for (const after of triesAfterMs) {
    try {
      if (after > 0) await pause(after, undefined, { signal });
      const within = AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]);
      const delivered = await way.send({ id, address, notice }, within);
      code = delivered.kind === 'refused' ? delivered.why : null;
      break;
    } catch (error) {
      if (signal.aborted) return;
      code = error instanceof ChannelAway ? error.why : 'failed';
    }
  }
  if (code !== null) log.warn({ incident, channel: to.channel, code }, 'nobody was told while the store is away');
  const { contact, channel } = to;
  const outcome = code === null ? 'sent' : 'failed';
  await journal.append(
    apiActivity({
      time: now(),
      activity: 'create',
      operation: `notify ${channel}`,
      actor: { subject: 'rempart' },
      sourceIp: '127.0.0.1',
      correlation: incident,
      status: code === null ? 'success' : 'failure',
      severity: code === null ? 'informational' : 'high',
      ...(code === null ? {} : { statusCode: code }),
      unmapped: { notification: { id, incident, what: 'alert', contact, channel, outcome, away: true } },
    }),
  );
}
