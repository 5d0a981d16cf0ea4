// Puts the findings of one conversation together: code, containers, secrets and prose, each with its life and its words.
import { hash } from 'node:crypto';
import type { Confidence, Finding, Severity } from '../../platform/documents/analysis.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { Language } from '../../platform/inspection/ast/languages.ts';
import type { CodeMatch } from '../../platform/inspection/code-rules/inspect-code.ts';
import { isPlaceholder } from '../../platform/inspection/placeholders.ts';
import type { SecretScanner } from '../../platform/inspection/secrets.ts';
import type { CodeBlock, Conversation } from '../conversation.ts';
import { linesOf } from '../extract/lines-of.ts';
import { familyOf, sharesFamily } from '../knowledge/cwe-family.ts';
import type { IndexedCode } from '../knowledge/indexed-code.ts';
import { knowledge } from '../knowledge/knowledge.ts';
import type { SeenPractice } from '../maturity/practices.ts';
import { hearingOf } from '../prose/hearing.ts';
import type { Speech } from '../prose/spoken.ts';
import { type Life, type Located, livesOf } from '../thread/lives.ts';
import { findInContainers, isContainerFile } from './containers.ts';
import { inspected } from './inspected.ts';
import { afterLeak } from './leaked-life.ts';
import { findInProse, type ProseFinding } from './prose.ts';
import { secretWords } from './secret-words.ts';
import { type FoundSecret, withoutSecrets } from './secrets.ts';
import { remediesIn, spokenAfter } from './spoken-after.ts';
import { stitchedMatches } from './stitched.ts';

type Words = Pick<Finding, 'title' | 'explanation' | 'exploitation' | 'fix'>;
type Draft = Omit<Finding, 'id' | 'fingerprint'>;

interface CodeWeakness extends Located, Pick<Finding, 'owasp' | 'severity' | 'confidence'> {
  words: Words;
  /** A practice whose absence it is. */
  lacks: string | null;
}

export interface Material {
  conversation: Conversation;
  blocks: readonly CodeBlock[];
  /** The same blocks, by the patterns worth trying. */
  code: IndexedCode;
  speech: Speech;
  practices: readonly SeenPractice[];
  secrets: readonly FoundSecret[];
  scanner: SecretScanner;
  lang: Lang;
}

const ranks: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];
const surest: readonly Confidence[] = ['certain', 'probable', 'to-verify'];
const excerptLines = 12;
const languagesWithoutRules = new Set(['unknown']);

/** Explicit findings before spoken ones, the gravest first, then in the order of the thread; `number` is the conversation's, from 1. */
export function findingsOf(material: Material, number: number): Finding[] {
  const together = stitchedMatches(material.blocks);
  const code = material.blocks.flatMap((block) => weaknessesIn(block, material, together.get(block) ?? []));
  const hearing = hearingOf(material.speech);
  const remedies = code.length === 0 ? [] : remediesIn(material.practices, material.conversation);
  const lives = livesOf(material.blocks, code, (cwe, block) => spokenAfter(cwe, block, hearing, remedies));
  // A secret that the assistant writes into a program or an image is a weakness of it, and the code rule says so better. In
  // a command line a key stands for the reader's own.
  const inCode = (secret: FoundSecret) =>
    secret.kind === 'made-up' &&
    lives.some(
      ({ found }) => coincide(secret, found) && (secret.rule.startsWith('generic-') || found.block.language !== 'bash'),
    );
  const secrets = material.secrets.filter((secret) => !inCode(secret));
  const lacking = new Set<string>();
  const fromCode = lives.filter(({ found }) => {
    if (secrets.some((secret) => coincide(secret, found))) return false;
    // What fragments leave out is worth saying once.
    if (found.lacks !== null && lacking.has(found.rule)) return false;
    if (found.lacks !== null) lacking.add(found.rule);
    return true;
  });
  const proved = new Set(
    lives.filter(({ state }) => state !== 'example').flatMap(({ found }) => found.cwe.map(familyOf)),
  );
  const prose = findInProse({ ...material, hearing, topics: knowledge().topics, proved });
  const drafts = [
    ...fromCode.map((life) => fromLife(life, material)),
    ...secrets.map((secret) => fromSecret(secret, material)),
    ...prose.map((finding) => fromProse(finding, material)),
  ];
  return drafts
    .sort(inOrder)
    .map((draft, index) => ({ id: `F-${number}-${index + 1}`, ...draft, fingerprint: fingerprint(draft) }));
}

