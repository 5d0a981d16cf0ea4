// Ids for tool calls whose provider gives none, in the form that each dialect's servers accept.
import { createHash } from 'node:crypto';

/** The same for the same call of the same answer, so that a stream may name it twice. Mistral takes nine letters and digits only. */
export function mintToolId(answer: string, index: number, dialect: 'openai' | 'mistral'): string {
  const digest = createHash('sha256').update(`${answer}\0${index}`).digest('hex');
  return dialect === 'mistral' ? digest.slice(0, 9) : `call_${digest.slice(0, 24)}`;
}
