// Which good practices a conversation shows in code or names in words, with the places that prove it.
import type { Domain } from '../../platform/documents/analysis.ts';
import type { IndexedBlock } from '../knowledge/indexed-block.ts';
import type { Practice } from '../knowledge/knowledge.ts';
import type { IndexedPattern } from '../knowledge/pattern-index.ts';
import { isAsked, isMissing } from '../prose/negation.ts';
import { hitsOf, type Spoken } from '../prose/spoken.ts';

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
  /** The line of code that shows it; empty when it is only named. */
  example: string;
}

const places = 3;

export function practicesIn(
  practices: readonly Practice[],
  spoken: readonly Spoken[],
  blocks: readonly IndexedBlock[],
): SeenPractice[] {
  return practices.flatMap((practice) => {
    const shown = practice.codePattern === null ? [] : shownIn(blocks, practice.codePattern);
    const named = practice.saidPattern === null ? [] : namedIn(spoken, practice.saidPattern);
    const evidence = [...shown, ...named].slice(0, places);
    if (evidence.length === 0) return [];
    const depth = shown.length > 0 ? ('shown' as const) : ('named' as const);
    return [{ practice, domain: practice.domain, depth, evidence, example: shown[0]?.excerpt ?? '' }];
  });
}

function namedIn(spoken: readonly Spoken[], pattern: IndexedPattern): Evidence[] {
  const stated = ({ folded }: Spoken, at: number) => !isMissing(folded, at) && !isAsked(folded, at);
  return hitsOf(spoken, pattern, stated, places).map(({ message, line, excerpt }) => ({
    messageIndex: message.index,
    line,
    excerpt,
  }));
}

function shownIn(blocks: readonly IndexedBlock[], { regex, index }: IndexedPattern): Evidence[] {
  const found: Evidence[] = [];
  for (const { block, candidates } of blocks) {
    if (candidates[index] !== 1) continue;
    const at = block.text.search(regex);
    if (at < 0) continue;
    // A pattern with ^\s* may begin on the line before.
    const start = at + (block.text.slice(at).match(/^\s*/)?.[0].length ?? 0);
    const before = block.text.slice(0, start);
    const excerpt = block.text.slice(before.lastIndexOf('\n') + 1).split('\n')[0] ?? '';
    if (isCommented(excerpt)) continue;
    found.push({
      messageIndex: block.messageIndex,
      line: block.messageLine + before.split('\n').length - 1,
      excerpt: excerpt.trim().slice(0, 240),
    });
    if (found.length >= places) break;
  }
  return found;
}

function isCommented(line: string): boolean {
  return /^\s*(#(?!!)|\/\/|\*|--)\s/.test(line);
}
