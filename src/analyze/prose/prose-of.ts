// The prose of a message: what is said outside code fences, with its lines where they were.
import type { Message } from '../conversation.ts';

const fence = /^[ \t>]*(`{3,}|~{3,})/;

/** Lines of fenced code become empty, so that a line number of the result is one of the message. */
export function proseOf(message: Message): string {
  return message.parts
    .filter((part) => part.kind === 'prose')
    .map((part) => (/```|~~~/.test(part.text) ? withoutFences(part.text) : part.text))
    .join('\n');
}

function withoutFences(text: string): string {
  let open: string | null = null;
  return text
    .split('\n')
    .map((line) => {
      const mark = fence.exec(line)?.[1];
      if (open === null) {
        if (mark === undefined) return line;
        open = mark;
        return '';
      }
      if (mark?.startsWith(open) === true && line.trim().replace(/^[>\s]*/, '') === mark) open = null;
      return '';
    })
    .join('\n');
}
