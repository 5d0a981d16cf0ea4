// The word for a change that a plan foretells, in the reader's language.
import { catalogues, type Say, type TextKey } from '../platform/i18n/say.ts';

/** One that no text is known for stays as the action has it. */
export function changeText(change: string, say: Say): string {
  const key = `change.${change}`;
  return isKnown(key) ? say(key) : change;
}

const isKnown = (key: string): key is Extract<TextKey, `change.${string}`> => Object.hasOwn(catalogues.en, key);
