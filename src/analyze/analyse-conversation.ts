// One conversation judged: what its code, its words and its secrets show, what is done well, and what follows from both.
import type { AnalysedConversation, GoodPractice } from '../platform/documents/analysis.ts';
import { type Lang, say } from '../platform/i18n/say.ts';
import { createSecretScanner, type SecretScanner } from '../platform/inspection/secrets.ts';
import type { AnalysisContext } from './analysis-context.ts';
import type { CodeBlock, Conversation } from './conversation.ts';
import { extractCode } from './extract/extract-code.ts';
import { partlyParsed } from './extract/partly-parsed.ts';
import { mostMessageChars, type WithinReach, withinReach } from './extract/within-reach.ts';
import { findingsOf } from './findings/assemble.ts';
import { type FoundSecret, secretsIn, withoutSecrets } from './findings/secrets.ts';
import { indexed } from './knowledge/indexed-code.ts';
import { knowledge } from './knowledge/knowledge.ts';
import { domainsOf } from './maturity/domains.ts';
import { adviceFor, maturityOf } from './maturity/judge.ts';
import { practicesIn, type SeenPractice } from './maturity/practices.ts';
import { summaryOf } from './maturity/summary.ts';
import { isTechnical } from './prose/is-technical.ts';
import { type Speech, silence, speechOf } from './prose/spoken.ts';
import { statisticsOf } from './statistics.ts';
import { withDiffsRead } from './thread/diffs.ts';
import { countTokens, type TokenCount } from './tokens.ts';

let scanner: SecretScanner | undefined;

/** What goes through every character of a conversation finds. */
export interface Looks extends WithinReach {
  tokens: TokenCount;
  extracted: CodeBlock[];
  speech: Speech;
  secrets: FoundSecret[];
}

/**
 * One look after the other for all conversations: its tables are then in the processor's cache, where they would drive each
 * other out within one conversation. `at` is told which one it is at, each time.
 */
export function looksAt(given: readonly Conversation[], at: (index: number) => void = () => {}): Looks[] {
  scanner ??= createSecretScanner();
  const finder = scanner;
  const each = <From, To>(list: readonly From[], look: (one: From) => To): To[] =>
    list.map((one, index) => {
      at(index);
      return look(one);
    });
  const tokens = each(given, countTokens);
  const within = each(given, (conversation) => withinReach(conversation));
  const extracted = each(within, ({ conversation }) => extractCode(conversation));
  const speech = each(within, ({ conversation }) => speechOf(conversation));
  const secrets = each(within, ({ conversation }) => secretsIn(conversation, finder));
  return within.map((one, i) => ({
    ...one,
    tokens: tokens[i]!,
    extracted: extracted[i]!,
    speech: speech[i]!,
    secrets: secrets[i]!,
  }));
}

/** Pure: the same conversation and context give the same document. `number` is its place in the input, from 1. */
export function analyseConversation(
  given: Conversation,
  { lang }: AnalysisContext,
  number: number,
  looks = looksAt([given])[0]!,
): AnalysedConversation {
  scanner ??= createSecretScanner();
  const known = knowledge();
  const { conversation, cut, extracted, secrets, tokens } = looks;
  const { blocks, old } = withDiffsRead(extracted);
  // Whoever sends a key talks of technical things, however few the words.
  const leaks = secrets.some(({ kind }) => kind === 'leaked');
  const speech = leaks || isTechnical(looks.speech.said, extracted.length) ? looks.speech : silence;
  const code = indexed(blocks);
  const practices = practicesIn(known.practices, speech, code, old);
  const findings = findingsOf({ conversation, blocks, code, speech, practices, secrets, scanner, lang }, number);
  const domains = domainsOf(findings, practices, lang);
  const judged = { findings, practices, domains, lang };
  const maturity = maturityOf(judged);
  const recommendations = adviceFor(judged, known.advice);
  const title = conversation.title?.trim() ?? '';
  const shown = masker(scanner);
  return {
    id: conversation.id,
    title: title === '' ? say(lang, 'analyze.untitled') : withoutSecrets(title, scanner),
    source: conversation.source,
    format: conversation.format,
    models: [...new Set(conversation.messages.flatMap(({ model }) => (model === null ? [] : [model])))],
    tokens,
    status: 'ok',
    statistics: statisticsOf(conversation, extracted),
    findings: [...findings],
    goodPractices: practices.map((seen) => practiceOf(seen, lang, shown)),
    recommendations,
    maturity,
    domains,
    summary: summaryOf(judged, recommendations),
    unread: conversation.unread,
    partiallyParsed: [...cut.map((one) => readInPart(one, lang)), ...partlyParsed(extracted, lang)],
  };
}

function readInPart({ messageIndex, length }: WithinReach['cut'][number], lang: Lang) {
  const why = say(lang, 'text.partial.long', { count: length, most: mostMessageChars });
  return { messageIndex, language: 'text', why };
}

/** One line shows several practices. */
function masker(finder: SecretScanner): (text: string) => string {
  const masked = new Map<string, string>();
  return (text) => {
    const known = masked.get(text) ?? withoutSecrets(text, finder);
    masked.set(text, known);
    return known;
  };
}

function practiceOf(
  { practice, evidence, example, domain }: SeenPractice,
  lang: 'en' | 'fr',
  shown: (text: string) => string,
): GoodPractice {
  return {
    id: practice.id,
    title: practice[lang].title,
    domain,
    evidence: evidence.map((place) => ({ ...place, excerpt: shown(place.excerpt) })),
    example: shown(example),
    benefit: practice[lang].benefit,
    caveat: practice[lang].caveat,
  };
}
