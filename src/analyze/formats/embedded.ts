// Conversations inside other values: envelopes, extension dumps, the data that a saved page carries in its scripts.
import type { Conversation } from '../conversation.ts';
import type { Place } from './draft.ts';
import { unescaped } from './html.ts';
import { readConversation, recognise } from './recognise.ts';
import { isShape, list, parsed, type Shape } from './shape.ts';

/** How deep an envelope may hold its conversations, and how many values are looked at. */
const depthLimit = 8;
const looks = 20_000;

/** All conversations below a value that is none itself, outermost first. */
export function readEnvelope(value: unknown, place: Place): Conversation[] {
  const found: Conversation[] = [];
  let looked = 0;
  const visit = (inner: unknown, depth: number): void => {
    if (depth > depthLimit || looked++ > looks || typeof inner !== 'object' || inner === null) return;
    if (isShape(inner) && recognise(inner) === 'conversation') {
      const conversation = readConversation(inner, place);
      if (conversation !== null) found.push(conversation);
      return;
    }
    // The page's own data is the most complete: what an extension read off the screen repeats it.
    const native = isShape(inner) ? inner['raw_provider_payload'] : undefined;
    if (isShape(native) && recognise(native) === 'conversation') {
      visit(native, depth + 1);
      return;
    }
    for (const next of isShape(inner) ? Object.values(inner) : list(inner)) visit(next, depth + 1);
  };
  visit(value, 0);
  return found;
}

/** The data of a page: JSON scripts, and the stream that React Router flattens into a list of references. */
export function readEmbedded(html: string, place: Place): Conversation[] {
  const found: Conversation[] = [];
  for (const [, body] of html.matchAll(/<script[^>]*type=["']application\/json["'][^>]*>([\s\S]*?)<\/script>/gi)) {
    found.push(...readEnvelope(parsed(body) ?? parsed(unescaped(body ?? '')), place));
  }
  for (const [, quoted] of html.matchAll(/streamController\.enqueue\(\s*("(?:[^"\\]|\\[\s\S])*")\s*\)/g)) {
    const line = parsed(quoted);
    if (typeof line !== 'string') continue;
    const flat = parsed(line.trim());
    if (Array.isArray(flat)) found.push(...readEnvelope(unflattened(flat), place));
  }
  return found;
}

/** turbo-stream's form: values by index; an object's keys are `_N`, negative indices stand for undefined, null, NaN … */
export function unflattened(flat: readonly unknown[]): unknown {
  const built = new Map<number, unknown>();
  const at = (index: unknown): unknown => {
    if (typeof index !== 'number' || index < 0) return null;
    if (built.has(index)) return built.get(index);
    const value = flat[index];
    if (Array.isArray(value)) {
      // A leading text marks a type (a date, a promise): its content is what counts.
      if (typeof value[0] === 'string') return at(value[1]) ?? value[1];
      const out: unknown[] = [];
      built.set(index, out);
      for (const inner of value) out.push(at(inner));
      return out;
    }
    if (isShape(value)) {
      const out: Record<string, unknown> = {};
      built.set(index, out);
      for (const [key, inner] of Object.entries(value)) {
        const name = flat[Number(key.slice(1))];
        if (typeof name === 'string' && name !== '__proto__') out[name] = at(inner);
      }
      return out;
    }
    return value;
  };
  try {
    return at(0);
  } catch {
    // Deeper than the stack: hostile, since no page is.
    return null;
  }
}

export type { Shape };
