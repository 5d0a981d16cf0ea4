// The definitions of a piece of code: their names, and the lines that belong to each.

const definitions =
  /\b(?:def|function|func|fn|class|sub|interface)\s+(?:\([^()\n]*\)\s*)?\*?\s*(?:self\.)?([A-Za-z_$][\w$]*)|\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*(?:async\s*)?(?:function\b|\([^()]*\)\s*=>|[A-Za-z_$][\w$]*\s*=>)|^[ \t]*(?:(?:public|private|protected|internal|static|async|final|override|virtual|abstract|synchronized)[ \t]+)*[\w<>[\],?.]+[ \t]+([A-Za-z_]\w*)[ \t]*\([^;{}()]*(?:\([^()]*\)[^;{}()]*)*\)[ \t]*(?:throws [\w, .]+)?(?:\r?\n[ \t]*)?\{/gm;
/** Where a route is answered by a function without a name: it goes by its method and path. */
const routes =
  /^[ \t]*(?:[\w$]+(?:\.|->|::))?(get|post|put|patch|delete|all|GET|POST|PUT|PATCH|DELETE|HandleFunc|Map(?:Get|Post|Put|Delete)|Get|Post|Put|Delete)\(?[ \t]*\(?[ \t]*(["'`])([^"'`\n]{1,120})\2[^\n]*(?:\{|\bdo\b[^\n]*|=>)[ \t]*$/gm;
/** A service of a compose file, an app of a list of them. */
const services = /^services[ \t]*:[ \t]*$/m;
const service = /^( {2,4}|\t)([\w.-]{1,60})[ \t]*:[ \t]*$/;
const notNames = new Set(
  'if for while switch catch return else new foreach using lock elif until unless function class def'.split(' '),
);
const containers = /\b(?:class|interface)\s+$/;

export interface Chunk {
  name: string;
  /** A class holds other definitions: it is no function. */
  outer: boolean;
  /** From 1, both included. */
  firstLine: number;
  lastLine: number;
  text: string;
}

/** In the order of the text; a chunk ends where its indentation does, or where the next one of its depth begins. */
export function chunksOf(text: string): Chunk[] {
  const lines = text.split('\n');
  const chunks: Chunk[] = [];
  let line = 0;
  let from = 0;
  for (const match of text.matchAll(definitions)) {
    const name = match[1] ?? match[2] ?? match[3];
    if (name === undefined || notNames.has(name)) continue;
    const lead = /^\s*/.exec(match[0])?.[0].length ?? 0;
    const at = match.index + lead;
    for (; from < at; from += 1) if (text[from] === '\n') line += 1;
    const last = endOf(lines, line);
    const outer = containers.test(match[0].slice(0, match[0].length - name.length));
    chunks.push({ name, outer, firstLine: line + 1, lastLine: last, text: lines.slice(line, last).join('\n') });
  }
  const unnamed = [...routesOf(text, lines), ...servicesOf(text, lines)];
  return unnamed.length === 0 ? chunks : [...chunks, ...unnamed].sort((a, b) => a.firstLine - b.firstLine);
}

function routesOf(text: string, lines: readonly string[]): Chunk[] {
  return [...text.matchAll(routes)].map(({ index, 1: method = '', 3: path = '' }) => {
    const first = text.slice(0, index).split('\n').length - 1;
    return chunkAt(lines, first, endOf(lines, first), `${method.toLowerCase()} ${path}`);
  });
}

function servicesOf(text: string, lines: readonly string[]): Chunk[] {
  if (!services.test(text)) return [];
  const chunks: Chunk[] = [];
  let inside = false;
  let depth = '';
  for (const [at, line] of lines.entries()) {
    if (/^\S/.test(line)) {
      inside = services.test(line);
      depth = '';
    }
    const match = inside ? service.exec(line) : null;
    if (match === null || (depth !== '' && match[1] !== depth)) continue;
    depth = match[1] ?? '';
    chunks.push(chunkAt(lines, at, endOf(lines, at), `service ${match[2]}`));
  }
  return chunks;
}

function chunkAt(lines: readonly string[], first: number, last: number, name: string): Chunk {
  return { name, outer: false, firstLine: first + 1, lastLine: last, text: lines.slice(first, last).join('\n') };
}

/** The innermost definition that holds a line (from 1), or null. */
export function enclosing(chunks: readonly Chunk[], line: number): Chunk | null {
  const around = chunks.filter(({ firstLine, lastLine }) => firstLine <= line && line <= lastLine);
  return around.findLast(({ outer }) => !outer) ?? around.at(-1) ?? null;
}

function endOf(lines: readonly string[], first: number): number {
  const depth = indentation(lines[first] ?? '');
  let last = first + 1;
  for (let at = first + 1; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (line.trim() === '') continue;
    if (indentation(line) > depth) last = at + 1;
    else if (/^\s*(?:[})\]]|end\b|\{)/.test(line)) last = at + 1;
    else break;
  }
  return last;
}

function indentation(line: string): number {
  return line.length - line.trimStart().length;
}
