// ShareGPT's shape, and exporters that name speaker and text in other words.
import type { Part } from '../conversation.ts';
import { draft, type Place } from './draft.ts';
import type { ConversationReader, EntriesReader } from './format-reader.ts';
import { authorOf } from './roles.ts';
import { firstText, instant, isShape, list, type Shape, shapes, text, textsWithin } from './shape.ts';

const speakerKeys = ['from', 'sender', 'author', 'speaker', 'role', 'type', 'user'];
const textKeys = ['value', 'text', 'content', 'message', 'body', 'markdown', 'say', 'data'];

/** A turn says who speaks in one key and what in another. */
function isTurn(value: unknown): value is Shape {
  return isShape(value) && speakerOf(value) !== null && textKeys.some((key) => key in value);
}

function speakerOf(turn: Shape) {
  // The name beside it is a person's or a model's own.
  if (typeof turn['isCreatedByUser'] === 'boolean') return turn['isCreatedByUser'] ? 'user' : 'assistant';
  for (const key of speakerKeys) {
    const author = authorOf(isShape(turn[key]) ? (turn[key]['role'] ?? turn[key]['name']) : turn[key]);
    if (author !== null) return author;
  }
  return null;
}

function saidBy(turn: Shape): Part[] {
  const value = textKeys.map((key) => turn[key]).find((held) => held !== undefined && held !== null);
  const code = shapes(value).some(isCode);
  if (code) return shapes(value).flatMap(pieceOf);
  const said = typeof value === 'string' ? value : textsWithin(value).join('\n');
  return said === '' ? [] : [{ kind: speakerOf(turn) === 'tool' ? 'output' : 'prose', text: said }];
}

/** Some exporters cut what was said into pieces as a page shows them. */
function isCode(piece: Shape): boolean {
  return (piece['type'] === 'pre' || piece['type'] === 'code') && typeof piece['data'] === 'string';
}

function pieceOf(piece: Shape): Part[] {
  if (isCode(piece)) return [{ kind: 'code', text: text(piece['data']), language: firstText(piece['language']) }];
  return textsWithin(piece).map((said) => ({ kind: 'prose', text: said }));
}

const listKeys = [
  'conversations',
  'conversation',
  'items',
  'turns',
  'messages',
  'chats',
  'chat',
  'dialogue',
  'history',
  'entries',
  'log',
];

function turnsOf(value: Shape): readonly unknown[] | null {
  for (const key of listKeys) {
    const held = value[key];
    if (Array.isArray(held) && held.length > 0 && held.slice(0, 5).some(isTurn)) return held;
  }
  return null;
}

function read(turns: readonly unknown[], place: Place, value: Shape) {
  const isShareGpt = shapes(turns).some((turn) => 'from' in turn && 'value' in turn);
  const conversation = draft(isShareGpt ? 'sharegpt' : 'capture', place, {
    id: firstText(value['id'], value['uuid'], value['conversation_id']),
    title: firstText(
      value['title'],
      value['name'],
      isShape(value['meta']) ? value['meta']['title'] : null,
      isShape(value['metadata']) ? value['metadata']['title'] : null,
    ),
  });
  const model = firstText(value['model'], isShape(value['metadata']) ? value['metadata']['model'] : null);
  const system = firstText(value['system'], value['system_prompt']);
  if (system !== null) conversation.say({ author: 'system', parts: [{ kind: 'prose', text: system }] });
  for (const entry of turns) {
    const turn = isShape(entry) ? entry : {};
    const author = speakerOf(turn);
    conversation.say({
      author: author ?? 'system',
      parts: author === null ? textsWithin(entry).map((said) => ({ kind: 'prose', text: said })) : saidBy(turn),
      at: instant(turn['timestamp'] ?? turn['time'] ?? turn['created_at'] ?? turn['createdAt'] ?? turn['date']),
      model: author === 'assistant' ? firstText(turn['model'], model) : null,
      unknown: author === null ? [`speaker ${text(turn['from'] ?? turn['role'] ?? turn['type'])}`] : [],
    });
  }
  return conversation.finish();
}

export const sharegpt: ConversationReader = {
  recognises: (value) => turnsOf(value) !== null,
  read: (value, place) => read(turnsOf(value) ?? list([]), place, value),
};

export const sharegptEntries: EntriesReader = {
  recognises: isTurn,
  read: (entries, place) => [read(entries, place, {})],
};
