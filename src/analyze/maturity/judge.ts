// The judgement on one conversation: score, what it rests on, what it would be, what to do next, and a summary in three points.
import type { Advice, AnalysedConversation, Domain, Finding, Maturity } from '../../platform/documents/analysis.ts';
import { type Lang, say } from '../../platform/i18n/say.ts';
import { familyOf } from '../knowledge/cwe-family.ts';
import type { AdviceRule } from '../knowledge/knowledge.ts';
import { domainOfFinding } from './domains.ts';
import type { SeenPractice } from './practices.ts';
import { type Practised, score, type Weighed } from './score.ts';

type Domains = AnalysedConversation['domains'];
const open = new Set(['introduced', 'reintroduced', 'discussed']);
const ranks = ['critical', 'high', 'medium', 'low', 'info'];
const mostAdvice = 8;
const mostPerDomain = 3;

export interface Judged {
  findings: readonly Finding[];
  practices: readonly SeenPractice[];
  domains: Domains;
  lang: Lang;
}

export function maturityOf({ findings, practices, domains, lang }: Judged): Maturity {
  if (findings.length === 0 && practices.length === 0)
    return { score: null, outOf: 10, because: { strengths: [], gaps: [] }, wouldBe: [] };
  const practised = practices.map(({ depth, practice }): Practised => ({ depth, minor: practice.minor === true }));
  const now = score(findings.map(weighed), practised);
  const strengths = strengthsOf(findings, practices, lang);
  const gaps = gapsOf(findings, domains, lang);
  const few = practices.filter(isProper).length;
  if (gaps.length === 0 && now < 8) gaps.push(say(lang, 'maturity.gap.few', { count: few }));
  return { score: now, outOf: 10, because: { strengths, gaps }, wouldBe: wouldBe(findings, practised, now) };
}

function isProper({ practice }: SeenPractice): boolean {
  return practice.minor !== true;
}

function strengthsOf(findings: readonly Finding[], practices: readonly SeenPractice[], lang: Lang): string[] {
  const done = practices.filter(isProper).map(({ practice, depth }) => {
    const { title } = practice[lang];
    return depth === 'shown' ? say(lang, 'maturity.strength.shown', { title }) : title;
  });
  const fixed = findings.filter(({ state }) => state === 'fixed');
  if (fixed.length === 0) return done;
  const titles = [...new Set(fixed.map(({ title }) => title))].join(', ');
  const form = fixed.length === 1 ? ('one' as const) : ('many' as const);
  return [...done, say(lang, `maturity.strength.fixed.${form}`, { count: fixed.length, titles })];
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
  const all = Object.keys(domains) as Domain[];
  const absent = all
    .filter((domain) => domains[domain].state === 'absent')
    .map((domain) => gap('absent', domain, lang));
  const partial = all
    .filter((domain) => domains[domain].state === 'partial')
    .map((domain) => gap('partial', domain, lang));
  return [...new Set([...opened, ...unanswered, ...absent, ...partial])];
}

/** Two dozen sentences, said of each conversation. */
const gaps = new Map<string, string>();

function gap(state: 'absent' | 'partial', domain: Domain, lang: Lang): string {
  const key = `${lang} ${state} ${domain}`;
  let said = gaps.get(key);
  if (said === undefined) {
    said = say(lang, `maturity.gap.${state}`, { domain: say(lang, `analyze.domain.${domain}`) });
    gaps.set(key, said);
  }
  return said;
}

/** Advice of the domains that the conversation concerns: what is open first, then what is missing, then what is thin. */
export function adviceFor({ findings, practices, domains, lang }: Judged, rules: readonly AdviceRule[]): Advice[] {
  if (findings.length === 0 && practices.length === 0) return [];
  const seen = new Set(practices.map(({ practice }) => practice.id));
  const classes = new Set(findings.filter(({ state }) => state !== 'example').flatMap(({ cwe }) => cwe));
  const left = findings.filter(({ state }) => open.has(state));
  const urgent = ({ whenRule }: AdviceRule) =>
    whenRule !== undefined && left.some(({ rule }) => rule.startsWith(whenRule));
  const need = { absent: 0, partial: 1, covered: 2, 'not-applicable': 3 };
  const gravest = new Map<Domain | null, number>();
  for (const finding of left) {
    const domain = domainOfFinding(finding);
    gravest.set(domain, Math.min(ranks.indexOf(finding.severity), gravest.get(domain) ?? ranks.length));
  }
  const rank = (rule: AdviceRule) => {
    if (urgent(rule)) return -10;
    const worst = gravest.get(rule.domain);
    if (worst !== undefined) return worst - ranks.length;
    return rule.always === true ? 2.5 : need[domains[rule.domain].state];
  };
  const isGiven = (rule: AdviceRule) =>
    (rule.always === true || domains[rule.domain].state !== 'not-applicable') &&
    !rule.unless.some((id) => seen.has(id)) &&
    (rule.whenPractice === undefined || rule.whenPractice.some((id) => seen.has(id))) &&
    (rule.whenFinding === undefined || rule.whenFinding.some((cwe) => classes.has(cwe))) &&
    (rule.whenRule === undefined || urgent(rule));
  const ordered = rules
    .filter(isGiven)
    .map((rule, index) => ({ rule, index, rank: rank(rule) }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map(({ rule }) => rule);
  const perDomain = new Map<Domain, number>();
  return ordered
    .filter(({ domain }) => {
      const before = perDomain.get(domain) ?? 0;
      perDomain.set(domain, before + 1);
      return before < mostPerDomain;
    })
    .slice(0, mostAdvice)
    .map((rule) => ({ domain: rule.domain, ...rule[lang], tools: rule.tools }));
}
