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
  const told = new Map<Domain | null, Finding[]>();
  for (const finding of findings) if (finding.state !== 'example') listed(told, domainOfFinding(finding), finding);
  const own = new Map<Domain, SeenPractice[]>();
  const near = new Map<Domain, SeenPractice[]>();
  for (const seen of practices) {
    listed(own, seen.domain, seen);
    if (seen.practice.minor !== true) for (const domain of new Set(seen.practice.also)) listed(near, domain, seen);
  }
  const states: Partial<Domains> = {};
  for (const domain of domains)
    states[domain] = domainState(told.get(domain) ?? [], own.get(domain) ?? [], near.get(domain) ?? [], lang);
  return states as Domains;
}

function listed<Key, One>(lists: Map<Key, One[]>, key: Key, one: One): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [one]);
  else list.push(one);
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

let topicDomains: Map<string, Domain> | undefined;

/** What was said keeps the domain of its topic; code has that of its weakness class. */
function findDomain({ rule, cwe }: Finding): Domain | null {
  if (rule.startsWith('secrets.')) return 'secrets';
  topicDomains ??= new Map(knowledge().topics.map((topic) => [`topics.${topic.id}`, topic.domain]));
  const domain = topicDomains.get(rule) ?? domainOf(cwe);
  // What a container file does wrong is a matter of containers unless it has a name of its own.
  const vague = domain === null || domain === 'compliance' || domain === 'api' || domain === 'authentication';
  return vague && rule.startsWith('containers.') ? 'containers' : domain;
}

/** Each domain of each conversation: one loop, where a chain of filters took 0.2 s of a compiler thread. */
function domainState(
  here: readonly Finding[],
  named: readonly SeenPractice[],
  near: readonly SeenPractice[],
  lang: Lang,
): Domains[Domain] {
  if (here.length === 0 && named.length === 0 && near.length === 0)
    return { state: 'not-applicable', because: say(lang, 'maturity.domain.not-applicable'), evidence: [] };
  const own: SeenPractice[] = [];
  let shown = 0;
  for (const seen of named) {
    if (seen.practice.minor === true) continue;
    own.push(seen);
    if (seen.depth === 'shown') shown++;
  }
  // What nobody named and only might be weighs nothing against much that is done.
  const provided = shown >= 3 || own.length >= 5;
  const open: string[] = [];
  const unanswered: string[] = [];
  let grave = 0;
  for (const finding of here) {
    if (openStates.has(finding.state)) {
      open.push(finding.title);
      if (!provided || !slight.has(finding.severity)) grave++;
    } else if (isUnanswered(finding, provided)) unanswered.push(finding.title);
  }
  const state = decide({
    own: own.length,
    shown,
    near: near.length,
    open: grave,
    unanswered: unanswered.length,
    answered: here.length - open.length - unanswered.length,
    touched: named.length > 0 || here.length > 0,
  });
  const weak = [...open, ...unanswered];
  const said =
    own.length === 0 && near.length > 0 && weak.length === 0
      ? through(near, lang)
      : because(state, own.length > 0 ? own : near, weak, lang);
  return { state, because: said, evidence: evidence(own, near, here) };
}

function isUnanswered({ state, mitigatedBy, severity }: Finding, provided: boolean): boolean {
  return (
    (state === 'mentioned' || (state === 'potential' && !provided)) &&
    mitigatedBy === undefined &&
    severity !== 'low' &&
    severity !== 'info'
  );
}

function through(near: readonly SeenPractice[], lang: Lang): string {
  const practices = near.map(({ practice }) => quoted(practice[lang].title, lang)).join(', ');
  return say(lang, 'maturity.domain.near', { practices });
}

function quoted(title: string, lang: Lang): string {
  return lang === 'fr' ? `«\u00a0${title}\u00a0»` : `“${title}”`;
}

interface Counts {
  own: number;
  /** Of its own, those that code shows. */
  shown: number;
  near: number;
  open: number;
  unanswered: number;
  answered: number;
  touched: boolean;
}

function decide({ own, shown, near, open, unanswered, answered, touched }: Counts): DomainState {
  const strong = own >= 2 || shown > 0 || (own === 1 && answered > 0);
  if (strong && open === 0 && unanswered === 0) return 'covered';
  if (own > 0 || near > 0) return 'partial';
  return touched || open > 0 ? 'absent' : 'not-applicable';
}

function because(state: DomainState, named: readonly SeenPractice[], weak: readonly string[], lang: Lang): string {
  const practices = [...new Set(named.map(({ practice }) => practice[lang].title))].join(', ');
  const weaknesses = [...new Set(weak)].join(', ');
  if (state === 'not-applicable') return say(lang, 'maturity.domain.not-applicable');
  if (practices === '')
    return weaknesses === ''
      ? say(lang, 'maturity.domain.untouched')
      : say(lang, 'maturity.domain.weak', { weaknesses });
  if (weaknesses === '') return say(lang, 'maturity.domain.practices', { practices });
  return say(lang, 'maturity.domain.both', { practices, weaknesses });
}

/** Places of practices and ids of findings. */
function evidence(own: readonly SeenPractice[], near: readonly SeenPractice[], findings: readonly Finding[]): string[] {
  const places: string[] = [];
  for (const practices of [own, near]) {
    for (const { practice, evidence } of practices) {
      const at = evidence[0];
      if (at !== undefined) places.push(`${practice.id}@${at.messageIndex}`);
    }
  }
  for (const { id } of findings) places.push(id);
  return places;
}
