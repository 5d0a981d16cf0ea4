// Cuts a message that is far longer than anything written or read by people, so that one alone takes neither the memory nor the time of all others.
import type { Conversation, Message, Part } from '../conversation.ts';

/** A million tokens are about half of this. Read to its end, one message of 25 MB took 7 s of processor time and 660 MB. */
export const mostMessageChars = 8_000_000;

export interface WithinReach {
  conversation: Conversation;
  /** Messages that are read up to the limit only, and how many characters each has. */
  cut: { messageIndex: number; length: number }[];
}

/** The conversation as it was given, unless a message is longer than `most`. */
export function withinReach(conversation: Conversation, most = mostMessageChars): WithinReach {
  const cut: WithinReach['cut'] = [];
  const messages = conversation.messages.map((message) => {
    const length = message.parts.reduce((sum, { text }) => sum + (text?.length ?? 0), 0);
    if (length <= most) return message;
    cut.push({ messageIndex: message.index, length });
    return shortened(message, most);
  });
  return { conversation: cut.length === 0 ? conversation : { ...conversation, messages }, cut };
}

function shortened(message: Message, most: number): Message {
  let left = most;
  const parts = message.parts.map((part): Part => {
    if (part.text === null) return part;
    const text = part.text.length <= left ? part.text : upToLine(part.text, left);
    left = Math.max(0, left - part.text.length);
    return { ...part, text };
  });
  return { ...message, parts };
}

/** The whole lines within the limit; a text of one line is cut in it. */
function upToLine(text: string, most: number): string {
  const end = most > 0 ? text.lastIndexOf('\n', most - 1) + 1 : 0;
  return text.slice(0, end > 0 ? end : most).toWellFormed();
}
