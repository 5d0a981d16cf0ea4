// The judgement in three points: what is strong, which practices stand out, what is missing.
import type { Advice, AnalysedConversation, Domain, Finding } from '../../platform/documents/analysis.ts';
import { type Lang, say } from '../../platform/i18n/say.ts';
import type { Judged } from './judge.ts';
import type { SeenPractice } from './practices.ts';

const open = new Set(['introduced', 'reintroduced', 'discussed']);
const ranks = ['critical', 'high', 'medium', 'low', 'info'];
const mostNamed = 5;
const mostGaps = 4;

export function summaryOf(
  { findings, practices, domains, lang }: Judged,
  advice: readonly Advice[],
): AnalysedConversation['summary'] {
  return {
    strengths: strengths(findings, domains, lang),
    practices: practised(practices, lang),
    gaps: gaps(findings, advice, lang),
  };
}

function strengths(findings: readonly Finding[], domains: AnalysedConversation['domains'], lang: Lang): string {
  const named = (wanted: string) =>
    Object.entries(domains)
      .filter(([, { state }]) => state === wanted)
      .map(([domain]) => say(lang, `analyze.domain.${domain as Domain}`));
  const fixed = findings.filter(({ state }) => state === 'fixed').length;
  const mended = fixed === 0 ? [] : [say(lang, `maturity.summary.fixed.${form(fixed)}`, { count: fixed })];
  return [covered(named('covered'), named('partial'), lang), ...mended].join(' ');
}

function covered(whole: readonly string[], partial: readonly string[], lang: Lang): string {
  if (whole.length > 0)
    return say(lang, `maturity.summary.strengths.${form(whole.length)}`, {
      count: whole.length,
      domains: whole.join(', '),
    });
  if (partial.length > 0) return say(lang, 'maturity.summary.some-strength', { domains: partial.join(', ') });
  return say(lang, 'maturity.summary.no-strength');
}

function practised(practices: readonly SeenPractice[], lang: Lang): string {
  const proper = practices.filter(({ practice }) => practice.minor !== true);
  const minor = practices.filter(({ practice }) => practice.minor === true);
  if (proper.length === 0 && minor.length > 0)
    return say(lang, 'maturity.summary.minor', {
      practices: minor.map(({ practice }) => practice[lang].title).join(', '),
    });
  if (proper.length === 0) return say(lang, 'maturity.summary.no-practice');
  // What code shows says more than what is only named.
  const sorted = [...proper].sort((a, b) => Number(a.depth === 'named') - Number(b.depth === 'named'));
  const first = sorted.slice(0, mostNamed).map(({ practice }) => practice[lang].title);
  const shown = proper.filter(({ depth }) => depth === 'shown').length;
  const listed = first.join(', ');
  const facts = {
    count: proper.length,
    shown,
    practices:
      proper.length > mostNamed ? say(lang, 'maturity.summary.practices.and-more', { practices: listed }) : listed,
  };
  if (proper.length === 1) return say(lang, 'maturity.summary.practices.one', facts);
  return say(lang, shown === 0 ? 'maturity.summary.practices.named' : 'maturity.summary.practices.many', facts);
}

function gaps(findings: readonly Finding[], advice: readonly Advice[], lang: Lang): string {
  const left = findings
    .filter(({ state }) => open.has(state))
    .sort((a, b) => ranks.indexOf(a.severity) - ranks.indexOf(b.severity));
  const unanswered = findings.filter(
    ({ state, mitigatedBy }) => (state === 'mentioned' || state === 'potential') && mitigatedBy === undefined,
  );
  const named = [...new Set((left.length > 0 ? left : unanswered).map(({ title }) => title))];
  const listed = named.slice(0, mostGaps).join(', ');
  const next = advice.slice(0, 3).map(({ title }) => lowered(title));
  const then = next.length === 0 ? [] : [say(lang, 'maturity.summary.next', { advice: next.join(', ') })];
  if (left.length > 0) {
    const facts = { count: left.length, gaps: listed };
    return [say(lang, `maturity.summary.open.${form(left.length)}`, facts), ...then].join(' ');
  }
  const none =
    listed === '' ? say(lang, 'maturity.summary.no-gap') : say(lang, 'maturity.summary.gaps', { gaps: listed });
  return [none, ...then].join(' ');
}

/** A title within a sentence; abbreviations keep their capitals. */
function lowered(title: string): string {
  return /^\p{Lu}\p{Ll}/u.test(title) ? title.charAt(0).toLowerCase() + title.slice(1) : title;
}

function form(count: number): 'one' | 'many' {
  return count === 1 ? 'one' : 'many';
}
