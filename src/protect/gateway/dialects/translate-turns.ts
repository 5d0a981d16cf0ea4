// Messages of one family of dialects said in the other's words: tool calls, their results and images among them.
import { RempartError } from '../../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../../platform/base/json.ts';
import type { ChatCall, Turn } from './dialect.ts';
import { objectOr, textOr } from './json-reading.ts';
import { mintToolId } from './tool-ids.ts';

export function untranslatable(field: string): RempartError {
  return new RempartError('ERR_BODY_UNTRANSLATABLE', { field });
}

/** Messages of OpenAI's or Mistral's grammar for Ollama. Throws ERR_BODY_UNTRANSLATABLE. */
export function turnsForOllama({ turns }: ChatCall): JsonObject[] {
  const nameOf = new Map<string, string>();
  return turns.map(({ role, text, native }, index) => {
    const place = `messages[${index}]`;
    const message: JsonObject = { role, content: text };
    const images = imagesOf(native, place);
    if (images.length > 0) message['images'] = images;
    const calls = listOf(native['tool_calls']);
    if (calls.length > 0)
      message['tool_calls'] = calls.map((call) => {
        const { name = '', arguments: args } = objectOr(call['function']) ?? {};
        const id = textOr(call['id']);
        if (id !== undefined) nameOf.set(id, name as string);
        const read = argumentsObject(args);
        if (read === undefined) throw untranslatable(`${place}.tool_calls`);
        return { ...(id === undefined ? {} : { id }), function: { name, arguments: read } };
      });
    if (role === 'tool') {
      const id = textOr(native['tool_call_id']);
      const name = textOr(native['name']) ?? (id === undefined ? undefined : nameOf.get(id));
      if (name !== undefined) message['tool_name'] = name;
      if (id !== undefined) message['tool_call_id'] = id;
    }
    return message;
  });
}

/** Arguments as the object that Ollama has; undefined when they are no such thing. */
export function argumentsObject(value: Json | undefined): JsonObject | undefined {
  if (typeof value !== 'string') return objectOr(value ?? {});
  if (value.trim() === '') return {};
  try {
    return objectOr(JSON.parse(value) as Json);
  } catch {
    return undefined;
  }
}

/** Only images that are in the request itself: Ollama fetches none, and neither do we. */
function imagesOf({ content }: JsonObject, place: string): string[] {
  return listOf(content).flatMap((part) => {
    if (part['type'] !== 'image_url') return [];
    const given = part['image_url'];
    const url = textOr(given) ?? textOr(objectOr(given)?.['url']) ?? '';
    const data = /^data:image\/[\w.+-]+;base64,/.exec(url);
    if (data === null) throw untranslatable(`${place}.content`);
    return [url.slice(data[0].length)];
  });
}

/** Ollama's messages for OpenAI's or Mistral's grammar: there a result names the call it answers, so each call gets an id. */
export function turnsFromOllama({ turns }: ChatCall, to: 'openai' | 'mistral'): JsonObject[] {
  const open: { id: string; name: string }[] = [];
  let minted = 0;
  return turns.map(({ role, text, native }): JsonObject => {
    if (role === 'tool') {
      const given = textOr(native['tool_call_id']);
      const name = textOr(native['tool_name']);
      const named = open.findIndex((call) => (given === undefined ? call.name === name : call.id === given));
      const [answered] = open.splice(Math.max(0, named), 1);
      const id = given ?? answered?.id ?? mintToolId(`call ${minted++}`, 0, to);
      return { role, content: text, tool_call_id: id, ...(to === 'mistral' && name !== undefined ? { name } : {}) };
    }
    const calls = listOf(native['tool_calls']).map((call) => {
      const { name = '', arguments: args = {} } = objectOr(call['function']) ?? {};
      const id = textOr(call['id']) ?? mintToolId(`call ${minted++}`, 0, to);
      open.push({ id, name: name as string });
      return { id, type: 'function', function: { name, arguments: JSON.stringify(args) } };
    });
    return {
      role,
      content: withImages(text, native['images']),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
  });
}

/** Text alone, or text and images as parts. */
export function withImages(text: string, images: Json | undefined): Json {
  if (!Array.isArray(images) || images.length === 0) return text;
  return [
    ...(text === '' ? [] : [{ type: 'text', text }]),
    ...(images as string[]).map((image) => ({
      type: 'image_url',
      image_url: { url: `data:image/${imageType(image)};base64,${image}` },
    })),
  ];
}

/** By the first bytes, which Ollama's images come without a name for. */
function imageType(base64: string): string {
  if (base64.startsWith('/9j/')) return 'jpeg';
  if (base64.startsWith('R0lG')) return 'gif';
  return base64.startsWith('UklG') ? 'webp' : 'png';
}

function listOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? (value as JsonObject[]) : [];
}

/** A prompt, with what stands before it, as the messages of a chat. */
export function promptTurns(turns: readonly Turn[]): JsonObject[] {
  return turns.map(({ role, text, native }) => ({ role, content: withImages(text, native['images']) }));
}
