// Where the strings of each language end, and where expressions hide in them.

export type Range = readonly [number, number];

export interface Literal {
  kind: 'string' | 'symbol' | 'regex';
  end: number;
  embeds?: Range[];
  /** The string's body starts on the next line and ends with this word. */
  heredoc?: string;
}

/** End of a quoted string that a backslash escapes; an unclosed one ends with its line unless it may span lines. */
function quoted(text: string, at: number, quote: string, multiline: boolean): number {
  for (let i = at + quote.length; i < text.length; i++) {
    const char = text[i];
    if (char === '\\') i++;
    else if (char === '\n' && !multiline) return i;
    else if (char === quote[0] && text.startsWith(quote, i)) return i + quote.length;
  }
  return text.length;
}

/** Ranges of the expressions between `open` and its matching brace. */
export function braces(text: string, from: number, to: number, open: string): Range[] {
  const ranges: Range[] = [];
  for (let i = text.indexOf(open, from); i >= 0 && i < to; i = text.indexOf(open, i)) {
    if (text[i - 1] === '\\') {
      i += open.length;
      continue;
    }
    const end = closing(text, i + open.length, to);
    ranges.push([i + open.length, end]);
    i = end;
  }
  return ranges;
}

function closing(text: string, from: number, to: number): number {
  let depth = 1;
  for (let i = from; i < to; i++) {
    const char = text[i];
    if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return i;
    else if (char === "'" || char === '"') i = Math.min(quoted(text, i, char, false), to) - 1;
  }
  return to;
}

export function plainString(text: string, at: number): Literal | null {
  const char = text[at];
  if (char === '"' && text.startsWith('"""', at)) return { kind: 'string', end: quoted(text, at, '"""', true) };
  if (char !== '"' && char !== "'") return null;
  return { kind: 'string', end: quoted(text, at, char, false) };
}

