// Which good practices a conversation shows in code or names in words, with the places that prove it.
import type { Domain } from '../../platform/documents/analysis.ts';
import type { CodeBlock } from '../conversation.ts';
import type { IndexedCode } from '../knowledge/indexed-code.ts';
import type { Practice } from '../knowledge/knowledge.ts';
import { type IndexedPattern, nextMatch } from '../knowledge/pattern-index.ts';
import { isAsked, isDeniedWithin, isMissing, isOwnPractice } from '../prose/negation.ts';
import { hitsOf, type Speech, type Spoken } from '../prose/spoken.ts';
import { isBadExample } from '../thread/bad-example.ts';

export interface Evidence {
  messageIndex: number;
  line: number;
  excerpt: string;
}
export interface SeenPractice {
  practice: Practice;
  domain: Domain;
  /** `shown` in code, or only `named`. */
  depth: 'shown' | 'named';
  evidence: Evidence[];
  /** Where it is named, whether or not it is shown too. */
  named: Evidence[];
  /** The line of code that shows it; empty when it is only named. */
  example: string;
}

const places = 3;
/** A function that carries the name of a protection is not yet one. */
const definition = /\b(?:def|function|func|fun|class)\s+$/;

export function practicesIn(
  practices: readonly Practice[],
  speech: Speech,
  code: IndexedCode,
  /** Blocks that show how it was before. */
  old: ReadonlySet<CodeBlock> = new Set(),
): SeenPractice[] {
  const seen: SeenPractice[] = [];
  for (const practice of practices) {
    const { codePattern, saidPattern, domain } = practice;
    const inCode = codePattern !== null && code.has(codePattern.index);
    const inWords = saidPattern !== null && speech.worthTrying.has(saidPattern.index);
    if (!inCode && !inWords) continue;
    const shown = inCode ? shownIn(code, codePattern, old) : [];
    const named = inWords ? namedIn(speech, saidPattern) : [];
    const evidence = [...shown, ...named].slice(0, places);
    if (evidence.length === 0) continue;
    const depth = shown.length > 0 ? 'shown' : 'named';
    seen.push({ practice, domain, depth, evidence, named, example: shown[0]?.excerpt ?? '' });
  }
  return seen;
}

function namedIn(speech: Speech, pattern: IndexedPattern): Evidence[] {
  return hitsOf(speech, pattern, isPractised, places).map(({ message, line, excerpt }) => ({
    messageIndex: message.index,
    line,
    excerpt,
  }));
}

/** What an assistant says counts as advice; what a user says only where it is what they do. */
function isPractised({ message, folded }: Spoken, at: number, met: string): boolean {
  if (isMissing(folded, at) || isDeniedWithin(met) || isAsked(folded, at)) return false;
  return message.author !== 'user' || isOwnPractice(folded, at);
}

function shownIn(code: IndexedCode, pattern: IndexedPattern, old: ReadonlySet<CodeBlock>): Evidence[] {
  const found: Evidence[] = [];
  for (const { block, mask } of code.get(pattern.index) ?? []) {
    if (old.has(block)) continue;
    const place = shownInBlock(block, pattern, mask);
    if (place !== null) found.push(place);
    if (found.length >= places) break;
  }
  return found;
}

/** The first place that is neither a comment nor shown as a warning. */
function shownInBlock(block: CodeBlock, pattern: IndexedPattern, mask: number): Evidence | null {
  let from = 0;
  for (let tried = 0; tried < 20; tried++) {
    const match = nextMatch(pattern, mask, block.text, from);
    if (match === null) return null;
    from = match.index + Math.max(1, match[0].length);
    // A pattern with ^\s* may begin on the line before.
    const start = match.index + (/^\s*/.exec(match[0])?.[0].length ?? 0);
    const before = block.text.slice(0, start);
    const line = before.split('\n').length;
    const excerpt = block.text.slice(before.lastIndexOf('\n') + 1).split('\n')[0] ?? '';
    if (isCommented(excerpt) || definition.test(before) || isBadExample(block, line)) continue;
    return {
      messageIndex: block.messageIndex,
      line: block.messageLine + line - 1,
      excerpt: excerpt.trim().slice(0, 240),
    };
  }
  return null;
}

function isCommented(line: string): boolean {
  return /^\s*(#(?!!)|\/\/|\*|--)\s/.test(line);
}
