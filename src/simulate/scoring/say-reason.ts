// The sentences behind a check's points: numbers written, and nouns inflected, as their language has it.
import { type Lang, type Say, say, type TextKey } from '../../platform/i18n/say.ts';

/** `{count|answer|answers}` in a text takes the form that the number asks for. */
const forms = /\{(\w+)\|([^|{}]*)\|([^|{}]*)\}/g;

export function reasonSayer(lang: Lang): Say {
  return (key, facts = {}) => {
    const written = Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, inWords(fact, lang)]));
    return say(lang, wholeKey(key, facts), written).replace(forms, (whole, name: string, one: string, more: string) => {
      const count = Number(facts[name]);
      return Number.isNaN(count) ? whole : isOne(count, lang) ? one : more;
    });
  };
}

/** French counts nought and what is below two as one. */
function isOne(count: number, lang: Lang): boolean {
  return lang === 'fr' ? Math.abs(count) < 2 : count === 1;
}

/** "Only 0 of 3" has a sentence of its own. */
const none: Partial<Record<TextKey, TextKey>> = {
  'simulate.because.no-what': 'simulate.because.no-what.none',
  'simulate.because.no-do': 'simulate.because.no-do.none',
  'simulate.because.no-when': 'simulate.because.no-when.none',
  'simulate.because.no-language': 'simulate.because.no-language.none',
  'simulate.because.no-plain': 'simulate.because.no-plain.none',
  'simulate.because.no-retry-after': 'simulate.because.no-retry-after.none',
};

function wholeKey(key: TextKey, facts: Parameters<Say>[1]): TextKey {
  return facts?.['count'] === 0 ? (none[key] ?? key) : key;
}

/** Only a fact that is nothing but a decimal number: in a version or an address the point stays. */
function inWords(fact: string | number, lang: Lang): string {
  const text = String(fact);
  return lang === 'fr' && /^-?\d+\.\d+$/.test(text) ? text.replace('.', ',') : text;
}
