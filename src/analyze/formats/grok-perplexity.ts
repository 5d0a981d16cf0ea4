// Grok's export and the dumps of Perplexity's threads.
import { draft } from './draft.ts';
import type { ConversationReader } from './format-reader.ts';
import { authorOf } from './roles.ts';
import { firstText, instant, isShape, list, parsed, type Shape, shape, shapes, text, textsWithin } from './shape.ts';

export const grok: ConversationReader = {
  recognises: (value) => isShape(value['conversation']) && Array.isArray(value['responses']),
  read(value, place) {
    const about = shape(value['conversation']);
    const conversation = draft('grok', place, {
      id: firstText(about['id'], about['conversation_id']),
      title: about['title'],
    });
    for (const entry of list(value['responses'])) {
      const response = shape(shape(entry)['response'] ?? entry);
      const author =
        authorOf(response['sender']) ?? (/grok|assistant/i.test(text(response['sender'])) ? 'assistant' : null);
      const said = firstText(response['message'], response['text']) ?? '';
      const thought = firstText(response['thinking_trace']);
      conversation.say({
        author: author ?? 'system',
        parts: [
          ...(thought === null ? [] : [{ kind: 'prose', text: thought } as const]),
          ...(said === '' ? [] : [{ kind: 'prose', text: said } as const]),
          ...[...shapes(response['file_attachments']), ...shapes(response['fileAttachments'])].map(
            (file) =>
              ({
                kind: 'attachment',
                name: firstText(file['file_name'], file['fileName'], file['id']) ?? 'attachment',
                text: null,
              }) as const,
          ),
        ],
        at: instant(dateOf(response['create_time'])),
        model: author === 'assistant' ? firstText(response['model']) : null,
        failed: response['error'] != null && response['error'] !== '',
        unknown: author === null ? [`sender ${text(response['sender'])}`] : [],
      });
    }
    return conversation.finish();
  },
};

/** MongoDB's way of writing a date. */
function dateOf(value: unknown): unknown {
  if (!isShape(value)) return value;
  const date = value['$date'];
  return isShape(date) ? Number(date['$numberLong']) : date;
}

export const perplexity: ConversationReader = {
  recognises: (value) =>
    Array.isArray(value['entries']) &&
    shapes(value['entries']).some((entry) => 'query_str' in entry || 'query' in entry),
  read(value, place) {
    const about = shape(value['thread_metadata'] ?? value['metadata']);
    const entries = shapes(value['entries']);
    const conversation = draft('perplexity', place, {
      id: firstText(about['id'], about['uuid'], entries[0]?.['thread_url_slug']),
      title: firstText(about['title'], entries[0]?.['thread_title']),
    });
    for (const entry of entries) {
      const at = instant(entry['entry_created_datetime'] ?? entry['updated_datetime'] ?? entry['created_at']);
      conversation.say({
        author: 'user',
        parts: [{ kind: 'prose', text: firstText(entry['query_str'], entry['query']) ?? '' }],
        at,
      });
      const said = answerOf(entry);
      conversation.say({
        author: 'assistant',
        parts: said === '' ? [] : [{ kind: 'prose', text: said }],
        at,
        model: firstText(entry['display_model'], entry['model']),
      });
    }
    return conversation.finish();
  },
};

function answerOf(entry: Shape): string {
  const blocks = shapes(entry['blocks'])
    .map((block) => text(shape(block['markdown_block'])['answer']))
    .filter((said) => said !== '');
  if (blocks.length > 0) return blocks.join('\n\n');
  const held = firstText(entry['answer'], entry['text'], entry['response']) ?? '';
  const inner = held.startsWith('{') || held.startsWith('[') ? parsed(held) : undefined;
  return isShape(inner) ? (firstText(inner['answer']) ?? textsWithin(inner).join('\n')) : held;
}
