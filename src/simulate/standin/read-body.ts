// Reads a request's JSON body, and says in the dialect's own words what is wrong with it.
import type { IncomingMessage } from 'node:http';
import type { Dialect } from '../../platform/wire/dialect.ts';
import { type ProviderAnswer, providerErrorBody } from '../../platform/wire/provider-error-bodies.ts';
import { type Body, isRecord } from './api.ts';

export type BodyRead = { kind: 'body'; body: Body } | { kind: 'refused'; answer: ProviderAnswer } | { kind: 'gone' };

const maxBytes = 10 * 1_048_576;

export async function readBody(request: IncomingMessage, dialect: Dialect): Promise<BodyRead> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Not destroyed on return: its socket still carries the refusal.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      size += (chunk as Buffer).length;
      if (size > maxBytes) return refused(dialect, 413, 'The request is too large');
      chunks.push(chunk as Buffer);
    }
  } catch {
    // The client went away while it was still sending.
    return { kind: 'gone' };
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '' && dialect === 'ollama') return refused(dialect, 400, 'missing request body');
  try {
    const body: unknown = JSON.parse(text);
    if (isRecord(body)) return { kind: 'body', body };
  } catch {
    // Answered below, like JSON that is no object.
  }
  return refused(dialect, dialect === 'mistral' ? 422 : 400, 'We could not parse the JSON body of your request.');
}

function refused(dialect: Dialect, status: number, message: string): BodyRead {
  return {
    kind: 'refused',
    answer: providerErrorBody(dialect, 'invalid-request', {
      status,
      message,
      type: dialect === 'mistral' ? 'json_invalid' : undefined,
    }),
  };
}
