// The words of a notice: a subject, and lines of plain text in the order in which they matter.
import { type Say, sayer } from '../../platform/i18n/say.ts';
import { visible } from '../../platform/reporting/visible.ts';
import { deedNames, type Notice, type NoticeKind } from './notice.ts';

/** What is only told, without anybody having to run. */
const calm = ['update', 'contained', 'closed', 'post-mortem'] as const satisfies readonly NoticeKind[];
const maxLine = 400;

export interface NoticeText {
  subject: string;
  /** Why it is sent, in a sentence. */
  opening: string;
  facts: readonly (readonly [label: string, value: string])[];
  details: readonly string[];
  deeds: readonly { text: string; done: boolean }[];
  expected: readonly string[];
  /** What the reader is to do now; none once it is over. */
  demand: string | null;
  closing: readonly string[];
}

export function noticeText(notice: Notice): NoticeText {
  const say = sayer(notice.lang);
  const { incident, what, escalation } = notice;
  const severity = say(`escalation.severity.${incident.level}`);
  const short = calm.find((one) => one === what);
  const urgent = short === undefined;
  const subject =
    short === undefined
      ? `[REMPART URGENT] ${incident.type} - ${severity}`
      : `[REMPART] ${incident.type} - ${severity} - ${say(`escalation.short.${short}`)}`;
  return {
    subject: oneLine(subject),
    opening: say(`escalation.opening.${what}`, {
      title: oneLine(incident.title),
      level: say(`escalation.level.${escalation}`),
    }),
    facts: [
      [say('escalation.severity'), severity],
      [say('escalation.type'), `${incident.title} (${incident.type})`],
      [say('escalation.time'), incident.detectedAt],
      [say('escalation.subject'), incident.subject],
      [say('escalation.host'), notice.host],
      [say('escalation.ip'), notice.ip],
      [say('escalation.incident'), incident.id],
      [say('escalation.status'), say(`escalation.status.${incident.status}`)],
      [say('escalation.level'), `${say(`escalation.level.${escalation}`)} – ${notice.who}`],
      ...answerBy(notice, say),
      ...(incident.status === 'detected' || incident.status === 'acknowledged'
        ? [[say('escalation.due'), incident.dueBy] as const]
        : []),
    ].map(([label, value]) => [label!, oneLine(value!)] as const),
    details: notice.details.map(oneLine),
    deeds: deedNames.map((name) => ({ text: say(`escalation.deed.${name}`), done: notice.deeds[name] })),
    expected: urgent ? notice.expected : [],
    demand: urgent ? say('escalation.demand') : null,
    closing: closing(notice, say),
  };
}

/** The whole as plain text, each line harmless to a terminal or a mail reader. */
export function plainText(notice: Notice): string {
  const say = sayer(notice.lang);
  const { opening, facts, details, deeds, expected, demand, closing: end } = noticeText(notice);
  return [
    opening,
    '',
    ...facts.map(([label, value]) => `${say('escalation.pair', { label, value })}`),
    '',
    `${say('escalation.details')}`,
    ...(details.length === 0 ? [`  ${say('escalation.details.none')}`] : details.map((line) => `  - ${line}`)),
    '',
    `${say('escalation.deeds')}`,
    ...deeds.map(({ text, done }) => `  [${done ? 'x' : ' '}] ${text}`),
    ...(expected.length === 0 ? [] : ['', say('escalation.expected'), ...expected.map((line) => `  - ${line}`)]),
    ...(demand === null ? [] : ['', demand]),
    '',
    ...end,
    '',
  ].join('\n');
}

function answerBy({ answerBy: by, what }: Notice, say: Say): (readonly [string, string])[] {
  if (by === null) return [];
  return [[say(what === 'post-mortem' ? 'escalation.post-mortem-by' : 'escalation.answer-by'), by]];
}

function closing({ mark, instead, toCall, incident }: Notice, say: Say): string[] {
  return [
    ...(instead === null ? [] : [say('escalation.instead', { level: say(`escalation.level.${instead}`) })]),
    ...(toCall.length === 0 ? [] : [say('escalation.to-call', { names: oneLine(toCall.join(', ')) })]),
    say('escalation.next', { id: incident.id }),
    ...(mark === null
      ? [say('escalation.mark.none')]
      : [
          say('escalation.mark', {
            checkpoint: mark.checkpoint,
            key: mark.key.slice(0, 16),
            signature: mark.signature,
          }),
          `rempart journal verify --expect ${mark.stream}:${mark.seq}:${mark.hash}`,
        ]),
  ];
}

/** Nothing in it can begin a line, a header or a command to a terminal. */
export function oneLine(given: string): string {
  const shown = visible(given.replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, ' '));
  return shown.length > maxLine ? `${[...shown].slice(0, maxLine).join('')}…` : shown;
}
