// ChatGPT beside its main export: decoded share pages and group chats.

import { readContent } from './chatgpt-content.ts';
import { draft } from './draft.ts';
import type { ConversationReader } from './format-reader.ts';
import { type TreeNode, walkTree } from './message-tree.ts';
import { authorOf } from './roles.ts';
import { firstText, instant, list, type Shape, shape, shapes, text, textOrNull } from './shape.ts';

/** A shared conversation, decoded: a flat list whose entries name their parents. */
export const chatgptShare: ConversationReader = {
  recognises: (value) =>
    Array.isArray(value['messages']) &&
    ('shared_conversation_id' in value ||
      (value['messages'].length > 0 && shapes(value['messages']).every((m) => 'node_id' in m && 'role' in m))),
  read(value, place) {
    const conversation = draft('chatgpt', place, {
      id: firstText(value['shared_conversation_id'], value['conversation_id'], value['id']),
      title: value['title'],
    });
    const messages = new Map(
      list(value['messages']).map((m, i) => [text(shape(m)['node_id']) || `message-${i}`, shape(m)] as const),
    );
    const nodes = new Map<string, TreeNode>([...messages].map(([id, m], i, all) => [id, nodeOf(m, i, all)]));
    for (const { id, branch } of walkTree(nodes, textOrNull(value['current_node']))) {
      const message = messages.get(id) ?? {};
      const author = authorOf(message['role'] ?? shape(message['author'])['role']);
      const content = readContent(firstText(message['text']) ?? message['content'] ?? '');
      conversation.say({
        author: author ?? 'system',
        parts: content.parts,
        branch,
        at: instant(message['create_time'] ?? message['created_at']),
        model: author === 'assistant' ? firstText(message['model'], message['model_slug'], value['model']) : null,
        hidden: content.hidden,
        unknown: author === null ? [...content.unknown, `role ${text(message['role'])}`] : content.unknown,
      });
    }
    return conversation.finish();
  },
};

/** Where nobody names a parent, each message follows the one before. */
function nodeOf(message: Shape, i: number, all: readonly (readonly [string, Shape])[]): TreeNode {
  if ('parent' in message || 'children' in message) {
    return { parent: textOrNull(message['parent']), children: list(message['children']).map(text) };
  }
  const next = all[i + 1]?.[0];
  return { parent: all[i - 1]?.[0] ?? null, children: next === undefined ? [] : [next] };
}

/** Group chats: people by name beside the assistant. */
export const chatgptGroups: ConversationReader = {
  recognises: (value) =>
    Array.isArray(value['messages']) &&
    value['messages'].length > 0 &&
    shapes(value['messages']).every((m) => 'role' in m && 'text' in m && !('content' in m)),
  read(value, place) {
    const conversation = draft('chatgpt', place, {
      id: firstText(value['id'], value['chat_id']),
      title: firstText(value['title'], value['name']),
    });
    for (const entry of list(value['messages'])) {
      const message = shape(entry);
      const author = authorOf(message['role']);
      conversation.say({
        author: author ?? 'user',
        parts: readContent(text(message['text'])).parts,
        at: instant(
          firstText(message['created_at'], message['create_time'], message['timestamp']) ?? message['create_time'],
        ),
        unknown: author === null ? [`role ${text(message['role'])}`] : [],
      });
    }
    return conversation.finish();
  },
};
