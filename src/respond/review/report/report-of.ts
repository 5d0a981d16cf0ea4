// What the report of an incident says, in the order in which its readers need it.
import type { Incident } from '../../../platform/documents/incident.ts';
import { type Say, sayer } from '../../../platform/i18n/say.ts';
import type { Deadline } from '../../escalation/deadlines.ts';
import type { DoneAction } from '../../escalation/deeds.ts';
import type { JournalMark } from '../../escalation/notice.ts';
import type { Message } from '../../escalation/outbox.ts';
import type { ChecklistEntry } from '../checklist.ts';
import type { Heightening } from '../heightened.ts';
import type { Block, Report } from './blocks.ts';
import { timesBlocks } from './report-times.ts';
import { duration, entryWords, factWords, instant } from './report-words.ts';

export interface ReportFacts {
  incident: Incident;
  title: { en: string; fr: string } | undefined;
  deadlines: readonly Deadline[];
  checklist: readonly ChecklistEntry[];
  messages: readonly Pick<Message, 'what' | 'contact' | 'channel' | 'state' | 'endedAt' | 'createdAt' | 'code'>[];
  actions: readonly DoneAction[];
  heightened: Heightening | null;
  /** The journal when the report was made; null when it could not be signed. */
  mark: JournalMark | null;
}

export function reportOf(given: ReportFacts, lang: 'en' | 'fr'): Report {
  const say = sayer(lang);
  const { incident, title } = given;
  const name = title?.[lang] ?? incident.type;
  return {
    lang,
    title: say('review.report.title', { id: incident.id }),
    facts: [
      [say('review.report.fact.type'), `${name} (${incident.type})`],
      [say('review.report.fact.date'), instant(incident.detectedAt)],
      [say('review.report.fact.severity'), say(`escalation.severity.${incident.level}`)],
      [say('review.report.fact.status'), say(`escalation.status.${incident.status}`)],
      [
        say('review.report.fact.verdict'),
        incident.verdict === null ? say('review.report.open') : say(`review.verdict.${incident.verdict}`),
      ],
      [say('review.report.fact.subject'), incident.subject],
      ...(incident.parent === null ? [] : [[say('review.report.fact.parent'), incident.parent] as const]),
    ],
    blocks: [
      { kind: 'heading', text: say('review.report.summary') },
      { kind: 'paragraph', text: summary(given, name, say) },
      ...timesBlocks(incident, say),
      ...section(say('review.report.cause'), listOr(incident.causes, say('review.report.cause.none'))),
      ...section(
        say('review.report.corrective'),
        ticksOr(incident.actions.corrective, say('review.report.action.none')),
      ),
      ...section(
        say('review.report.preventive'),
        ticksOr(incident.actions.preventive, say('review.report.action.none')),
      ),
      ...section(say('review.report.impact'), impact(incident, say)),
      ...section(say('review.report.lessons'), listOr(incident.lessons, say('review.report.lessons.none'))),
      ...section(say('review.report.checklist'), checklist(given.checklist, say)),
      ...section(say('review.report.after'), after(given, say)),
      ...section(say('review.report.playbooks'), playbooks(given, say)),
      ...section(say('review.report.notifications'), notifications(given, say)),
      ...section(say('review.report.timeline'), timeline(incident, say)),
      ...section(say('review.report.evidence'), evidence(given, say)),
    ],
  };
}

/** Two or three sentences: what happened and how it was seen, what was done, how it stands. */
function summary({ incident, actions }: ReportFacts, name: string, say: Say): string {
  const { subject, signals, detectedAt, occurredAt, containedAt, status } = incident;
  const [detector = '–'] = signals.map((signal) => signal.detector);
  const seen = say('review.report.summary.seen', {
    name,
    subject,
    detector,
    time: instant(detectedAt),
    after: duration(Date.parse(detectedAt) - Date.parse(occurredAt), say),
  });
  const acted = actions.filter(({ undone }) => !undone).length;
  const contained =
    containedAt === null
      ? say('review.report.summary.not-contained', { count: acted })
      : say('review.report.summary.contained', {
          count: acted,
          after: duration(Date.parse(containedAt) - Date.parse(detectedAt), say),
        });
  const end = say(
    incident.verdict === null
      ? `review.report.summary.status.${status}`
      : `review.report.summary.verdict.${incident.verdict}`,
  );
  return [seen, contained, end].join(' ');
}

function section(text: string, blocks: readonly Block[]): Block[] {
  return [{ kind: 'heading', text }, ...blocks];
}

function listOr(items: readonly string[], otherwise: string): Block[] {
  return items.length === 0 ? [{ kind: 'paragraph', text: otherwise }] : [{ kind: 'list', items }];
}

function ticksOr(items: readonly { text: string; done: boolean }[], otherwise: string): Block[] {
  return items.length === 0 ? [{ kind: 'paragraph', text: otherwise }] : [{ kind: 'ticks', items }];
}

function impact(
  { impact: { downtimeMinutes, services, dataCompromised, usersAffected } }: Incident,
  say: Say,
): Block[] {
  const unknown = say('review.report.unknown');
  return [
    {
      kind: 'table',
      columns: [say('review.report.impact.what'), say('review.report.impact.value')],
      rows: [
        [
          say('review.report.impact.downtime'),
          downtimeMinutes === null ? unknown : say('review.report.impact.minutes', { count: downtimeMinutes }),
        ],
        [say('review.report.impact.services'), services.length === 0 ? say('review.report.none') : services.join(', ')],
        [
          say('review.report.impact.data'),
          dataCompromised === null
            ? unknown
            : say(dataCompromised ? 'review.report.impact.data.yes' : 'review.report.impact.data.no'),
        ],
        [say('review.report.impact.users'), usersAffected === null ? unknown : String(usersAffected)],
      ],
    },
  ];
}

