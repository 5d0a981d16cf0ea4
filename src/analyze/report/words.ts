// Numbers, dates and the sentences that every form of the report shares, in either language.
import type {
  AnalysedConversation,
  Author,
  Domain,
  Finding,
  Maturity,
  Severity,
} from '../../platform/documents/analysis.ts';
import { severities } from '../../platform/documents/analysis.ts';
import { type Lang, type Say, sayer, type TextKey } from '../../platform/i18n/say.ts';
import { countBySeverity, grouped, isOpen } from './source.ts';

export interface Words {
  lang: Lang;
  say: Say;
  number: (value: number) => string;
  /** A score with at most one decimal, or that there is none. */
  score: (value: number | null) => string;
  /** Date and time on the clock that the instant was written with. */
  instant: (iso: string) => string;
  /** A count with its noun: `count.NAME.one` or `.many` of the catalogue. */
  counted: (key: Counted, count: number, facts?: Readonly<Record<string, string | number>>) => string;
}

type Stem<Key extends string, Ending extends string> = Key extends `${infer Name}.${Ending}` ? Name : never;
/** A key that has both forms. */
export type Counted = Stem<TextKey, 'one'> & Stem<TextKey, 'many'>;

const locales = { en: 'en-GB', fr: 'fr-FR' } as const;

export function words(lang: Lang): Words {
  const say = sayer(lang);
  const decimals = new Intl.NumberFormat(locales[lang], { maximumFractionDigits: 1 });
  const number = (value: number) => decimals.format(value);
  return {
    lang,
    say,
    number,
    score: (value) => (value === null ? say('analyze.report.maturity.none') : number(value)),
    instant: (iso) => instant(iso, lang),
    counted: (key, count, facts = {}) => say(`${key}.${plural(lang, count)}`, { count: number(count), ...facts }),
  };
}

/** French counts none as one. */
function plural(lang: Lang, count: number): 'one' | 'many' {
  return count === 1 || (lang === 'fr' && count === 0) ? 'one' : 'many';
}

function instant(iso: string, lang: Lang): string {
  const [, year, month, day, time, zone] =
    /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(iso) ?? [];
  if (year === undefined || zone === undefined) return iso;
  const clock = time!.length === 5 ? `${time}:00` : time;
  const place = zone === 'Z' || zone === '+00:00' ? 'UTC' : `UTC${zone}`;
  if (lang === 'fr') return `${day}/${month}/${year} à ${clock} (${place})`;
  const name = new Intl.DateTimeFormat('en-GB', { month: 'long', timeZone: 'UTC' }).format(
    Date.UTC(Number(year), Number(month) - 1),
  );
  return `${Number(day)} ${name} ${year} at ${clock} (${place})`;
}

/** Messages are counted from 1 where a person reads them. */
export function messageNumber(index: number): number {
  return index + 1;
}

export function whereText({ messageIndex, author, branch, line }: Finding, { say }: Words): string {
  const message = say('analyze.report.message', {
    n: messageNumber(messageIndex),
    author: say(`analyze.author.${author}`),
  });
  const where = branch === 'main' ? message : `${message}, ${say('analyze.report.branch', { branch })}`;
  return say('analyze.report.where', { where, line });
}

/** What already answers a finding: the practice by its title where the conversation shows it, and the message. */
export function mitigationText({ mitigatedBy }: Finding, it: AnalysedConversation, { say }: Words): string {
  if (mitigatedBy === undefined) return '';
  const { practice, messageIndex } = mitigatedBy;
  const title = it.goodPractices.find(({ id }) => id === practice)?.title ?? practice;
  return say('analyze.report.mitigated', { practice: title, n: messageNumber(messageIndex) });
}

/** The state, and how it came about: "Fixed: introduced in message 2 by the assistant, fixed in message 6 by the user". */
export function lifeText({ state, life }: Finding, { say, lang }: Words): string {
  const steps = life.map(({ event, messageIndex, author }) =>
    say(`analyze.life.${event}`, { n: messageNumber(messageIndex), by: byText(author, say) }),
  );
  const name = say(`analyze.state.${state}`);
  return steps.length === 0 ? name : `${name}${lang === 'fr' ? '\u00a0: ' : ': '}${steps.join(', ')}`;
}

