// The code of a conversation: what the format marks as code, fences in prose, and source files that somebody sent.
import { detectLanguage } from '../../platform/inspection/ast/detect-language.ts';
import { languageOfLabel } from '../../platform/inspection/ast/languages.ts';
import type { CodeBlock, Conversation, Message, Part } from '../conversation.ts';
import { fencesOf } from './fences.ts';
import { endingOf, fileNameOf } from './file-names.ts';
import { linesOf } from './lines-of.ts';
import { unfenced } from './unfenced.ts';
import { unprompted } from './unprompted.ts';
import { languageWithoutRules } from './without-rules.ts';

type Found = Omit<CodeBlock, 'messageIndex' | 'author' | 'branch'>;

/** How much of the prose around a block is kept. */
const aroundChars = 600;

/** Every piece of code in the order of the messages; a document that was written in steps comes once per version. */
export function extractCode(conversation: Conversation): CodeBlock[] {
  return conversation.messages.flatMap((message) =>
    codeOfMessage(message).map((found) => ({
      messageIndex: message.index,
      author: message.author,
      branch: message.branch,
      ...found,
    })),
  );
}

function codeOfMessage({ parts, author }: Message): Found[] {
  const found: Found[] = [];
  let line = 1;
  parts.forEach((part, at) => {
    found.push(...codeOfPart(part, line, proseAround(parts, at), author === 'user'));
    line += lineEnds(part.text ?? '') + 1;
  });
  return found;
}

function lineEnds(text: string): number {
  if (text.includes('\r')) return text.match(/\r\n|\n|\r/g)?.length ?? 0;
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

interface Around {
  before: string;
  after: string;
}

function proseAround(parts: readonly Part[], at: number): Around {
  const [before, after] = [parts[at - 1], parts[at + 1]];
  return {
    before: before?.kind === 'prose' ? before.text.slice(-aroundChars) : '',
    after: after?.kind === 'prose' ? after.text.slice(0, aroundChars) : '',
  };
}

function codeOfPart(part: Part, line: number, around: Around, pasted: boolean): Found[] {
  if (part.kind === 'prose') return codeOfProse(part, line, pasted);
  if (part.kind === 'output') return [];
  if (part.text === null || part.text.trim() === '') return [];
  if (part.kind === 'code') {
    const file = part.file === undefined ? {} : { file: part.file };
    return [
      {
        ...language(part.language ?? '', part.file, part.text, 'format'),
        messageLine: line,
        text: part.text,
        ...file,
        ...around,
      },
    ];
  }
  const ending = endingOf(part.name);
  const known = ending === null ? null : languageOfLabel(ending);
  if (known === null) return codeOfProse(part, line, false);
  return [{ language: known, languageBy: 'file-name', messageLine: line, text: part.text, file: part.name, ...around }];
}

/** `pasted`: people send programs without fences. */
function codeOfProse(part: Part, line: number, pasted: boolean): Found[] {
  const bare = pasted ? unfenced(part.text ?? '') : [];
  // Lines of a program that are indented behind an empty one would be blocks of their own.
  const fences = [
    ...bare,
    ...fencesOf(part).filter(({ line: at }) => !bare.some(({ line: from, lastLine }) => at >= from && at <= lastLine)),
  ].sort((a, b) => a.line - b.line);
  if (fences.length === 0) return [];
  const lines = linesOf(part.text ?? '');
  return fences
    .filter((fence) => fence.text.trim() !== '')
    .map((fence, i) => {
      const begins = Math.max(
        0,
        ...fences
          .slice(0, i)
          .map((other) => other.lastLine)
          .filter((last) => last < fence.firstLine),
      );
      const ends = fences.find((other) => other.firstLine > fence.lastLine)?.firstLine ?? lines.length + 1;
      const before = lines
        .slice(Math.max(begins, fence.firstLine - 21), fence.firstLine - 1)
        .join('\n')
        .slice(-aroundChars);
      const after = lines
        .slice(fence.lastLine, Math.min(ends - 1, fence.lastLine + 20))
        .join('\n')
        .slice(0, aroundChars);
      const file = fileNameOf(fence.label, fence.text, before);
      const known = language(fence.label, file ?? undefined, fence.text, 'label');
      return {
        ...known,
        messageLine: line + fence.line - 1,
        text: known.language === 'python' ? unprompted(fence.text) : fence.text,
        ...(file === null ? {} : { file }),
        ...(fence.open ? { cutOff: true as const } : {}),
        before,
        after,
      };
    });
}

function unruled(label: string): Pick<CodeBlock, 'withoutRules'> {
  const name = languageWithoutRules(label);
  return name === null ? {} : { withoutRules: name };
}

/** By its label, else by its file's name, else by what the grammars make of it. */
function language(
  label: string,
  file: string | undefined,
  text: string,
  by: 'label' | 'format',
): Pick<CodeBlock, 'language' | 'languageBy' | 'withoutRules'> {
  const named = label === '' ? null : languageOfLabel(label);
  // A component's script alone is often labelled like the whole component.
  if (named === 'html' && /^(?:vue|svelte)\b/i.test(label) && !/<[a-z]/i.test(text))
    return { language: 'javascript', languageBy: by };
  if (named !== null) return { language: named, languageBy: by };
  const ending = file === undefined ? null : endingOf(file);
  const filed = ending === null ? null : languageOfLabel(ending);
  if (filed !== null) return { language: filed, languageBy: 'file-name' };
  // A label that names another language is believed: JSON, CSS or Rust are not put to the vote.
  if (/^[\w+#-]+/.test(label) && !/^(?:text|txt|plain|plaintext|code|snippet|unknown|none)\b/i.test(label))
    return { language: 'unknown', languageBy: by, ...unruled(label) };
  return { language: detectLanguage(text)?.language ?? 'unknown', languageBy: 'grammar' };
}
