// The fields of a request's body that are no prompt, and what kind of text each is.
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import type { WafPlace } from './waf-rules.ts';

export interface BodyField {
  text: string;
  place: Extract<WafPlace, 'name' | 'note' | 'url'>;
}

/** What a model reads, or a secret: looked at elsewhere, and never here. */
const prompts: ReadonlySet<string> = new Set([
  'content',
  'context',
  'documents',
  'input',
  'instructions',
  'key',
  'message',
  'messages',
  'password',
  'prediction',
  'prompt',
  'query',
  'question',
  'stop',
  'suffix',
  'system',
  'template',
  'text',
  'texts',
]);
const maxDepth = 128;

export function fieldsOf(body: Json): BodyField[] {
  const found: BodyField[] = [];
  const name = (value: Json | undefined) => {
    if (typeof value === 'string') found.push({ text: value, place: 'name' });
  };
  if (!isObject(body)) return found;
  for (const [key, value] of Object.entries(body)) {
    if (key === 'metadata') notes(value, found, 0);
    else if (!prompts.has(key)) name(value);
  }
  for (const message of list(body['messages'])) readMessage(message, found, name);
  for (const item of list(body['input'])) readParts(item['content'], found);
  for (const tool of list(body['tools'])) {
    name(tool['type']);
    name(object(tool['function'])['name']);
  }
  name(object(object(body['tool_choice'])['function'])['name']);
  name(object(object(body['response_format'])['json_schema'])['name']);
  return found;
}

function readMessage(message: JsonObject, found: BodyField[], name: (value: Json | undefined) => void): void {
  for (const key of ['role', 'name', 'tool_name', 'tool_call_id']) name(message[key]);
  readParts(message['content'], found);
  for (const call of list(message['tool_calls'])) {
    name(call['id']);
    name(object(call['function'])['name']);
  }
}

/** Addresses of images and documents, given as a text or as {url}. A picture that comes along is no address. */
function readParts(content: Json | undefined, found: BodyField[]): void {
  for (const part of list(content)) {
    for (const [key, value] of Object.entries(part)) {
      if (!/ur[il]$/i.test(key)) continue;
      const text = typeof value === 'string' ? value : object(value)['url'];
      if (typeof text !== 'string') continue;
      found.push({ text: addressIn(text), place: 'url' });
    }
  }
}

/** Of a picture in place of its address only the beginning; one without a scheme is read as whoever adds one would. */
function addressIn(text: string): string {
  if (/^data:(?:image|audio|video|application\/pdf)/i.test(text)) return text.slice(0, 100);
  return /^\s*(?:[a-z][a-z0-9+.-]*:[/\\]|data:|https?:)/i.test(text) ? text : `//${text}`;
}

function notes(value: Json, found: BodyField[], depth: number): void {
  if (typeof value === 'string') found.push({ text: value, place: 'note' });
  else if (typeof value === 'object' && value !== null && depth < maxDepth)
    for (const [key, entry] of Object.entries(value)) {
      if (!Array.isArray(value)) found.push({ text: key, place: 'name' });
      notes(entry as Json, found, depth + 1);
    }
}

function list(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function object(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
