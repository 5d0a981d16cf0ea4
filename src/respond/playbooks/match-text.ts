// LIKE and MATCHES over texts that attackers may have written: bounded in time, whatever the pattern.
import { RempartError } from '../../platform/base/errors.ts';

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

/** A repetition within a repetition, or of alternatives, or a reference back: what may take time beyond measure. */
const risky = /\([^)]*(?:[*+]|\{\d+,\d*\})[^)]*\)(?:[*+]|\{\d+,)|\([^)]*\|[^)]*\)(?:[*+]|\{\d+,)|\\[1-9]|\(\?[=!<]/;

/** Throws ERR_PLAYBOOK_CONDITION for a pattern that is none, or that could take too long. */
export function boundedRegex(pattern: string): (value: string) => boolean {
  const refused = () => new RempartError('ERR_PLAYBOOK_CONDITION', { condition: pattern.slice(0, 80), at: 1 });
  const unlimited = pattern.match(/[*+]|\{\d+,\}/g)?.length ?? 0;
  if (risky.test(pattern) || unlimited > 2) throw refused();
  // The time grows with the square of the length for one repetition without limit, with its cube for two.
  const reach = unlimited > 1 ? 300 : longest;
  try {
    const regex = new RegExp(pattern, 'u');
    return (value) => regex.test(value.slice(0, reach));
  } catch {
    throw refused();
  }
}