function checklist(entries: readonly ChecklistEntry[], say: Say): Block[] {
  if (entries.length === 0) return [{ kind: 'paragraph', text: say('review.report.checklist.none') }];
  const columns = ['point', 'state', 'evidence', 'person'].map((name) =>
    say(`review.report.checklist.${name as 'point'}`),
  );
  const rows = entries.map(({ point, state, evidence, tick }) => [
    say(`review.point.${point}`),
    say(`review.state.${state}`),
    factWords(evidence),
    tick === null ? '' : [tick.by, instant(tick.at), tick.note ?? ''].filter((part) => part !== '').join(', '),
  ]);
  return [{ kind: 'table', columns, rows }];
}

function after({ deadlines, heightened, incident }: ReportFacts, say: Say): Block[] {
  const held = incident.timeline.find(({ kind }) => kind === 'post-mortem');
  const due = deadlines.find(({ kind }) => kind === 'post-mortem');
  const postMortem =
    held !== undefined
      ? say('review.report.post-mortem.held', { time: instant(held.time) })
      : due?.state === 'open'
        ? say('review.report.post-mortem.due', { time: instant(due.dueAt) })
        : say('review.report.post-mortem.none');
  const watch =
    heightened === null
      ? say('review.report.heightened.none')
      : say('review.report.heightened', { from: instant(heightened.from), until: instant(heightened.until) });
  return [{ kind: 'list', items: [watch, postMortem] }];
}

function playbooks({ incident, actions }: ReportFacts, say: Say): Block[] {
  if (incident.playbookRuns.length === 0) return [{ kind: 'paragraph', text: say('review.report.playbooks.none') }];
  const runs = incident.playbookRuns.map(({ playbook, state, run }) =>
    say('review.report.playbooks.run', { playbook, run, state: say(`review.report.run.${state}`) }),
  );
  const columns = [
    say('review.report.time'),
    say('review.report.playbooks.step'),
    say('review.report.playbooks.evidence'),
  ];
  const rows = actions.map(({ at, action, evidence: shown, undone }) => [
    instant(at),
    undone ? say('review.report.playbooks.undone', { action }) : action,
    factWords(shown),
  ]);
  return [{ kind: 'list', items: runs }, ...(rows.length === 0 ? [] : [{ kind: 'table' as const, columns, rows }])];
}

function notifications({ messages }: ReportFacts, say: Say): Block[] {
  if (messages.length === 0) return [{ kind: 'paragraph', text: say('review.report.notifications.none') }];
  const columns = ['what', 'contact', 'channel', 'state'].map((name) =>
    say(`review.report.notifications.${name as 'what'}`),
  );
  const rows = messages.map(({ what, contact, channel, state, endedAt, createdAt, code }) => [
    instant(endedAt ?? createdAt),
    say(`review.notice.${what}`),
    contact,
    say(`review.channel.${channel}`),
    code === null ? say(`review.message.${state}`) : `${say(`review.message.${state}`)} (${code})`,
  ]);
  return [{ kind: 'table', columns: [say('review.report.time'), ...columns], rows }];
}

function timeline(incident: Incident, say: Say): Block[] {
  const columns = [
    say('review.report.time'),
    say('review.report.timeline.what'),
    say('review.report.timeline.by'),
    say('review.report.timeline.facts'),
  ];
  const rows = incident.timeline.map(({ time, kind, by, facts }) => {
    const { run: _, key: __, ...shown } = facts;
    return [instant(time), entryWords(kind, say), by, factWords(shown)];
  });
  return [{ kind: 'table', columns, rows }];
}

/** Hashes that actions kept, and the journal as it stood when the report was made. */
function evidence({ actions, mark, incident }: ReportFacts, say: Say): Block[] {
  const rows = actions.flatMap(({ action, at, evidence: shown }) =>
    hashesIn(shown).map(([name, hash]) => [instant(at), action, name, hash]),
  );
  const columns = [
    say('review.report.time'),
    say('review.report.playbooks.step'),
    say('review.report.evidence.what'),
    'SHA-256',
  ];
  return [
    ...(rows.length === 0
      ? [{ kind: 'paragraph' as const, text: say('review.report.evidence.none') }]
      : [{ kind: 'table' as const, columns, rows }]),
    ...(mark === null
      ? [{ kind: 'paragraph' as const, text: say('review.report.mark.none') }]
      : [
          {
            kind: 'paragraph' as const,
            text: say('review.report.mark', {
              checkpoint: mark.checkpoint,
              seq: mark.seq,
              key: mark.key,
              id: incident.id,
            }),
          },
          { kind: 'code' as const, text: `rempart journal verify --expect ${mark.stream}:${mark.seq}:${mark.hash}` },
          { kind: 'code' as const, text: `signature ${mark.signature}` },
        ]),
  ];
}

/** Values that are SHA-256 in hex, at any depth, by the names that lead to them. */
function hashesIn(value: unknown, name = ''): [name: string, hash: string][] {
  if (typeof value === 'string')
    return /^(sha256:)?[0-9a-f]{64}$/.test(value) ? [[name, value.replace('sha256:', '')]] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => hashesIn(inner, name === '' ? key : `${name}.${key}`));
}
