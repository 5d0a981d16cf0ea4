// Reading an upstream's JSON without trusting it: a wrong kind reads as absent, or as a malformed reply.
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import { MalformedReply, type ReplyEvent } from './dialect.ts';

export function asObject(value: Json | undefined): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new MalformedReply('read an object');
  return value;
}

export function asList(value: Json | undefined): Json[] {
  if (!Array.isArray(value)) throw new MalformedReply('read a list');
  return value;
}

export function objectOr(value: Json | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}

export function textOr(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function countOr(value: Json | undefined, otherwise: number): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}

export function parseReply(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new MalformedReply('read JSON');
  }
}

/** The upstream's model name, where it looks like one: it is shown to the caller. */
export function readModelName(value: Json | undefined): ReplyEvent[] {
  return typeof value === 'string' && /^[\w.:/@+-]{1,128}$/.test(value) ? [{ kind: 'model', model: value }] : [];
}
