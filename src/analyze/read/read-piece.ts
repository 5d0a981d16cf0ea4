// Reads one piece: parses it, finds its format, mends what is damaged.
import { type Lang, say } from '../../platform/i18n/say.ts';
import type { Conversation, ReadItem } from '../conversation.ts';
import { readPage, readText } from '../formats/capture.ts';
import { readEnvelope } from '../formats/embedded.ts';
import { readConversation, readEntries, recognise } from '../formats/recognise.ts';
import { isShape, type Shape, text } from '../formats/shape.ts';
import { decodeText, mend } from './mend.ts';
import type { Piece } from './piece.ts';

/** The conversations of a piece; when it holds none, one item that says why. Never throws for what the input holds. */
export function readPiece(piece: Piece, lang: Lang): ReadItem[] {
  const repairs = new Set(piece.repairs);
  try {
    const conversations = conversationsOf(piece, repairs);
    if (conversations.length === 0) return [nothing(piece, lang)];
    tellUnsent(conversations, piece);
    return conversations.map((conversation) => ({ kind: 'conversation', conversation: mend(conversation, repairs) }));
  } catch (error) {
    return [brokenPiece(piece, lang, error instanceof SyntaxError ? 'ERR_EXPORT_CORRUPT' : 'ERR_EXPORT_SHAPE')];
  }
}

function conversationsOf(piece: Piece, repairs: Set<string>): Conversation[] {
  const texts = piece.texts.map((bytes) => decodeText(bytes, repairs));
  if (piece.layout === 'entries') return entriesOf(piece, texts);
  if (piece.layout === 'value') return valuesOf(JSON.parse(texts[0] ?? '') as unknown, piece);
  return piece.layout === 'page' ? readPage(texts[0] ?? '', piece.place) : readText(texts[0] ?? '', piece.place);
}

/** A file that lies beside a chat and that no message names is told, since its text was not read. */
function tellUnsent(conversations: readonly Conversation[], { place: { files = {} } }: Piece): void {
  const sent = new Set(
    conversations.flatMap(({ messages }) =>
      messages.flatMap(({ parts }) => parts.flatMap((part) => (part.kind === 'attachment' ? [part.name] : []))),
    ),
  );
  const types = conversations[0]?.unread.unknownTypes ?? {};
  for (const name of Object.keys(files)) if (!sent.has(name)) types[`file ${name}`] = 1;
}

/** Entries that cannot be parsed are lost one by one, and said. */
function entriesOf(piece: Piece, texts: readonly string[]): Conversation[] {
  let lost = piece.lost;
  const values = texts.flatMap((line): Shape[] => {
    try {
      const value: unknown = JSON.parse(line);
      if (isShape(value)) return [value];
    } catch {}
    lost++;
    return [];
  });
  const conversations = readEntries(values, piece.place);
  const first = conversations[0];
  if (first !== undefined && lost > 0) {
    first.unread.unknownTypes['(damaged)'] = lost;
    first.unread.messages += lost;
  }
  return conversations;
}

function valuesOf(value: unknown, piece: Piece): Conversation[] {
  if (Array.isArray(value)) return readEntries(value.filter(isShape), piece.place);
  if (!isShape(value)) return [];
  const one = readConversation(value, piece.place);
  if (one !== null) return [one];
  if (recognise(value) === 'entry') return readEntries([value], piece.place);
  return readEnvelope(value, piece.place);
}

function nothing(piece: Piece, lang: Lang): ReadItem {
  if (piece.amongConversations) return brokenPiece(piece, lang, 'ERR_EXPORT_SHAPE');
  const why = say(
    lang,
    piece.layout === 'value' || piece.layout === 'entries' ? 'read.noConversation' : 'read.notJson',
  );
  return { kind: 'not-a-conversation', source: piece.place.source, why };
}

function brokenPiece(piece: Piece, lang: Lang, code: 'ERR_EXPORT_CORRUPT' | 'ERR_EXPORT_SHAPE'): ReadItem {
  const known = headOf(piece);
  return {
    kind: 'broken',
    source: piece.place.source,
    id: text(known['conversation_id'] ?? known['id'] ?? known['uuid']) || `damaged-${piece.position + 1}`,
    title: text(known['title'] ?? known['name']) || null,
    format: 'mapping' in known ? 'chatgpt' : 'chat_messages' in known ? 'claude' : 'unknown',
    code,
    why: say(lang, code),
  };
}

/** What names the conversation, where at least that can be read. */
function headOf({ texts }: Piece): Shape {
  const head = Buffer.from((texts[0] ?? new Uint8Array()).subarray(0, 4_096)).toString();
  try {
    const whole: unknown = JSON.parse(Buffer.from(texts[0] ?? new Uint8Array()).toString());
    if (isShape(whole)) return whole;
  } catch {}
  const found: Record<string, unknown> = {};
  for (const [, key, value] of head.matchAll(
    /"(conversation_id|id|uuid|title|name|mapping|chat_messages)"\s*:\s*("(?:[^"\\]|\\.){0,300}"|[{[])/g,
  )) {
    if (key !== undefined && value !== undefined && !(key in found))
      found[key] = value.startsWith('"') ? safe(value) : [];
  }
  return found;
}

function safe(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return '';
  }
}
