// The tree-sitter grammars behind ast-grep: registered once, at the first parse, since loading them costs 40 ms.
import bash from '@ast-grep/lang-bash';
import c from '@ast-grep/lang-c';
import csharp from '@ast-grep/lang-csharp';
import go from '@ast-grep/lang-go';
import java from '@ast-grep/lang-java';
import php from '@ast-grep/lang-php';
import python from '@ast-grep/lang-python';
import ruby from '@ast-grep/lang-ruby';
import sql from '@ast-grep/lang-sql';
import yaml from '@ast-grep/lang-yaml';
import { parse, registerDynamicLanguage, type SgNode } from '@ast-grep/napi';
import type { Language } from './languages.ts';

const dynamic = { bash, c, csharp, go, java, php, python, ruby, sql, yaml };
const builtIn: Partial<Record<Language, string>> = {
  javascript: 'JavaScript',
  typescript: 'TypeScript',
  tsx: 'Tsx',
  html: 'Html',
};

let grammars: Map<Language, string> | undefined;

/** A block's tree and how much of it the grammar understood. */
export interface Tree {
  root: SgNode;
  /** Share of the text that lies in ERROR nodes, 0 to 1. */
  errorShare: number;
  /** Line of the first ERROR node, from 1, or null. */
  firstErrorLine: number | null;
}

/** Parses `text`, or answers null where this machine has no grammar for the language. */
export function parseCode(language: Language, text: string): Tree | null {
  const grammar = register().get(language);
  if (grammar === undefined) return null;
  const root = parse(grammar, text).root();
  let errorChars = 0;
  let firstErrorLine: number | null = null;
  for (const node of root.findAll({ rule: { kind: 'ERROR' } })) {
    const range = node.range();
    errorChars += Math.max(1, range.end.index - range.start.index);
    firstErrorLine ??= range.start.line + 1;
  }
  if (root.kind() === 'ERROR') errorChars = text.length;
  return { root, errorShare: Math.min(1, errorChars / Math.max(1, text.length)), firstErrorLine };
}

function register(): Map<Language, string> {
  if (grammars !== undefined) return grammars;
  const found = new Map<Language, string>(Object.entries(builtIn) as [Language, string][]);
  const usable: Record<string, (typeof dynamic)['c']> = {};
  for (const [language, grammar] of Object.entries(dynamic)) {
    try {
      // The getter throws where the package ships no parser for this platform (musl): the rules then work without a tree.
      if (grammar.libraryPath === '') continue;
      usable[language] = grammar;
      found.set(language as Language, language);
    } catch {}
  }
  registerDynamicLanguage(usable);
  grammars = found;
  return found;
}
