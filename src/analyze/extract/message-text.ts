// The text of a message as one piece: what line numbers of findings count in.
import type { Message, Part } from '../conversation.ts';

/** Its parts, each beginning on a line of its own. */
export function messageText(message: Message): string {
  return message.parts.map(partText).join('\n');
}

export function partText(part: Part): string {
  return part.text ?? '';
}
