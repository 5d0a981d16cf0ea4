// Puts a notice together from the incident, from what was done about it, and from the journal.
import { hostname, networkInterfaces } from 'node:os';
import type { EscalationLevel, Incident } from '../../platform/documents/incident.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { TaxonomyTitle } from './escalation.ts';
import type { Matrix } from './matrix.ts';
import type { DeedName, JournalMark, Notice, NoticeKind } from './notice.ts';

export interface ComposeParts {
  lang: Lang;
  matrix: Matrix;
  titleOf: TaxonomyTitle;
  now: () => number;
  deeds: (incident: Incident) => Promise<Record<DeedName, boolean>>;
  mark: () => Promise<JournalMark | null>;
  host?: { name: string; ip: string };
}

export interface Composed {
  what: NoticeKind;
  level: EscalationLevel;
  instead?: EscalationLevel;
  answerBy?: number;
  /** Lines that go before what the detectors said. */
  first?: readonly string[];
  toCall?: readonly string[];
}

const mostDetails = 12;

export async function composeNotice(parts: ComposeParts, incident: Incident, given: Composed): Promise<Notice> {
  const { lang, matrix, titleOf, now } = parts;
  const { name, ip } = parts.host ?? thisHost();
  const [deeds, mark] = [await parts.deeds(incident), await parts.mark()];
  const expected = matrix.of(given.level);
  return {
    what: given.what,
    lang,
    at: now(),
    incident: {
      id: incident.id,
      type: incident.type,
      title: titleOf(incident.type)?.[lang] ?? incident.type,
      level: incident.level,
      status: incident.status,
      subject: incident.subject,
      detectedAt: incident.detectedAt,
      dueBy: incident.dueBy,
    },
    escalation: given.level,
    instead: given.instead ?? null,
    answerBy: given.answerBy === undefined ? null : new Date(given.answerBy).toISOString(),
    who: expected.who[lang],
    expected: expected.expected[lang],
    host: name,
    ip,
    details: [...(given.first ?? []), ...details(incident)].slice(0, mostDetails),
    deeds,
    toCall: [...(given.toCall ?? [])],
    mark,
  };
}

/** What each detector said, the newest first. */
function details({ signals }: Incident): string[] {
  return signals.toReversed().map(({ detector, time, facts, repeats }) => {
    const said = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
    const again = repeats === 0 ? '' : ` (×${repeats + 1})`;
    return `${time} ${detector}${again}${said.length === 0 ? '' : `: ${said.join(', ')}`}`;
  });
}

function thisHost(): { name: string; ip: string } {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = addresses.filter(({ internal }) => !internal);
  const found = outside.find(({ family }) => family === 'IPv4') ?? outside[0] ?? addresses[0];
  return { name: hostname(), ip: found?.address ?? '–' };
}
