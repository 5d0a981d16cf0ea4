// Ids for tool calls whose provider gives none, in the form that each dialect's servers accept.
import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../../../platform/base/json.ts';

/** The same for the same call of the same answer, so that a stream may name it twice. Mistral takes nine letters and digits only. */
export function mintToolId(answer: string, index: number, dialect: 'openai' | 'mistral'): string {
  const digest = createHash('sha256').update(`${answer}\0${index}`).digest('hex');
  return dialect === 'mistral' ? digest.slice(0, 9) : `call_${digest.slice(0, 24)}`;
}

const short = /^[a-zA-Z0-9]{9}$/;

/** Messages whose calls Mistral takes: it refuses any other id, also one that another provider gave earlier in the conversation. */
export function withShortIds(messages: readonly JsonObject[]): JsonObject[] {
  const shortened = (id: Json | undefined) =>
    typeof id === 'string' && !short.test(id) ? mintToolId(id, 0, 'mistral') : id;
  return messages.map((message) => {
    const { tool_calls: calls, tool_call_id: id } = message;
    if (calls === undefined && id === undefined) return message;
    return {
      ...message,
      ...(id === undefined ? {} : { tool_call_id: shortened(id)! }),
      ...(Array.isArray(calls)
        ? { tool_calls: (calls as JsonObject[]).map((call) => ({ ...call, ...asGiven('id', shortened(call['id'])) })) }
        : {}),
    };
  });
}

function asGiven(key: string, value: Json | undefined): JsonObject {
  return value === undefined ? {} : { [key]: value };
}
