// One message of a conversation, as the chatbot keeps it.
import { createHash, randomUUID } from 'node:crypto';

export interface Message {
  id: string;
  /** Whose conversation it is. */
  subject: string;
  conversation: string;
  role: 'user' | 'assistant';
  text: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** False for an answer that stopped before its end. */
  complete: boolean;
  /** An answer that the assistant's model did not write: never given back to it as its own words. */
  limited: boolean;
}

/**
 * The ids of a question and of its answer: the same for every retry of a request that carries an id of its own.
 * `attempt` counts the answers that were cut.
 */
export function messageIds(subject: string, requestId: string | undefined, attempt = 0) {
  if (requestId === undefined) return { question: randomUUID(), answer: randomUUID() };
  const id = (...role: (string | number)[]) =>
    createHash('sha256')
      .update(JSON.stringify([subject, requestId, ...role]))
      .digest('base64url')
      .slice(0, 32);
  return { question: id('question'), answer: id('answer', attempt) };
}