export function byText(author: Author, say: Say): string {
  return say(`analyze.by.${author}`);
}

/** "2 critical, 1 high", none left out but the empty. */
export function severityCounts(findings: readonly Finding[], { counted, number }: Words): string {
  const counts = countBySeverity(findings);
  return severities
    .filter((severity) => counts[severity] > 0)
    .map(
      (severity: Severity) =>
        `${number(counts[severity])} ${counted(`analyze.severity.${severity}.noun`, counts[severity])}`,
    )
    .join(', ');
}

/** What a box of the checklist is followed by. */
export function qualifier(domain: AnalysedConversation['domains'][Domain], { say }: Words): string {
  if (domain === undefined) return '';
  if (domain.state === 'not-applicable') return say('analyze.report.not-applicable');
  if (domain.state !== 'partial') return '';
  const partly = say('analyze.report.partly');
  const because = domain.because.trim().replace(/[.\s]+$/, '');
  if (because === '') return partly;
  // Where the reason says "partially" itself, it is not said twice.
  return because.toLowerCase().startsWith(partly) ? because : `${partly}, ${because}`;
}

export function wouldBeText({ if: ids, score }: Maturity['wouldBe'][number], { counted, number }: Words): string {
  return counted('analyze.report.would-be', ids.length, { score: number(score), ids: ids.join(', ') });
}

/** The last word on a conversation, from its figures alone. */
export function conclusionText(conversation: AnalysedConversation, words: Words): string {
  const { say, counted, number } = words;
  const { explicit, potential } = grouped(conversation.findings);
  const open = explicit.filter(isOpen);
  const fixed = explicit.length - open.length;
  const { score, wouldBe } = conversation.maturity;
  const sentences: string[] = [];
  if (open.length > 0) {
    sentences.push(counted('analyze.conclusion.open', open.length, { by: severityCounts(open, words) }));
    if (fixed > 0) sentences.push(counted('analyze.conclusion.fixed', fixed));
    sentences.push(say('analyze.conclusion.first', { title: `${open[0]!.title} (${open[0]!.id})` }));
  } else if (fixed > 0) {
    sentences.push(say('analyze.conclusion.closed'), counted('analyze.conclusion.only-fixed', fixed));
  } else sentences.push(say(potential.length > 0 ? 'analyze.conclusion.potential' : 'analyze.conclusion.clean'));
  if (score !== null) sentences.push(say('analyze.conclusion.score', { score: number(score) }));
  const best = wouldBe.reduce<Maturity['wouldBe'][number] | undefined>(
    (most, one) => (most === undefined || one.score > most.score ? one : most),
    undefined,
  );
  if (score !== null && best !== undefined && best.score > score)
    sentences.push(
      counted('analyze.conclusion.gain', best.if.length, { score: number(best.score), ids: best.if.join(', ') }),
    );
  return sentences.join(' ');
}

/** The name of a format as the report writes it. */
export function formatName(format: AnalysedConversation['format']): string {
  return format.toUpperCase();
}

const repairs = [
  'bom',
  'grouped-by-time',
  'invalid-utf-8',
  'lone-surrogate',
  'mojibake',
  'utf-16',
  'windows-1252',
] as const;

/** What was mended while reading, in words. */
export function repairsText(codes: readonly string[], { say }: Words): string {
  return codes
    .map((code) => {
      const known = repairs.find((one) => one === code);
      return known === undefined ? code : say(`analyze.repair.${known}`);
    })
    .join(', ');
}

/** More numbers than that are a wall; the JSON has them all. */
const mostNumbers = 20;

/** The first of many, and how many more there are. */
export function firstOf<T>(all: readonly T[], { counted }: Words): { shown: readonly T[]; more: string[] } {
  const rest = all.length - mostNumbers;
  if (rest <= 0) return { shown: all, more: [] };
  return { shown: all.slice(0, mostNumbers), more: [counted('analyze.report.across.more', rest)] };
}
