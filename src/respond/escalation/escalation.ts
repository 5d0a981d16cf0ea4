// Escalation: tells people of an incident at once, again until somebody acknowledges it, and those above them when nobody does.

import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Deployment } from '../../platform/documents/deployment.ts';
import type { EscalationLevel, Incident } from '../../platform/documents/incident.ts';
import type { Journal } from '../../platform/journal/journal.ts';
import type { Store } from '../../platform/store/store.ts';
import type { Incidents } from '../incidents/incidents.ts';
import type { IncidentType } from '../taxonomy/taxonomy.ts';
import type { Channels } from './channels/channel.ts';
import { type Recipient, recipients } from './contacts.ts';
import { createDeadlines, type Deadline } from './deadlines.ts';
import { createFollowing } from './following.ts';
import { type Gaps, gapsOf, tellGaps } from './gaps.ts';
import { closePostMortem, type FallParts, isAnswered } from './incident-deadlines.ts';
import type { Matrix } from './matrix.ts';
import { type DeedName, deedNames, type JournalMark } from './notice.ts';
import { createOutbox, type Message, type OutboxSettings, usualOutbox } from './outbox.ts';
import { recordDelivery, type Telling, type TellParts, type Told, tellPeople } from './tell-people.ts';

export type TaxonomyTitle = (type: string) => { en: string; fr: string } | undefined;

export interface EscalationParts {
  store: Pick<Store, 'db' | 'kind'>;
  incidents: Incidents;
  taxonomy: { find(id: string): Pick<IncidentType, 'title' | 'phases'> | undefined; all: readonly { id: string }[] };
  matrix: Matrix;
  deployment: Pick<Deployment, 'language' | 'contacts'>;
  channels: Channels;
  journal: Pick<Journal, 'append'>;
  /** What was done about an incident, and the journal as it stands: see deeds.ts and mark.ts. */
  deeds: (incident: Incident) => Promise<Record<DeedName, boolean>>;
  mark: () => Promise<JournalMark | null>;
  now: () => number;
  log: Log;
  host?: { name: string; ip: string };
}

export interface Escalation {
  /** Looks by itself from now on. */
  start(everyMs?: number): void;
  /** One look: deadlines that passed, then messages that are due. */
  look(): Promise<void>;
  /** Follows a change at once; incidents that another node left alone are followed at the next look. */
  follow(incident: Incident): Promise<void>;
  tell(incident: Incident, telling: Telling): Promise<Told>;
  /** Who would be told now. */
  recipients(level: EscalationLevel, type: string): Recipient[];
  deadlines(incident: string): Promise<Deadline[]>;
  messages(incident: string): Promise<Message[]>;
  messagesOf(idBegins: string): Promise<Message[]>;
  /** Whether those of this level were alerted, and nothing was done since that they do not know of. */
  isAlerted(incident: Incident, level: EscalationLevel): Promise<boolean>;
  /** The incident has been talked through. Throws ERR_POSTMORTEM_NONE when none is due. */
  postMortemHeld(incident: string, by: string): Promise<void>;
  /** Levels that nobody would hear of, and ways that the configuration does not open. */
  gaps(): Gaps;
  close(): Promise<void>;
}

