// Text from outside, before it may stand in the facts of a detection: cleaned and cut, or only its fingerprint.
import { hash } from 'node:crypto';
import { visible } from '../../platform/reporting/visible.ts';

/** What a terminal, a page or a log would obey is shown instead, on one line, in at most `most` characters. */
export function harmless(text: string, most = 80): string {
  // Cut before it is cleaned too, so that ten megabytes cost no more than a line.
  const line = visible(text.slice(0, most * 4))
    .replaceAll('\n', '␊')
    .replaceAll('\t', '␉');
  const letters = [...line];
  return letters.length > most || text.length > most * 4 ? `${letters.slice(0, most - 1).join('')}…` : line;
}

/** The first sixteen hexadecimal digits of the SHA-256 of a text: tells whether two are the same, and nothing else. */
export function fingerprint(text: string | Uint8Array): string {
  return hash('sha256', text, 'hex').slice(0, 16);
}
