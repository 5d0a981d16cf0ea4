// The judgement on one conversation: score, what it rests on, what it would be, what to do next, and a summary in three points.
import type { Advice, AnalysedConversation, Domain, Finding, Maturity } from '../../platform/documents/analysis.ts';
import { type Lang, say } from '../../platform/i18n/say.ts';
import { familyOf } from '../knowledge/cwe-family.ts';
import type { AdviceRule } from '../knowledge/knowledge.ts';
import type { SeenPractice } from './practices.ts';
import { type Practised, score, type Weighed } from './score.ts';

type Domains = AnalysedConversation['domains'];
const open = new Set(['introduced', 'reintroduced', 'discussed']);
const ranks = ['critical', 'high', 'medium', 'low', 'info'];
const mostAdvice = 8;

export interface Judged {
  findings: readonly Finding[];
  practices: readonly SeenPractice[];
  domains: Domains;
  lang: Lang;
}

export function maturityOf({ findings, practices, domains, lang }: Judged): Maturity {
  const strengths = practices
    .filter(({ practice }) => practice.minor !== true)
    .map(({ practice }) => practice[lang].title);
  const gaps = gapsOf(findings, domains, lang);
  if (findings.length === 0 && practices.length === 0)
    return { score: null, outOf: 10, because: { strengths: [], gaps: [] }, wouldBe: [] };
  const practised = practices.map(({ depth, practice }): Practised => ({ depth, minor: practice.minor === true }));
  const now = score(findings.map(weighed), practised);
  return { score: now, outOf: 10, because: { strengths, gaps }, wouldBe: wouldBe(findings, practised, now) };
}

function weighed({ rule, cwe, severity, confidence, state, mitigatedBy, branch }: Finding): Weighed {
  const family = familyOf(cwe[0] ?? rule);
  return { family, severity, confidence, state, mitigated: mitigatedBy !== undefined, abandoned: branch !== 'main' };
}

/** If the gravest were fixed, and if all were. */
function wouldBe(findings: readonly Finding[], practised: readonly Practised[], now: number): Maturity['wouldBe'] {
  const left = findings
    .filter(({ state }) => open.has(state))
    .sort((a, b) => ranks.indexOf(a.severity) - ranks.indexOf(b.severity));
  const first = left.slice(0, 1);
  const choices = left.length > 1 ? [first, left] : [first];
  return choices
    .filter((chosen) => chosen.length > 0)
    .map((chosen) => {
      const after = findings.map((finding) =>
        chosen.includes(finding) ? { ...weighed(finding), state: 'fixed' as const } : weighed(finding),
      );
      return { if: chosen.map(({ id }) => id), score: score(after, practised) };
    })
    .filter(({ score: then }) => then > now);
}

function gapsOf(findings: readonly Finding[], domains: Domains, lang: Lang): string[] {
  const opened = findings.filter(({ state }) => open.has(state)).map(({ title }) => title);
  const unanswered = findings
    .filter(({ state, mitigatedBy }) => (state === 'mentioned' || state === 'potential') && mitigatedBy === undefined)
    .map(({ title }) => title);
  const absent = Object.entries(domains)
    .filter(([, { state }]) => state === 'absent')
    .map(([domain]) => say(lang, 'maturity.gap.absent', { domain: say(lang, `analyze.domain.${domain as Domain}`) }));
  return [...new Set([...opened, ...unanswered, ...absent])];
}

/** Advice of the domains that the conversation concerns, the weakest first. */
export function adviceFor({ findings, practices, domains, lang }: Judged, rules: readonly AdviceRule[]): Advice[] {
  if (findings.length === 0 && practices.length === 0) return [];
  const seen = new Set(practices.map(({ practice }) => practice.id));
  const classes = new Set(findings.filter(({ state }) => state !== 'example').flatMap(({ cwe }) => cwe));
  const need = { absent: 0, partial: 1, covered: 2, 'not-applicable': 3 };
  return rules
    .filter((rule) => !rule.unless.some((id) => seen.has(id)))
    .filter((rule) => rule.whenFinding === undefined || rule.whenFinding.some((cwe) => classes.has(cwe)))
    .filter((rule) => rule.always === true || domains[rule.domain].state !== 'not-applicable')
    .map((rule, index) => ({ rule, index, rank: rule.always === true ? 2.5 : need[domains[rule.domain].state] }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .slice(0, mostAdvice)
    .map(({ rule }) => ({ domain: rule.domain, ...rule[lang], tools: rule.tools }));
}

export function summaryOf(
  { findings, practices, domains, lang }: Judged,
  maturity: Maturity,
): AnalysedConversation['summary'] {
  const strong = maturity.because.strengths;
  const shown = practices.filter(({ depth, practice }) => depth === 'shown' && practice.minor !== true).length;
  const covered = Object.entries(domains).filter(([, { state }]) => state === 'covered');
  const names = covered.map(([domain]) => say(lang, `analyze.domain.${domain as Domain}`)).join(', ');
  const left = findings.filter(({ state }) => open.has(state)).length;
  const gaps = maturity.because.gaps.slice(0, 4).join(', ');
  return {
    strengths:
      names === ''
        ? say(lang, 'maturity.summary.no-strength')
        : say(lang, 'maturity.summary.strengths', { domains: names }),
    practices:
      strong.length === 0
        ? say(lang, 'maturity.summary.no-practice')
        : say(lang, 'maturity.summary.practices', {
            count: strong.length,
            shown,
            practices: strong.slice(0, 5).join(', '),
          }),
    gaps:
      gaps === ''
        ? say(lang, 'maturity.summary.no-gap')
        : left === 0
          ? say(lang, 'maturity.summary.gaps', { gaps })
          : say(lang, 'maturity.summary.open', { count: left, gaps }),
  };
}
