// The sentence of an error of which only the code was kept, for lists in which many errors stand.
import { errorCatalogue } from '../platform/base/errors.ts';
import { type Lang, say, type TextKey } from '../platform/i18n/say.ts';

/** What is not known any more of its facts stays open in the sentence. */
export function explain(code: string, lang: Lang, facts: Readonly<Record<string, string>> = {}): string {
  if (!Object.hasOwn(errorCatalogue, code)) return code;
  return say(lang, code as TextKey, facts).replace(/\{\w+\}/g, '…');
}
