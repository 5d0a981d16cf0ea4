// HTML as text: enough of it to read answers and saved pages, with code kept as fences and nothing run or loaded.

export type HtmlToken =
  | { kind: 'text'; text: string }
  | { kind: 'open'; name: string; attributes: string }
  | { kind: 'close'; name: string };

/** Elements whose content is not text for a reader. */
const raw = new Set(['script', 'style', 'template', 'noscript', 'svg']);
/** No `<` within a tag: what it costs to find that one never ends then grows with the page, not with its square. */
const tag = /<(?:!--[\s\S]*?(?:-->|$)|![^>]*>|(\/?)([A-Za-z][\w-]*)((?:[^<>"']|"[^"<]*"|'[^'<]*')*)>)/g;

export function* htmlTokens(html: string): Generator<HtmlToken> {
  let at = 0;
  tag.lastIndex = 0;
  const pattern = new RegExp(tag);
  for (let match = pattern.exec(html); match !== null; match = pattern.exec(html)) {
    if (match.index > at) yield { kind: 'text', text: unescaped(html.slice(at, match.index)) };
    at = pattern.lastIndex;
    const name = match[2]?.toLowerCase();
    if (name === undefined) continue;
    if (match[1] === '/') {
      yield { kind: 'close', name };
      continue;
    }
    yield { kind: 'open', name, attributes: match[3] ?? '' };
    if (raw.has(name) && !(match[3] ?? '').endsWith('/')) {
      const ending = new RegExp(`</${name}`, 'gi');
      ending.lastIndex = at;
      at = ending.exec(html)?.index ?? html.length;
      pattern.lastIndex = at;
    }
  }
  if (at < html.length) yield { kind: 'text', text: unescaped(html.slice(at)) };
}

const named: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00A0',
  copy: '©',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  laquo: '«',
  raquo: '»',
  rsquo: '’',
  lsquo: '‘',
  rdquo: '”',
  ldquo: '“',
  eacute: 'é',
  egrave: 'è',
  agrave: 'à',
  ccedil: 'ç',
  emsp: '\u2003',
  ensp: '\u2002',
};

export function unescaped(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,10}));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return named[name.toLowerCase()] ?? whole;
      const code = Number.parseInt(hex ?? decimal ?? '', hex === undefined ? 10 : 16);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\uFFFD';
    },
  );
}

export function attribute(attributes: string, name: string): string | null {
  const match = new RegExp(`(?:^|\\s)${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(attributes);
  return match === null ? null : unescaped(match[1] ?? match[2] ?? match[3] ?? '');
}

const blocks = new Set([
  'p',
  'div',
  'br',
  'ul',
  'ol',
  'li',
  'tr',
  'table',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'section',
  'article',
  'blockquote',
  'header',
  'footer',
]);

/** Markdown of a kind: blocks on lines of their own, `pre` as a fence with its language, everything else its text. */
export function htmlToMarkdown(html: string): string {
  return tokensToMarkdown(htmlTokens(html));
}

export function tokensToMarkdown(tokens: Iterable<HtmlToken>): string {
  let out = '';
  let code: { text: string; language: string } | null = null;
  let pres = 0;
  let skipped: string | null = null;
  for (const token of tokens) {
    if (skipped !== null) {
      if (token.kind === 'close' && token.name === skipped) skipped = null;
    } else if (token.kind === 'text') {
      if (code !== null) code.text += token.text;
      else out += token.text.replace(/[ \t\r\n]+/g, ' ');
    } else if (token.kind === 'open' && raw.has(token.name)) {
      if (!token.attributes.endsWith('/')) skipped = token.name;
    } else if (token.name === 'pre') {
      if (token.kind === 'open') {
        if (pres++ === 0) code = { text: '', language: languageIn(token.attributes) };
      } else if (pres > 0 && --pres === 0 && code !== null) {
        out += fenced(code);
        code = null;
      }
    } else if (code !== null) {
      if (token.kind === 'open' && token.name === 'code') {
        code.language = languageIn(token.attributes) || code.language;
        // A page puts its buttons before the code.
        code.text = '';
      } else if (token.kind === 'open' && token.name === 'br') code.text += '\n';
    } else if (token.name === 'code') out += '`';
    else if (blocks.has(token.name)) out += token.name === 'li' && token.kind === 'open' ? '\n- ' : '\n';
  }
  if (code !== null) out += fenced(code);
  return out
    .replace(/ +\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

function languageIn(attributes: string): string {
  const said = `${attribute(attributes, 'class') ?? ''} ${attribute(attributes, 'data-language') ?? ''}`;
  return (
    /(?:language|lang|highlight-source)-([\w+#-]+)/.exec(said)?.[1] ?? attribute(attributes, 'data-language') ?? ''
  );
}

function fenced({ text, language }: { text: string; language: string }): string {
  const marks = '`'.repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `\n${marks}${language}\n${text.replace(/^\n/, '').replace(/\n$/, '')}\n${marks}\n`;
}
