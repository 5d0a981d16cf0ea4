// What of a fragment the rules cannot read as it stands: cut text, cut lines, strings and brackets that nothing closes.
import type { Reading } from './reading.ts';
import { limits } from './rule-set.ts';

export const partialReasons = ['too-long', 'long-lines', 'unclosed'] as const;
export type PartialReason = (typeof partialReasons)[number];

export interface Prepared {
  /** Every line keeps its number. */
  text: string;
  partial: PartialReason[];
}

/** Cuts what no person wrote by hand: minified code, generated tables, dumps. */
export function prepare(whole: string): Prepared {
  const partial: PartialReason[] = [];
  const text = whole.includes('\r') ? whole.replace(/\r\n?/g, '\n') : whole;
  let kept = text;
  if (text.length > limits.text) {
    kept = text.slice(0, Math.max(text.lastIndexOf('\n', limits.text), 0) || limits.text);
    partial.push('too-long');
  }
  if (longLine(kept)) {
    kept = kept
      .split('\n')
      .map((line) => line.slice(0, limits.line))
      .join('\n');
    partial.push('long-lines');
  }
  return { text: kept, partial };
}

function longLine(text: string): boolean {
  for (let at = 0; at >= 0 && at < text.length; ) {
    const end = text.indexOf('\n', at);
    if ((end < 0 ? text.length : end) - at > limits.line) return true;
    at = end < 0 ? -1 : end + 1;
  }
  return false;
}

const languagesWithBrackets = new Set(['python', 'script', 'java', 'go', 'php', 'ruby', 'c', 'csharp']);
const brackets = /^[([{)\]}]$/;

/** Whether a bracket has no partner or a string runs to the end: the answer was cut, or what it is written in is not what it says. */
export function isUnclosed({ language, family, tokens, text }: Reading): boolean {
  if (!languagesWithBrackets.has(family.name) || language === 'html') return false;
  if (tokens.some((token) => token.kind === 'op' && token.pair < 0 && brackets.test(token.text))) return true;
  const last = tokens.findLast(({ kind }) => kind === 'string');
  if (last === undefined || last.end < text.trimEnd().length) return false;
  const quote = /^[a-zA-Z@$]{0,2}("""|'''|["'`])/.exec(last.text)?.[1];
  return quote !== undefined && (last.text.length < quote.length * 2 || !last.text.trimEnd().endsWith(quote));
}