/** One weakness per line and family of classes: the gravest, of equals the surest. */
function weaknessesIn(block: CodeBlock, material: Material, more: readonly CodeMatch[]): CodeWeakness[] {
  const kept: CodeWeakness[] = [];
  for (const found of allWeaknessesIn(block, material, more)) {
    if (isStandIn(found, block, material.scanner)) continue;
    const same = kept.findIndex((other) => other.line === found.line && sharesFamily(other.cwe, found.cwe));
    if (same < 0) kept.push(found);
    else if (outranks(found, kept[same] as CodeWeakness)) kept[same] = found;
  }
  return kept;
}

function outranks(one: CodeWeakness, other: CodeWeakness): boolean {
  const bySeverity = ranks.indexOf(one.severity) - ranks.indexOf(other.severity);
  return bySeverity !== 0 ? bySeverity < 0 : surest.indexOf(one.confidence) < surest.indexOf(other.confidence);
}

/** A hard-coded secret that nobody could use: what stands in its line is a stand-in. */
function isStandIn({ cwe, line }: CodeWeakness, block: CodeBlock, scanner: SecretScanner): boolean {
  if (!cwe.includes('CWE-798')) return false;
  const text = block.text.split('\n')[line - 1] ?? '';
  const hits = scanner.find(text);
  if (hits.length > 0) return hits.every(({ placeholder }) => placeholder);
  const values = [...text.matchAll(/["'`]([^"'`]{4,})["'`]|[=:]\s*([^\s"'`]{4,})\s*$/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
  return values.length > 0 && isPlaceholder(values.at(-1) ?? '');
}

function allWeaknessesIn(block: CodeBlock, { lang }: Material, more: readonly CodeMatch[]): CodeWeakness[] {
  if (!isContainerFile(block)) return languagesWithoutRules.has(block.language) ? [] : byCodeRules(block, lang, more);
  const byContainerRules = findInContainers(block, lang).map(({ title, explanation, exploitation, fix, ...found }) => ({
    ...found,
    block,
    excerpt: excerptOf(block.text, found.line, found.line),
    words: { title, explanation, exploitation, fix },
  }));
  return [...byContainerRules, ...byCodeRules(block, lang, more)];
}

function byCodeRules(block: CodeBlock, lang: Lang, more: readonly CodeMatch[]): CodeWeakness[] {
  return [...inspected(block.language as Language, block.text), ...more].map(({ rule, line, endLine }) => ({
    block,
    rule: rule.id,
    cwe: rule.cwe,
    owasp: [...rule.owasp],
    severity: rule.severity,
    confidence: rule.confidence,
    line,
    excerpt: excerptOf(block.text, line, endLine),
    words: {
      title: rule.title[lang],
      explanation: rule.explanation[lang],
      exploitation: rule.exploitation[lang],
      fix: rule.fix[lang],
    },
    lacks: null,
  }));
}

function excerptOf(text: string, line: number, endLine: number): string {
  const last = Math.min(Math.max(line, endLine), line + excerptLines - 1);
  const lines = linesOf(text).slice(line - 1, last);
  const indent = Math.min(
    ...lines.filter((one) => one.trim() !== '').map((one) => one.length - one.trimStart().length),
  );
  return lines
    .map((one) => one.slice(Number.isFinite(indent) ? indent : 0).slice(0, 300))
    .join('\n')
    .trimEnd();
}

function coincide(secret: FoundSecret, found: Located): boolean {
  return (
    found.cwe.includes('CWE-798') &&
    secret.messageIndex === found.block.messageIndex &&
    secret.line === found.block.messageLine + found.line - 1
  );
}

function fromLife({ found, state, life }: Life<CodeWeakness>, material: Material): Draft {
  const remedy =
    found.lacks === null ? undefined : material.practices.find(({ practice }) => practice.id === found.lacks);
  const place = remedy?.evidence[0];
  return {
    rule: found.rule,
    cwe: [...found.cwe],
    owasp: found.owasp,
    ...found.words,
    severity: found.severity,
    confidence: found.confidence,
    language: found.block.language,
    messageIndex: found.block.messageIndex,
    author: found.block.author,
    branch: found.block.branch,
    line: found.line,
    block: blockNumber(found.block, material.blocks),
    excerpt: withoutSecrets(found.excerpt, material.scanner),
    // What a fragment leaves out may stand elsewhere.
    state: found.lacks !== null && state === 'introduced' ? 'potential' : state,
    life: [...life],
    ...(remedy !== undefined &&
      place !== undefined && { mitigatedBy: { messageIndex: place.messageIndex, practice: remedy.practice.id } }),
  };
}

/** The two states of a diff are one block to its reader. */
function blockNumber(block: CodeBlock, blocks: readonly CodeBlock[]): number {
  const lines = blocks.filter(({ messageIndex }) => messageIndex === block.messageIndex).map((one) => one.messageLine);
  return [...new Set(lines)].indexOf(block.messageLine) + 1;
}

function fromSecret(secret: FoundSecret, { lang, speech, practices }: Material): Draft {
  const after = secret.kind === 'leaked' ? afterLeak(secret, speech.said, practices) : [];
  const { rule, severity, confidence, messageIndex, author, branch, line, excerpt } = secret;
  return {
    rule: `secrets.${rule}`,
    cwe: secret.kind === 'leaked' ? ['CWE-522', 'CWE-798'] : ['CWE-798'],
    owasp: ['A07:2021', 'LLM02:2025'],
    ...secretWords(secret, lang),
    severity,
    confidence,
    language: 'text',
    messageIndex,
    author,
    branch,
    line,
    excerpt,
    state: secret.kind === 'leaked' ? (after.at(-1)?.event ?? 'introduced') : 'example',
    life: [{ event: 'introduced', messageIndex, author }, ...after],
  };
}

function fromProse(finding: ProseFinding, { lang, conversation, scanner }: Material): Draft {
  const { topic, state, messageIndex, line, excerpt, mitigatedBy } = finding;
  const message = conversation.messages.find(({ index }) => index === messageIndex);
  return {
    rule: `topics.${topic.id}`,
    cwe: topic.cwe,
    owasp: topic.owasp,
    ...topic[lang],
    severity: topic.severity,
    confidence: 'probable',
    language: 'prose',
    messageIndex,
    author: message?.author ?? 'assistant',
    branch: message?.branch ?? 'main',
    line,
    excerpt: withoutSecrets(excerpt, scanner),
    state,
    life: [],
    ...(mitigatedBy !== undefined && { mitigatedBy }),
  };
}

const spokenStates = new Set(['mentioned', 'potential', 'example']);

function inOrder(a: Draft, b: Draft): number {
  return (
    Number(spokenStates.has(a.state)) - Number(spokenStates.has(b.state)) ||
    ranks.indexOf(a.severity) - ranks.indexOf(b.severity) ||
    a.messageIndex - b.messageIndex ||
    a.line - b.line ||
    (a.rule < b.rule ? -1 : Number(a.rule > b.rule))
  );
}

/** The same for the same snippet under the same rule, whatever its layout. */
function fingerprint({ rule, excerpt }: Draft): string {
  return hash('sha256', `${rule}\n${excerpt.replace(/\s+/g, ' ').trim()}`, 'hex');
}
