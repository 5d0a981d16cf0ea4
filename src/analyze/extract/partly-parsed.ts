// Which code could be read in part only: an answer that broke off, a bracket that nothing closes, a text too long to be code,
// a language that no rule knows.
import type { AnalysedConversation } from '../../platform/documents/analysis.ts';
import { type Lang, say } from '../../platform/i18n/say.ts';
import type { Language } from '../../platform/inspection/ast/languages.ts';
import { tokenize } from '../../platform/inspection/code-rules/tokens.ts';
import type { CodeBlock } from '../conversation.ts';

/** In these, brackets come in pairs; in the others a lone one may mean something. */
const bracketed: ReadonlySet<string> = new Set<Language>([
  'python',
  'javascript',
  'typescript',
  'tsx',
  'java',
  'go',
  'php',
  'ruby',
  'c',
  'csharp',
  'sql',
]);
/** What the code rules read at most. */
const mostChars = 400_000;
const pairs = ['()', '[]', '{}'] as const;

export function partlyParsed(blocks: readonly CodeBlock[], lang: Lang): AnalysedConversation['partiallyParsed'] {
  return blocks.flatMap((block) => {
    const { messageIndex, withoutRules } = block;
    if (withoutRules !== undefined)
      return [{ messageIndex, language: withoutRules, why: say(lang, 'code.partial.no-rules') }];
    const why = reasonOf(block, lang);
    return why === null ? [] : [{ messageIndex, language: block.language, why }];
  });
}

function reasonOf(block: CodeBlock, lang: Lang): string | null {
  if (block.language === 'unknown') return null;
  if (block.text.length > mostChars) return say(lang, 'code.partial.long', { count: block.text.length });
  if (block.cutOff === true) return say(lang, 'code.partial.cut-off');
  if (!bracketed.has(block.language) || !mayBeOpen(block.text)) return null;
  const { list } = tokenize(block.language as Language, block.text);
  const open = list.find(({ kind, text, pair }) => kind === 'op' && pair < 0 && /^[([{]$/.test(text));
  if (open === undefined) return null;
  const line = block.messageLine + block.text.slice(0, open.start).split('\n').length - 1;
  return say(lang, 'code.partial.bracket', { bracket: open.text, line });
}

/** Most code has as many closing brackets as opening ones, and need not be read again. */
function mayBeOpen(text: string): boolean {
  return pairs.some(([open, close]) => countOf(text, open) > countOf(text, close));
}

function countOf(text: string, sign: string | undefined): number {
  let count = 0;
  for (let at = text.indexOf(sign ?? ''); at >= 0; at = text.indexOf(sign ?? '', at + 1)) count++;
  return count;
}
