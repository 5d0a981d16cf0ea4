// LIKE and MATCHES over texts that attackers may have written: bounded in time, whatever the pattern.
import { RempartError } from '../../platform/base/errors.ts';
import { linearRegex, RegexRefused } from '../detectors/linear-regex.ts';

/** Longer values are not looked at beyond it. */
const longest = 10_000;

/** SQL's wildcards, `%` for any text and `_` for one character; linear, since it is not a regular expression. */
export function boundedLike(pattern: string): (value: string) => boolean {
  const parts = pattern.split('%');
  return (value) => {
    const text = value.slice(0, longest);
    if (parts.length === 1) return text.length === pattern.length && fitsAt(text, pattern, 0);
    const [first = '', ...rest] = parts;
    const last = rest.pop() ?? '';
    if (text.length < first.length + last.length) return false;
    if (!fitsAt(text, first, 0) || !fitsAt(text, last, text.length - last.length)) return false;
    let at = first.length;
    for (const part of rest) {
      while (at + part.length <= text.length - last.length && !fitsAt(text, part, at)) at++;
      if (at + part.length > text.length - last.length) return false;
      at += part.length;
    }
    return true;
  };
}

function fitsAt(text: string, part: string, at: number): boolean {
  if (at < 0 || at + part.length > text.length) return false;
  for (let index = 0; index < part.length; index++)
    if (part[index] !== '_' && part[index] !== text[at + index]) return false;
  return true;
}

/**
 * In time that grows with the text alone, whatever the pattern. Throws ERR_PLAYBOOK_CONDITION for a pattern that is
 * none, or of a kind that cannot be matched so.
 */
export function boundedRegex(pattern: string): (value: string) => boolean {
  try {
    const matches = linearRegex(pattern);
    return (value) => matches(value.slice(0, longest));
  } catch (error) {
    if (!(error instanceof RegexRefused)) throw error;
    throw new RempartError('ERR_PLAYBOOK_CONDITION', { condition: pattern.slice(0, 80), at: 1 });
  }
}
