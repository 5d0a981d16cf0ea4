// Text that something else wrote, before it is kept: without secrets, without control characters, not at length.
import { mask } from '../../platform/inspection/mask.ts';
import { findSecrets } from '../../platform/inspection/secrets.ts';

/** Lines stay lines. */
export function scrub(text: string, maxChars = 2_000): string {
  const plain = text.slice(0, maxChars * 4).replace(/[^\P{C}\n]|[\u2028\u2029]/gu, ' ');
  const hits = findSecrets(plain).filter(({ placeholder, confidence }) => !placeholder && confidence !== 'doubtful');
  const masked = mask(plain, hits);
  return masked.length > maxChars ? `${masked.slice(0, maxChars)}…` : masked;
}

/** For one line: what would break it stands there no more. */
export const scrubLine = (text: string, maxChars = 500): string => scrub(text.replaceAll('\n', ' '), maxChars);
