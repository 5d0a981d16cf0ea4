// How far each security domain is covered by a conversation, and why that is said.
import {
  type AnalysedConversation,
  type Domain,
  type DomainState,
  domains,
  type Finding,
} from '../../platform/documents/analysis.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import { say } from '../../platform/i18n/say.ts';
import { domainOf } from '../knowledge/domain-of.ts';
import { knowledge } from '../knowledge/knowledge.ts';
import type { SeenPractice } from './practices.ts';

type Domains = AnalysedConversation['domains'];
const slight = new Set(['medium', 'low', 'info']);
const openStates = new Set(['introduced', 'reintroduced', 'discussed']);

export function domainsOf(findings: readonly Finding[], practices: readonly SeenPractice[], lang: Lang): Domains {
  const told = Map.groupBy(
    findings.filter(({ state }) => state !== 'example'),
    domainOfFinding,
  );
  const own = Map.groupBy(practices, ({ domain }) => domain);
  const near = practices.filter(({ practice }) => practice.also !== undefined && practice.minor !== true);
  return Object.fromEntries(
    domains.map((domain) => [domain, domainState(domain, told.get(domain) ?? [], own.get(domain) ?? [], near, lang)]),
  ) as Domains;
}

/** Asked for each domain and each advice. */
const known = new WeakMap<Finding, Domain | null>();

export function domainOfFinding(finding: Finding): Domain | null {
  let domain = known.get(finding);
  if (domain === undefined) {
    domain = findDomain(finding);
    known.set(finding, domain);
  }
  return domain;
}

/** What was said keeps the domain of its topic; code has that of its weakness class. */
function findDomain({ rule, cwe }: Finding): Domain | null {
  if (rule.startsWith('secrets.')) return 'secrets';
  const topic = knowledge().topics.find(({ id }) => rule === `topics.${id}`);
  const domain = topic?.domain ?? domainOf(cwe);
  // What a container file does wrong is a matter of containers unless it has a name of its own.
  const vague = domain === null || domain === 'compliance' || domain === 'api' || domain === 'authentication';
  return vague && rule.startsWith('containers.') ? 'containers' : domain;
}

function domainState(
  domain: Domain,
  here: readonly Finding[],
  named: readonly SeenPractice[],
  serving: readonly SeenPractice[],
  lang: Lang,
): Domains[Domain] {
  const own = named.filter(({ practice }) => practice.minor !== true);
  // What nobody named and only might be weighs nothing against much that is done.
  const provided = own.filter(({ depth }) => depth === 'shown').length >= 3 || own.length >= 5;
  const open = here.filter(({ state }) => openStates.has(state));
  const grave = open.filter(({ severity }) => !provided || !slight.has(severity));
  const unanswered = here.filter(
    ({ state, mitigatedBy, severity }) =>
      (state === 'mentioned' || (state === 'potential' && !provided)) &&
      mitigatedBy === undefined &&
      severity !== 'low' &&
      severity !== 'info',
  );
  const near = serving.filter(({ practice }) => practice.also?.includes(domain) === true);
  const touched = named.length > 0 || here.length > 0;
  const state = decide({
    own,
    near: near.length,
    open: grave.length,
    unanswered: unanswered.length,
    answered: here.length - open.length - unanswered.length,
    touched,
  });
  const titles = (own.length > 0 ? own : near).map(({ practice }) => practice[lang].title);
  const weak = [...open, ...unanswered].map(({ title }) => title);
  const through = () =>
    say(lang, 'maturity.domain.near', {
      practices: near.map(({ practice }) => quoted(practice[lang].title, lang)).join(', '),
    });
  const said =
    own.length === 0 && near.length > 0 && weak.length === 0 ? through() : because(state, titles, weak, lang);
  return { state, because: said, evidence: evidence([...own, ...near], here) };
}

function quoted(title: string, lang: Lang): string {
  return lang === 'fr' ? `«\u00a0${title}\u00a0»` : `“${title}”`;
}

interface Counts {
  own: readonly SeenPractice[];
  near: number;
  open: number;
  unanswered: number;
  answered: number;
  touched: boolean;
}

function decide({ own, near, open, unanswered, answered, touched }: Counts): DomainState {
  const strong = own.length >= 2 || own.some(({ depth }) => depth === 'shown') || (own.length === 1 && answered > 0);
  if (strong && open === 0 && unanswered === 0) return 'covered';
  if (own.length > 0 || near > 0) return 'partial';
  return touched || open > 0 ? 'absent' : 'not-applicable';
}

function because(state: DomainState, named: readonly string[], weak: readonly string[], lang: Lang): string {
  const practices = [...new Set(named)].join(', ');
  const weaknesses = [...new Set(weak)].join(', ');
  if (state === 'not-applicable') return say(lang, 'maturity.domain.not-applicable');
  if (practices === '')
    return weaknesses === ''
      ? say(lang, 'maturity.domain.untouched')
      : say(lang, 'maturity.domain.weak', { weaknesses });
  if (weaknesses === '') return say(lang, 'maturity.domain.practices', { practices });
  return say(lang, 'maturity.domain.both', { practices, weaknesses });
}

/** Ids of findings and places of practices. */
function evidence(practices: readonly SeenPractice[], findings: readonly Finding[]): string[] {
  const places = practices.flatMap(({ practice, evidence }) =>
    evidence.slice(0, 1).map((at) => `${practice.id}@${at.messageIndex}`),
  );
  return [...places, ...findings.map(({ id }) => id)];
}
