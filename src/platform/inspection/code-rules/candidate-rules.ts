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
  const always = rules.map((rule) => rule.keywords.length === 0);
  return (text) => {
    const seen = new Uint8Array(words.length);
    const wanted = [...always];
    automaton.scan(text, (word) => {
      if (seen[word] === 1) return;
      seen[word] = 1;
      for (const index of users[word]!) wanted[index] = true;
    });
    return rules.filter((_, index) => wanted[index]);
  };
}
