// Weaknesses found in what is said: named ones are `mentioned`, those that the subject brings along are `potential`.
import type { Domain } from '../../platform/documents/analysis.ts';
import type { IndexedCode } from '../knowledge/indexed-code.ts';
import type { Topic } from '../knowledge/knowledge.ts';
import type { IndexedPattern } from '../knowledge/pattern-index.ts';
import type { SeenPractice } from '../maturity/practices.ts';
import type { Hearing } from '../prose/hearing.ts';
import { isAbsent, isMissing } from '../prose/negation.ts';
import { type Hit, hitsOf, type Speech, type Spoken } from '../prose/spoken.ts';

export interface ProseFinding {
  topic: Topic;
  state: 'mentioned' | 'potential';
  messageIndex: number;
  line: number;
  excerpt: string;
  mitigatedBy?: { messageIndex: number; practice: string };
}

export interface ProseContext {
  topics: readonly Topic[];
  speech: Speech;
  hearing: Hearing;
  code: IndexedCode;
  practices: readonly SeenPractice[];
  /** Families of classes that code findings already prove: the words add nothing. */
  proved: ReadonlySet<string>;
}

export function findInProse(context: ProseContext): ProseFinding[] {
  const subjects = new Set<Domain>(context.practices.map(({ domain }) => domain));
  const findings: ProseFinding[] = [];
  const named = new Set<string>();
  for (const topic of context.topics) {
    if (topic.families.some((family) => context.proved.has(family))) named.add(topic.id);
    if (named.has(topic.id) || !concerns(topic, subjects)) continue;
    if (topic.unlessTopic?.some((id) => named.has(id)) === true) continue;
    const finding = mentioned(topic, context) ?? potential(topic, context);
    if (finding === null) continue;
    named.add(topic.id);
    findings.push(withMitigation(finding, context));
  }
  return findings;
}

function concerns(topic: Topic, subjects: ReadonlySet<Domain>): boolean {
  if (topic.onlyIn !== undefined && !topic.onlyIn.some((domain) => subjects.has(domain))) return false;
  return topic.notIn?.some((domain) => subjects.has(domain)) !== true;
}

function mentioned(topic: Topic, { hearing }: ProseContext): ProseFinding | null {
  const [hit] = hearing(topic);
  return hit === undefined ? null : at(topic, 'mentioned', hit);
}

function potential(topic: Topic, { speech, code, practices }: ProseContext): ProseFinding | null {
  const { potential: rule, whenPattern, whenInCode, alongsidePattern } = topic;
  if (rule === undefined || whenPattern === null || whenInCode === null) return null;
  // Some weaknesses are worth a word only where the talk comes near them.
  if (rule.needs !== undefined && !practices.some(({ practice }) => rule.needs?.includes(practice.id))) return null;
  if (!speech.worthTrying.has(whenPattern.index) && !code.has(whenInCode.index)) return null;
  if (alongsidePattern !== null && hitsOf(speech, alongsidePattern, () => true, 1).length === 0) return null;
  const stated = ({ folded }: Spoken, place: number) => !isMissing(folded, place) && !isAbsent(folded, place);
  const [hit] = hitsOf(speech, whenPattern, stated, 1);
  return hit === undefined ? written(topic, whenInCode, code) : at(topic, 'potential', hit);
}

function written(topic: Topic, { regex, index }: IndexedPattern, code: IndexedCode): ProseFinding | null {
  for (const { block } of code.get(index) ?? []) {
    const match = regex.exec(block.text);
    if (match === null) continue;
    const line = block.text.slice(0, match.index).split('\n').length;
    const excerpt = (block.text.split('\n')[line - 1] ?? '').trim().slice(0, 240);
    return { topic, state: 'potential', messageIndex: block.messageIndex, line: block.messageLine + line - 1, excerpt };
  }
  return null;
}

function at(topic: Topic, state: ProseFinding['state'], hit: Hit): ProseFinding {
  return { topic, state, messageIndex: hit.message.index, line: hit.line, excerpt: hit.excerpt };
}

function withMitigation(finding: ProseFinding, { practices }: ProseContext): ProseFinding {
  const remedy = finding.topic.mitigatedBy
    .map((id) => practices.find(({ practice }) => practice.id === id))
    .find((practice) => practice !== undefined);
  const place = remedy?.evidence[0];
  if (remedy === undefined || place === undefined) return finding;
  return { ...finding, mitigatedBy: { messageIndex: place.messageIndex, practice: remedy.practice.id } };
}
