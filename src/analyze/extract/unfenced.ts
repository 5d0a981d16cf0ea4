// Programs that somebody pasted into a message without fences: from a line that only code begins with to where it reads as prose.
import { detectLanguage } from '../../platform/inspection/ast/detect-language.ts';
import type { Fence } from './fences.ts';
import { linesOf } from './lines-of.ts';

const begins =
  /^(?:from [\w.]{1,80} import \S|import (?:[\w.]{1,80}(?: as \w{1,40})?|[\w{}*, ]{1,80} from ["'][^"']{1,80}["'];?)$|(?:async )?def \w{1,60}\(|@\w{1,40}\.\w{1,40}\(|(?:export )?(?:const|let|var) [\w{[][^=]{0,60}= ?\S|(?:export )?(?:async )?function \w{0,60}\(|#include [<"]|using [A-Z][\w.]{1,80};|package [\w.]{1,80};?$|public (?:class|static|final|interface) |<\?php|func \w{1,60}\(|FROM [\w./-]{1,80}:[\w.-]{1,60}$|services:$|apiVersion: \S|#!\/)/;
const goesOn =
  /^\s|^[)\]}@#$<]|^\/\/|[;{}(,[\]]$|^(?:else|elif|except|finally|try|end|return|if|for|while|with|switch|class|def|async|await|raise|throw|public|private|protected|static|echo|use|var|let|const|function|import|from|export|func|type|print)\b.*[:;(){]|^[\w.[\]"'$>-]{1,80}(?: ?[:+-]?= ?| ?\()\S|^[A-Z]{2,12} \S|^[\w-]{1,60}:$/;
const leastLines = 3;
/** What somebody pastes by hand; longer texts are exports and logs. */
const mostChars = 100_000;
const surely = 0.6;

/** In the form of fences without a label. */
export function unfenced(text: string): Fence[] {
  if (text.length > mostChars || text.includes('```') || text.includes('~~~')) return [];
  const lines = linesOf(text);
  const found: Fence[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (!begins.test(lines[at]!)) continue;
    let end = at + 1;
    while (end < lines.length && (lines[end]!.trim() === '' || begins.test(lines[end]!) || goesOn.test(lines[end]!)))
      end++;
    while (lines[end - 1]!.trim() === '') end--;
    const code = lines.slice(at, end).join('\n');
    const written = lines.slice(at, end).filter((line) => line.trim() !== '').length;
    if (written >= leastLines && (detectLanguage(code)?.confidence ?? 0) >= surely)
      found.push({ label: '', text: code, line: at + 1, firstLine: at + 1, lastLine: end, open: false });
    at = end - 1;
  }
  return found;
}
