// Which pieces of code are versions of one another: the same file, the same functions, or mostly the same words.
import type { CodeBlock } from '../conversation.ts';

const definitions =
  /\b(?:def|function|func|fn|class|sub|interface)\s+\*?\s*([A-Za-z_$][\w$]*)|\b(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*(?:async\s*)?(?:function\b|\([^()]*\)\s*=>|[A-Za-z_$][\w$]*\s*=>)|^[ \t]*(?:public|private|protected|static|async|final|internal|override|\s)*[\w<>[\],?]*[ \t]+([A-Za-z_]\w*)[ \t]*\([^;{}()]*\)[ \t]*(?:throws [\w, ]+)?\{/gm;
const notNames = new Set([
  'if',
  'for',
  'while',
  'switch',
  'catch',
  'return',
  'else',
  'new',
  'foreach',
  'using',
  'lock',
]);
const alike = 0.4;

export interface CodeShape {
  /** Names that the code defines. */
  defines: ReadonlySet<string>;
  words: ReadonlySet<string>;
}

export function shapeOf(text: string): CodeShape {
  const defines = new Set<string>();
  for (const match of text.matchAll(definitions)) {
    const name = match[1] ?? match[2] ?? match[3];
    if (name !== undefined && !notNames.has(name)) defines.add(name);
  }
  return { defines, words: new Set(text.match(/[A-Za-z_]\w{2,}/g) ?? []) };
}

/** Is `later` a new version of `earlier`, in whole or for the function `name`? */
export function isVersionOf(
  earlier: { block: CodeBlock; shape: CodeShape },
  later: { block: CodeBlock; shape: CodeShape },
  name: string | null,
): boolean {
  if (earlier.block.language !== later.block.language) return false;
  if (earlier.block.file !== undefined && earlier.block.file === later.block.file) return true;
  if (name !== null && later.shape.defines.has(name)) return true;
  // A function of another name may still be the same one, rewritten: "secure_login" after "login".
  if (name !== null && later.shape.defines.size > 0 && ![...later.shape.defines].some((other) => related(name, other)))
    return overlap(earlier.shape.words, later.shape.words) >= 0.6;
  return overlap(earlier.shape.words, later.shape.words) >= alike;
}

/** The name of the definition that holds a line (from 1), by indentation. */
export function enclosing(text: string, line: number): string | null {
  const lines = text.split('\n');
  const depth = indentation(lines[line - 1] ?? '');
  for (let at = line - 1; at >= 0; at -= 1) {
    const candidate = lines[at] ?? '';
    if (at < line - 1 && candidate.trim() !== '' && indentation(candidate) >= depth && depth > 0) continue;
    definitions.lastIndex = 0;
    const match = definitions.exec(candidate);
    const name = match?.[1] ?? match?.[2] ?? match?.[3];
    if (name !== undefined && !notNames.has(name)) return name;
  }
  return null;
}

function indentation(line: string): number {
  return line.length - line.trimStart().length;
}

function related(one: string, other: string): boolean {
  const [a, b] = [one.toLowerCase().replaceAll('_', ''), other.toLowerCase().replaceAll('_', '')];
  return a.includes(b) || b.includes(a);
}

/** Jaccard's index of two sets of words. */
function overlap(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  if (one.size === 0 || other.size === 0) return 0;
  let common = 0;
  for (const word of one) if (other.has(word)) common += 1;
  return common / (one.size + other.size - common);
}
