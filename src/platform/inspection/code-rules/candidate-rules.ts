// Which rules are worth trying on a text: those of which a keyword occurs, found in one pass over all keywords of a language.
import { createKeywordAutomaton } from '../keyword-automaton.ts';
import type { Rule } from './rule-set.ts';

type Choose = (text: string) => Rule[];

const chooserOf = new WeakMap<readonly Rule[], Choose>();

/** Answers the rules in their own order; most blocks of ordinary prose or data keep none. */
export function candidateRules(rules: readonly Rule[], text: string): Rule[] {
  let choose = chooserOf.get(rules);
  if (choose === undefined) {
    choose = createChooser(rules);
    chooserOf.set(rules, choose);
  }
  return choose(text);
}

function createChooser(rules: readonly Rule[]): Choose {
  const words = [...new Set(rules.flatMap((rule) => rule.keywords))];
  const automaton = createKeywordAutomaton(words);
  const users = words.map((word) => rules.flatMap((rule, index) => (rule.keywords.includes(word) ? [index] : [])));
  // By word and by rule, the last text that has it. Texts are counted on, so that nothing is cleared between them.
  const seenIn = new Float64Array(words.length);
  const wantedIn = Float64Array.from(rules, ({ keywords }) => (keywords.length === 0 ? Number.POSITIVE_INFINITY : 0));
  let now = 0;
  return (text) => {
    now++;
    automaton.scan(text, (word) => {
      if (seenIn[word] === now) return;
      seenIn[word] = now;
      for (const index of users[word]!) if (wantedIn[index]! < now) wantedIn[index] = now;
    });
    return rules.filter((_, index) => wantedIn[index]! >= now);
  };
}
