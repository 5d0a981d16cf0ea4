// Text into HTML, XML and Markdown: whatever it holds, it stays text.
import { visible } from './text.ts';

/** For element content and for quoted attributes, of HTML and of XML alike. */
export function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return visible(text).replace(/[&<>"']/g, (char) => names[char]!);
}

/** One line of Markdown in which no character has a meaning (CommonMark 0.31 §2.4 and the GFM extensions). */
export function escapeMarkdown(text: string): string {
  return (
    visible(text)
      .replace(/[ \t\n]+/g, ' ')
      .replace(/[\\`*_{}[\]<>|~&$@]/g, '\\$&')
      // GFM makes links of bare addresses.
      .replace(/:(?=\/\/)|(?<=\bwww)\.|(?<=\b(?:mailto|xmpp)):/gi, '\\$&')
      // What opens a block only at a line's start.
      .replace(/^([#+=-])/, '\\$1')
      .replace(/^(\d{1,9})([.)])/, '$1\\$2')
  );
}