/** The quotes, and the letters that may stand before them. */
const pythonOpens = new Set('"\'rbfuRBFU');
const pythonOpening = /([rbfuRBFU]{0,2})("""|'''|"|')/y;
export function pythonString(text: string, at: number): Literal | null {
  if (!pythonOpens.has(text[at]!)) return null;
  pythonOpening.lastIndex = at;
  const opening = pythonOpening.exec(text);
  if (opening === null) return null;
  const [whole, prefix = '', quote = '"'] = opening;
  const start = at + whole.length - quote.length;
  const end = quoted(text, start, quote, quote.length === 3);
  if (!/f/i.test(prefix)) return { kind: 'string', end };
  return { kind: 'string', end, embeds: formatFields(text, start + quote.length, end) };
}

/** `{name!r:>10}` gives `name`; `{{` is a brace. */
function formatFields(text: string, from: number, to: number): Range[] {
  const ranges: Range[] = [];
  for (let i = from; i < to; i++) {
    if (text[i] !== '{') continue;
    if (text[i + 1] === '{') {
      i++;
      continue;
    }
    const end = closing(text, i + 1, to);
    const field = /^(?:[^[\](){}:!'"]|!=|[[({][^\])}]*[\])}]|'[^']*'|"[^"]*")*/.exec(text.slice(i + 1, end));
    ranges.push([i + 1, i + 1 + (field?.[0].length ?? 0) || end]);
    i = end;
  }
  return ranges;
}

export function scriptString(text: string, at: number, slashOpens: boolean): Literal | null {
  const char = text[at];
  if (char === '"' || char === "'") return { kind: 'string', end: quoted(text, at, char, false) };
  if (char === '/' && slashOpens) return regexLiteral(text, at);
  return char === '`' ? template(text, at, 0) : null;
}

/** Templates in templates: deeper than this the rest of the text is one string. */
const deepestTemplate = 12;

function template(text: string, at: number, depth: number): Literal {
  const embeds: Range[] = [];
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '`') return { kind: 'string', end: i + 1, embeds };
    else if (text[i] === '$' && text[i + 1] === '{') {
      const end = templateEnd(text, i + 2, depth + 1);
      embeds.push([i + 2, end]);
      i = end;
    }
  }
  return { kind: 'string', end: text.length, embeds };
}

/** The brace that ends `${…}`, over strings and templates inside it. */
function templateEnd(text: string, from: number, depth: number): number {
  let open = 1;
  if (depth > deepestTemplate) return text.length;
  for (let i = from; i < text.length; i++) {
    const char = text[i];
    if (char === '{') open++;
    else if (char === '}' && --open === 0) return i;
    else if (char === "'" || char === '"') i = quoted(text, i, char, false) - 1;
    else if (char === '`') i = template(text, i, depth).end - 1;
  }
  return text.length;
}

function regexLiteral(text: string, at: number): Literal | null {
  let inClass = false;
  for (let i = at + 1; i < text.length && text[i] !== '\n'; i++) {
    const char = text[i];
    if (char === '\\') i++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) {
      let end = i + 1;
      while (/[a-z]/.test(text[end] ?? '')) end++;
      return { kind: 'regex', end };
    }
  }
  return null;
}

export function goString(text: string, at: number): Literal | null {
  if (text[at] !== '`') return plainString(text, at);
  const end = text.indexOf('`', at + 1);
  return { kind: 'string', end: end < 0 ? text.length : end + 1 };
}

const csharpOpens = new Set('"\'$@');
const csharpOpening = /([$@]{0,2})("""|"|')/y;
export function csharpString(text: string, at: number): Literal | null {
  if (!csharpOpens.has(text[at]!)) return null;
  csharpOpening.lastIndex = at;
  const opening = csharpOpening.exec(text);
  if (opening === null) return null;
  const [, marks = '', quote = '"'] = opening;
  const start = at + marks.length;
  let end: number;
  if (marks.includes('@')) {
    end = start + 1;
    while (end < text.length && (text[end] !== '"' || text[end + 1] === '"')) end += text[end] === '"' ? 2 : 1;
    end++;
  } else end = quoted(text, start, quote, quote.length === 3);
  if (!marks.includes('$')) return { kind: 'string', end };
  return { kind: 'string', end, embeds: formatFields(text, start + 1, end) };
}

const phpHeredoc = /<<<[ \t]*(["']?)(\w+)\1/y;
export function phpString(text: string, at: number): Literal | null {
  const char = text[at];
  if (char === '<') {
    phpHeredoc.lastIndex = at;
    const opening = phpHeredoc.exec(text);
    if (opening === null) return null;
    const literal: Literal = { kind: 'string', end: at + opening[0].length, heredoc: opening[2] ?? 'EOT' };
    return opening[1] === "'" ? literal : { ...literal, embeds: [] };
  }
  if (char === "'") return { kind: 'string', end: quoted(text, at, char, true) };
  if (char !== '"' && char !== '`') return null;
  const end = quoted(text, at, char, true);
  return { kind: 'string', end, embeds: phpEmbeds(text, at + 1, end) };
}

const phpVariable = /\{(\$[^{}\n]*)\}|\$\{(\w+)\}|\$\w+(?:->\w+|\[[^\]\n]*\])?/g;
export function phpEmbeds(text: string, from: number, to: number): Range[] {
  return [...text.slice(from, to).matchAll(phpVariable)]
    .filter((found) => text[from + found.index - 1] !== '\\')
    .map((found) => {
      const start = from + found.index;
      if (found[1] !== undefined) return [start + 1, start + 1 + found[1].length] as const;
      return [start, start + found[0].length] as const;
    });
}

const rubyHeredoc = /<<[~-]?(["'`]?)([A-Z_]\w*)\1/y;
const rubyPercent = /%([qQwWxrisI]?)([[({<|!/])/y;
export function rubyString(text: string, at: number, slashOpens: boolean): Literal | null {
  const char = text[at];
  if (char === '"' || char === '`') {
    const end = quoted(text, at, char, true);
    return { kind: 'string', end, embeds: braces(text, at, end, '#{') };
  }
  if (char === "'") return { kind: 'string', end: quoted(text, at, char, true) };
  if (char === ':' && /["\w]/.test(text[at + 1] ?? '') && text[at - 1] !== ':') return rubySymbol(text, at);
  if (char === '<') {
    rubyHeredoc.lastIndex = at;
    const opening = rubyHeredoc.exec(text);
    if (opening === null) return null;
    const literal: Literal = { kind: 'string', end: at + opening[0].length, heredoc: opening[2] ?? 'EOS' };
    return opening[1] === "'" ? literal : { ...literal, embeds: [] };
  }
  if (char === '/' && slashOpens) return regexLiteral(text, at);
  if (char !== '%' || !slashOpens) return null;
  rubyPercent.lastIndex = at;
  const opening = rubyPercent.exec(text);
  if (opening === null) return null;
  const [whole, type = '', bracket = '('] = opening;
  const close = { '[': ']', '(': ')', '{': '}', '<': '>' }[bracket] ?? bracket;
  const found = text.indexOf(close, at + whole.length);
  const end = found < 0 ? text.length : found + 1;
  return { kind: 'string', end, embeds: /[qwi]/.test(type) ? [] : braces(text, at, end, '#{') };
}

function rubySymbol(text: string, at: number): Literal {
  if (text[at + 1] === '"') return { kind: 'symbol', end: quoted(text, at + 1, '"', false) };
  let end = at + 1;
  while (/[\w?!]/.test(text[end] ?? '')) end++;
  return { kind: 'symbol', end };
}