export function escalationService(parts: EscalationParts, outboxSettings: OutboxSettings = usualOutbox): Escalation {
  const { incidents, matrix, deployment, channels, taxonomy, now, log } = parts;
  const stop = new AbortController();
  const titleOf: TaxonomyTitle = (type) => taxonomy.find(type)?.title;
  const telling: Omit<TellParts, 'outbox'> = {
    ...parts,
    contacts: deployment.contacts,
    lang: deployment.language,
    titleOf,
  };
  const addressOf = ({ contact, channel }: Recipient) =>
    deployment.contacts.find(({ name, [channel]: address }) => name === contact && address !== undefined)?.[channel];
  const outbox = createOutbox(
    { ...parts, addressOf, isWanted: stillWanted(incidents), told: recordDelivery(telling) },
    outboxSettings,
  );
  const gaps = () =>
    gapsOf({ contacts: deployment.contacts, channels, matrix, types: taxonomy.all.map(({ id }) => id) });
  const deadlines = createDeadlines(parts.store, now);
  const tell = (incident: Incident, what: Telling) => tellPeople({ ...telling, outbox }, incident, what);
  const falling: FallParts = {
    incidents,
    deadlines,
    matrix,
    now,
    tell,
    asked: new Set(),
    phasesOf: (type) => taxonomy.find(type)?.phases ?? {},
  };
  const following = createFollowing(falling);
  let timer: NodeJS.Timeout | undefined;
  let hasTakenOver = false;
  let looking: Promise<void> = Promise.resolve();
  const unsubscribe = incidents.onChange((incident) => {
    if (stop.signal.aborted) return;
    following.follow(incident).catch(failed('an incident could not be followed; it will be at the next look'));
  });

  function failed(message: string) {
    return (error: unknown): void => {
      following.again();
      if (error instanceof RempartError && error.code === 'ERR_STORE_AWAY') return;
      log.error({ err: error }, message);
    };
  }

  async function begin(): Promise<void> {
    // A file has one process: whatever is held in it was held by one that is no more.
    if (!hasTakenOver && parts.store.kind === 'sqlite') await Promise.all([outbox.takeOver(), deadlines.takeOver()]);
    hasTakenOver = true;
    await following.reconcile();
    await following.fallDue(stop.signal);
    await outbox.sendDue(stop.signal);
  }

  const lookAgain = (everyMs: number): void => {
    looking = begin().catch(failed('escalation could not look; it will look again'));
    void looking.then(() => {
      if (!stop.signal.aborted) timer = setTimeout(() => lookAgain(everyMs), everyMs);
    });
  };

  return {
    async look() {
      await begin();
      await outbox.settled();
    },
    tell,
    recipients: (level, type) => recipients(deployment.contacts, channels, level, type),
    follow: following.follow,
    start: (everyMs = 1_000) => {
      void tellGaps(gaps(), parts).catch(failed('what nobody would hear of could not be journalled'));
      lookAgain(everyMs);
    },
    deadlines: (incident) => deadlines.of(incident),
    messages: (incident) => outbox.list({ incident }),
    messagesOf: (idBegins) => outbox.list({ idBegins }),
    isAlerted: async (incident, level) =>
      isAlerted(
        await outbox.list({ incident: incident.id }),
        recipients(deployment.contacts, channels, level, incident.type),
        await parts.deeds(incident),
      ),
    async postMortemHeld(incident, by) {
      const due = await deadlines.find(incident, 'post-mortem');
      if (due?.state !== 'open') throw new RempartError('ERR_POSTMORTEM_NONE', { id: incident });
      // Noted first: what is noted ends the deadline also after a crash.
      await incidents.note(incident, { kind: 'post-mortem', by });
      await closePostMortem(deadlines, incident);
    },
    gaps,
    async close() {
      stop.abort();
      unsubscribe();
      clearTimeout(timer);
      await Promise.all([looking, following.idle(), outbox.settled()]);
      for (const channel of Object.values(channels)) channel.close();
    },
  };
}

/** Each of them has an alert, or will have one, that knows of all that was done. */
function isAlerted(messages: readonly Message[], to: readonly Recipient[], done: Record<DeedName, boolean>): boolean {
  const alerts = messages.filter(
    ({ what, state, notice: { deeds } }) =>
      what === 'alert' &&
      state !== 'failed' &&
      state !== 'withdrawn' &&
      deedNames.every((name) => deeds[name] || !done[name]),
  );
  const told = (one: Recipient) =>
    alerts.some(({ contact, channel }) => contact === one.contact && channel === one.channel);
  return to.length > 0 && to.every(told);
}

/** What asks people to come is not said to them any more once somebody came. */
function stillWanted(incidents: Incidents) {
  const asks: readonly Message['what'][] = ['reminder', 'escalated'];
  return async ({ incident: id, what }: Message): Promise<boolean> => {
    if (!asks.includes(what)) return true;
    const incident = await incidents.find(id);
    return incident !== null && !isAnswered(incident);
  };
}
