// Hostile text made harmless to look at: what a terminal, a page or an XML reader would obey is shown instead.

/** Control, direction-changing and invisible characters shown instead of obeyed; line feeds and tabs stay. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0)))
    .replace(
      /[\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff]/g,
      codePoint,
    )
    .replace(/[\u{e0000}-\u{e007f}]/gu, codePoint);
}

/** For element content and for quoted attributes, of HTML and of XML alike. */
export function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return visible(text).replace(/[&<>"']/g, (char) => names[char]!);
}

function codePoint(char: string): string {
  return `‹U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}›`;
}
