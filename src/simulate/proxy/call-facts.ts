// What a call to a model says about itself: whose it is, which conversation, which marker. Keys only ever as hashes.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Dialect } from '../../platform/wire/dialect.ts';
import { lastMarker } from '../targets/marker.ts';

export interface CallFacts {
  method: string;
  path: string;
  dialect: Dialect;
  /** SHA-256 of the key, in hex; null without a key. */
  keyHash: string | null;
  marker: string | null;
  /** What the caller names its conversation, else a hash of its first question: a model is sent every earlier turn again. */
  conversation: string | null;
}

export function callFacts(req: IncomingMessage, body: Buffer, dialect: Dialect | undefined): CallFacts {
  const text = body.toString('utf8');
  const path = (req.url ?? '/').split('?')[0] ?? '/';
  return {
    method: req.method ?? 'GET',
    path,
    dialect: dialect ?? dialectOf(path),
    keyHash: keyHash(req),
    marker: lastMarker(text),
    conversation: conversationOf(req, text),
  };
}

function dialectOf(path: string): Dialect {
  if (path.startsWith('/api/')) return 'ollama';
  return path.startsWith('/mistral') || path.includes('/fim/') ? 'mistral' : 'openai';
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function keyHash({ headers }: IncomingMessage): string | null {
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const given = bearer ?? headers['x-api-key'] ?? headers['api-key'];
  return typeof given === 'string' && given !== '' ? sha256(given) : null;
}

const names = ['conversation', 'conversation_id', 'conversationId', 'session_id', 'thread_id', 'chat_id'];

function conversationOf(req: IncomingMessage, text: string): string | null {
  const header = req.headers['x-conversation-id'];
  if (typeof header === 'string' && header !== '') return header;
  const root = parse(text);
  for (const from of [root, asObject(root['metadata'])]) {
    for (const name of names) if (typeof from[name] === 'string' && from[name] !== '') return from[name];
  }
  const turns = Array.isArray(root['messages']) ? root['messages'].map(asObject) : [];
  const first = turns.find((turn) => turn['role'] === 'user')?.['content'] ?? root['prompt'];
  return first === undefined ? null : sha256(JSON.stringify(first)).slice(0, 16);
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return {};
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
