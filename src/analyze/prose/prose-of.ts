// The prose of a message: what is said outside its code, with every line where it was.
import type { Message, Part } from '../conversation.ts';
import { fencesOf } from '../extract/fences.ts';
import { linesOf } from '../extract/lines-of.ts';

/** Lines of code become empty, so that a line number of the result is one of the message. */
export function proseOf(message: Message): string {
  return message.parts
    .map((part) => (part.kind === 'prose' ? withoutFences(part) : (part.text ?? '').replace(/[^\r\n]+/g, '')))
    .join('\n');
}

function withoutFences(part: Part): string {
  const text = part.text ?? '';
  const fences = fencesOf(part);
  if (fences.length === 0) return text;
  const lines = linesOf(text);
  for (const { firstLine, lastLine } of fences) lines.fill('', firstLine - 1, lastLine);
  return lines.join('\n');
}
