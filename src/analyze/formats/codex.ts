// Codex's logs: a session's items line by line, in today's envelopes or, older, bare.
import { draft } from './draft.ts';
import type { EntriesReader } from './format-reader.ts';
import { isMessage, sayItem } from './openai.ts';
import { firstText, instant, isShape, type Shape, shape, text, textsWithin } from './shape.ts';

const envelopes = new Set([
  'session_meta',
  'turn_context',
  'response_item',
  'event_msg',
  'compacted',
  'world_state',
  'ghost_snapshot',
]);
/** Events repeat what the items say, or tell of the session. */
const silentItems = new Set(['token_count', 'ghost_snapshot', 'other', 'compaction', 'context_compaction']);

export const codex: EntriesReader = {
  recognises: (entry) =>
    (envelopes.has(text(entry['type'])) && isShape(entry['payload'])) ||
    ('instructions' in entry && 'timestamp' in entry && 'id' in entry) ||
    'record_type' in entry,
  read(entries, place) {
    const meta = entries.map((entry) =>
      entry['type'] === 'session_meta' ? shape(entry['payload']) : 'instructions' in entry ? entry : {},
    );
    const about = meta.find((found) => 'id' in found) ?? {};
    const conversation = draft('codex', place, { id: about['id'], title: null });
    const hasItems = entries.some((entry) => entry['type'] === 'response_item' || isMessage(entry));
    let model = firstText(about['model']);
    const instructions = firstText(shape(about['base_instructions'])['text'], about['instructions']);
    if (instructions !== null)
      conversation.say({ author: 'system', parts: [{ kind: 'prose', text: instructions }], hidden: true });
    for (const entry of entries) {
      const type = text(entry['type']);
      const payload = shape(entry['payload']);
      if (type === 'turn_context') model = firstText(payload['model'], shape(payload['turn_context'])['model'], model);
      else if (type === 'compacted') sayCompacted(conversation, entry, payload);
      else if (type === 'event_msg') {
        if (!hasItems) sayEvent(conversation, entry, payload, model);
      } else
        sayLine(conversation, type === 'response_item' ? { timestamp: entry['timestamp'], ...payload } : entry, model);
    }
    return [conversation.finish()];
  },
};

type Into = ReturnType<typeof draft>;

function sayLine(into: Into, item: Shape, model: string | null): void {
  const type = text(item['type']);
  if (silentItems.has(type) || envelopes.has(type) || 'record_type' in item || 'instructions' in item) return;
  if (isMessage(item)) {
    sayItem(into, item, model);
    return;
  }
  const said = textsWithin(item);
  into.say({
    author: 'system',
    parts: said.map((part) => ({ kind: 'output', text: part })),
    unknown: [`item ${type}`],
  });
}

function sayCompacted(into: Into, entry: Shape, payload: Shape): void {
  const said = textsWithin(payload['message']).join('\n');
  into.say({
    author: 'system',
    parts: said === '' ? [] : [{ kind: 'prose', text: said }],
    at: instant(entry['timestamp']),
    hidden: true,
  });
}

/** Only where a log holds no items at all. */
function sayEvent(into: Into, entry: Shape, payload: Shape, model: string | null): void {
  const type = text(payload['type']);
  if (type !== 'user_message' && type !== 'agent_message' && type !== 'agent_reasoning') return;
  const author = type === 'user_message' ? 'user' : 'assistant';
  const said = firstText(payload['message'], payload['text']) ?? '';
  into.say({
    author,
    parts: [{ kind: 'prose', text: said }],
    at: instant(entry['timestamp']),
    model: author === 'assistant' ? model : null,
  });
}
