// The times of an incident: the seven that a report must have as a table, and its course as a picture.
import type { Incident } from '../../../platform/documents/incident.ts';
import type { Say } from '../../../platform/i18n/say.ts';
import type { Block, Mark } from './blocks.ts';
import { duration, entryWords, instant } from './report-words.ts';

export const moments = [
  'detectedAt',
  'firstActionAt',
  'investigationAt',
  'causeIdentifiedAt',
  'solutionAt',
  'restoredAt',
  'validatedAt',
] as const;
const others = ['occurredAt', 'acknowledgedAt', 'containedAt', 'closedAt'] as const;
type Moment = (typeof moments)[number] | (typeof others)[number];

export function timesBlocks(incident: Incident, say: Say): Block[] {
  const sinceDetection = (at: string) => Date.parse(at) - Date.parse(incident.detectedAt);
  const row = (moment: Moment) => {
    const at = incident[moment];
    if (at === null) return [say(`review.moment.${moment}`), say('review.report.not-yet'), ''];
    const after = sinceDetection(at);
    return [say(`review.moment.${moment}`), instant(at), after > 0 ? `+ ${duration(after, say)}` : ''];
  };
  // Those that a report must have stand there also while they have not come.
  const known = others.filter((moment) => incident[moment] !== null);
  const rank = (moment: Moment) => Date.parse(incident[moment] ?? '') || Number.POSITIVE_INFINITY;
  // On a tie what comes first by its nature: an incident begins before it is detected.
  const ordered = [
    ...known.filter((one) => one === 'occurredAt'),
    ...moments,
    ...known.filter((one) => one !== 'occurredAt'),
  ].toSorted((a, b) => {
    const difference = rank(a) - rank(b);
    return Number.isNaN(difference) ? 0 : difference;
  });
  const columns = [say('review.report.times.moment'), say('review.report.time'), say('review.report.times.after')];
  return [
    { kind: 'heading', text: say('review.report.times') },
    { kind: 'table', columns, rows: ordered.map(row) },
    picture(incident, ordered, say),
  ];
}

function picture(incident: Incident, ordered: readonly Moment[], say: Say): Block {
  const marks: Mark[] = ordered.flatMap((moment) => {
    const at = incident[moment];
    return at === null ? [] : [{ at: Date.parse(at), name: say(`review.moment.${moment}`), weight: 'moment' as const }];
  });
  const lines: Mark[] = incident.timeline.map(({ time, kind, by }) => ({
    at: Date.parse(time),
    name: `${entryWords(kind, say)}: ${by}`,
    weight: 'line',
  }));
  const all = [...marks, ...lines];
  const times = all.map(({ at }) => at);
  const description = say('review.report.picture', {
    from: instant(Math.min(...times)),
    to: instant(Math.max(...times)),
    moments: marks.length,
    lines: lines.length,
  });
  return { kind: 'picture', title: say('review.report.picture.title', { id: incident.id }), description, marks: all };
}
