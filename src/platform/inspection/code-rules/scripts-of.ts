// The scripts of a page as one text in which everything else is blank, so that every line keeps its number.
import { eachMatch } from './each-match.ts';

const opening = /<script\b(?<attributes>[^<>]{0,400})>/gi;
/** Data, templates and shaders are no programs. */
const other =
  /\btype\s{0,4}=\s{0,4}["']?(?!module|text\/(?:javascript|babel|ecmascript)|application\/(?:javascript|ecmascript))[\w-]/i;

/** Null where the page has none. */
export function scriptsOf(page: string): string | null {
  if (!/<script/i.test(page)) return null;
  let scripts = '';
  let at = 0;
  for (const { index, 0: tag, groups } of eachMatch(opening, page)) {
    const start = index + tag.length;
    if (start < at || other.test(groups?.attributes ?? '')) continue;
    const closing = page.indexOf('</', start);
    const end = closing < 0 ? page.length : endOf(page, closing);
    scripts += blank(page.slice(at, start)) + page.slice(start, end);
    at = end;
  }
  return scripts.trim() === '' ? null : scripts;
}

/** A string may hold a closing tag of something else. */
function endOf(page: string, closing: number): number {
  for (let at = closing; at >= 0; at = page.indexOf('</', at + 2))
    if (/^<\/script/i.test(page.slice(at, at + 8))) return at;
  return page.length;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}
