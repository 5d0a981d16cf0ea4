// Claude Code's logs: one event per line, several sessions in a file, side chains beside the main thread.
import { type Documents, noDocuments } from '../extract/document-versions.ts';
import { readBlocks } from './anthropic-blocks.ts';
import { type Draft, draft } from './draft.ts';
import type { EntriesReader } from './format-reader.ts';
import { authorOf } from './roles.ts';
import { firstText, instant, isShape, list, type Shape, shape, shapes, text, textsWithin } from './shape.ts';

const spoken = new Set(['user', 'assistant', 'system']);
/** Events about the session, in which nobody says anything. */
const silent = new Set([
  'file-history-snapshot',
  'last-prompt',
  'mode',
  'permission-mode',
  'agent-name',
  'agent-color',
  'custom-title',
  'ai-title',
  'pr-link',
  'bridge-session',
]);
const noted = new Set(['summary', 'progress', 'queue-operation', 'attachment', 'hook']);

export const claudeCode: EntriesReader = {
  recognises: (entry) =>
    (spoken.has(text(entry['type'])) && (isShape(entry['message']) || 'sessionId' in entry)) ||
    (entry['type'] === 'summary' && 'leafUuid' in entry) ||
    ((noted.has(text(entry['type'])) || silent.has(text(entry['type']))) &&
      ('sessionId' in entry || 'messageId' in entry)),
  read(entries, place) {
    const titles = new Map(
      entries.flatMap((e) => (e['type'] === 'summary' ? [[text(e['leafUuid']), text(e['summary'])] as const] : [])),
    );
    // A line without a session (a snapshot, a summary) belongs to the one at hand.
    let session = entries.map((entry) => text(entry['sessionId'])).find((id) => id !== '') ?? '';
    const sessions = Map.groupBy(entries, (entry) => {
      session = text(entry['sessionId']) || session;
      return session;
    });
    return [...sessions].map(([id, events]) => {
      const title = events
        .map((event) => titles.get(text(event['uuid'])) ?? firstText(event['customTitle'], event['aiTitle']))
        .find((found) => found != null);
      const conversation = draft('claude-code', place, { id, title: title ?? null });
      let documents: Documents = noDocuments;
      for (const event of events) documents = sayEvent(conversation, event, documents);
      return conversation.finish();
    });
  },
};

function sayEvent(into: Draft, event: Shape, before: Documents): Documents {
  const type = text(event['type']);
  const at = instant(event['timestamp']);
  const branch = event['isSidechain'] === true ? `side-${text(event['agentId']) || '1'}` : 'main';
  if (!spoken.has(type)) {
    if (silent.has(type)) return before;
    const said = textsWithin(event['content'] ?? event['summary'] ?? event['data'] ?? event['attachment'] ?? event);
    if (type === 'summary' || (noted.has(type) && said.length === 0)) return before;
    into.say({
      author: 'system',
      parts: said.map((part) => ({ kind: 'output', text: part })),
      at,
      branch,
      hidden: true,
      unknown: noted.has(type) ? [] : [`event ${type}`],
    });
    return before;
  }
  const message = shape(event['message']);
  const blocks = readBlocks(message['content'] ?? event['content'] ?? '', before);
  const role = authorOf(message['role'] ?? type) ?? 'system';
  const results = shapes(message['content']).filter((block) => block['type'] === 'tool_result').length;
  into.say({
    // A message that only carries results was sent by the tools, in the user's name.
    author: results > 0 && results === list(message['content']).length ? 'tool' : role,
    parts: blocks.parts,
    branch,
    at,
    model: role === 'assistant' ? firstText(message['model']) : null,
    hidden: event['isMeta'] === true,
    failed: blocks.failed || event['isApiErrorMessage'] === true,
    unknown: blocks.unknown,
  });
  return blocks.after;
}
