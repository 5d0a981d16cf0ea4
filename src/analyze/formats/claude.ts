// Claude's export: conversations with content blocks or plain text, design chats, and what stands beside them.
import type { Author } from '../../platform/documents/analysis.ts';
import type { Part } from '../conversation.ts';
import { type Documents, noDocuments } from '../extract/document-versions.ts';
import { readBlocks } from './anthropic-blocks.ts';
import { type Draft, draft } from './draft.ts';
import type { ConversationReader } from './format-reader.ts';
import { type TreeNode, walkTree } from './message-tree.ts';
import {
  firstText,
  instant,
  isShape,
  list,
  type Shape,
  shape,
  shapes,
  text,
  textOrNull,
  textsWithin,
} from './shape.ts';

export const claude: ConversationReader = {
  recognises: (value) => Array.isArray(value['chat_messages']),
  read(value, place) {
    const conversation = draft('claude', place, { id: value['uuid'], title: value['name'] });
    const entries = list(value['chat_messages']);
    const after = new Map<string, Documents>();
    let last: Documents = noDocuments;
    for (const { message, branch } of inOrder(entries, textOrNull(value['current_leaf_message_uuid']))) {
      const before = after.get(text(message['parent_message_uuid'])) ?? last;
      last = sayMessage(conversation, message, branch, before, value);
      if (typeof message['uuid'] === 'string') after.set(message['uuid'], last);
    }
    for (const entry of entries)
      if (!isShape(entry)) conversation.say({ author: 'system', parts: [], unknown: ['(message)'] });
    return conversation.finish();
  },
};

/** Newer exports name each message's parent, and so have branches; older ones are a plain list. */
function inOrder(entries: readonly unknown[], leaf: string | null): { message: Shape; branch: string }[] {
  const messages = entries.filter(isShape);
  const byId = new Map(messages.flatMap((m) => (typeof m['uuid'] === 'string' ? [[m['uuid'], m] as const] : [])));
  const parentOf = (m: Shape) => textOrNull(m['parent_message_uuid']);
  const isTree = byId.size === messages.length && messages.some((m) => byId.has(parentOf(m) ?? ''));
  if (!isTree) return messages.map((message) => ({ message, branch: 'main' }));
  const children = Map.groupBy(messages, (m) => parentOf(m) ?? '');
  const nodes = new Map<string, TreeNode>(
    [...byId].map(([id, m]) => [
      id,
      { parent: parentOf(m), children: (children.get(id) ?? []).map((c) => text(c['uuid'])) },
    ]),
  );
  return walkTree(nodes, leaf ?? text(messages.at(-1)?.['uuid'])).map(({ id, branch }) => ({
    message: byId.get(id)!,
    branch,
  }));
}

function sayMessage(into: Draft, message: Shape, branch: string, before: Documents, whole: Shape): Documents {
  const content = Array.isArray(message['content']) && message['content'].length > 0 ? message['content'] : null;
  // `text` repeats what the blocks say: one of them is read.
  const blocks = readBlocks(content ?? firstText(message['text'], message['content']) ?? '', before);
  if (content !== null && blocks.parts.length === 0)
    blocks.parts.push(...readBlocks(text(message['text']), before).parts);
  const author = senderOf(firstText(message['sender'], message['role']));
  into.say({
    author: author ?? 'system',
    parts: [...blocks.parts, ...sentFiles(message)],
    branch,
    at: instant(message['created_at']),
    model: author === 'assistant' ? firstText(message['model'], whole['model']) : null,
    failed: blocks.failed,
    unknown: author === null ? [...blocks.unknown, `sender ${text(message['sender'])}`] : blocks.unknown,
  });
  return blocks.after;
}

function senderOf(sender: string | null): Author | null {
  if (sender === 'human' || sender === 'user') return 'user';
  return sender === 'assistant' || sender === 'system' || sender === 'tool' ? sender : null;
}

function sentFiles(message: Shape): Part[] {
  const named = [...shapes(message['attachments']), ...shapes(message['files']), ...shapes(message['files_v2'])];
  const parts = named.map(
    (file): Part => ({
      kind: 'attachment',
      name: firstText(file['file_name'], file['name'], file['file_uuid'], file['id']) ?? 'attachment',
      text: firstText(file['extracted_content'], file['text'], file['content']),
    }),
  );
  // `files_v2` repeats `files`.
  return parts.filter(
    (part, i) =>
      parts.findIndex(
        (p) => p.kind === 'attachment' && part.kind === 'attachment' && p.name === part.name && p.text === part.text,
      ) === i || part.text !== null,
  );
}

/** Design chats: messages beside a project, with blocks in camel case. */
export const claudeDesign: ConversationReader = {
  recognises: (value) =>
    Array.isArray(value['messages']) &&
    !('chat_messages' in value) &&
    (isDesign(value) || shapes(value['messages']).some((m) => 'contentBlocks' in m)),
  read(value, place) {
    const conversation = draft('claude', place, {
      id: firstText(value['uuid'], value['id']),
      title: firstText(value['name'], value['title']),
    });
    let documents: Documents = noDocuments;
    for (const entry of list(value['messages'])) {
      const message = shape(entry);
      const content = message['contentBlocks'] ?? message['content'];
      const blocks = readBlocks(
        list(content).length > 0 ? list(content).map(snakeCase) : (firstText(content, message['text']) ?? ''),
        documents,
      );
      documents = blocks.after;
      const author = senderOf(firstText(message['role'], message['sender']));
      conversation.say({
        author: author ?? 'system',
        parts: [...blocks.parts, ...sentFiles(message)],
        at: instant(firstText(message['createdAt'], message['created_at'])),
        model: author === 'assistant' ? textOrNull(message['model']) : null,
        failed: blocks.failed,
        unknown: author === null ? [...blocks.unknown, '(sender)'] : blocks.unknown,
      });
    }
    return conversation.finish();
  },
};

function isDesign(value: Shape): boolean {
  return 'project' in value && shapes(value['messages']).every((m) => !('author' in m));
}

function snakeCase(block: unknown): unknown {
  if (!isShape(block)) return block;
  const type = text(block['type']).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return { ...block, type, is_error: block['isError'] ?? block['is_error'] };
}

/** A project: its instructions and documents, which may hold what a conversation must not. */
export const claudeProject: ConversationReader = {
  recognises: (value) => 'prompt_template' in value || (Array.isArray(value['docs']) && 'uuid' in value),
  read(value, place) {
    const conversation = draft('claude', place, { id: value['uuid'], title: value['name'] });
    const said = [value['description'], value['prompt_template']].map(text).filter((part) => part !== '');
    const docs = shapes(value['docs']).map(
      (doc): Part => ({
        kind: 'attachment',
        name: firstText(doc['filename'], doc['file_name'], doc['uuid']) ?? 'document',
        text: firstText(doc['content'], doc['extracted_content']),
      }),
    );
    conversation.say({
      author: 'user',
      parts: [...said.map((part): Part => ({ kind: 'prose', text: part })), ...docs],
      at: instant(value['created_at']),
      hidden: true,
    });
    return conversation.finish();
  },
};

/** What the assistant keeps about a person, and a person's own instructions. */
export const claudeMemories: ConversationReader = {
  recognises: (value) => 'conversations_memory' in value || 'project_memories' in value,
  read(value, place) {
    const conversation = draft('claude', place, { id: value['account_uuid'], title: place.name });
    const said = [...textsWithin(value['conversations_memory']), ...textsWithin(value['project_memories'])];
    conversation.say({ author: 'system', parts: said.map((part) => ({ kind: 'prose', text: part })), hidden: true });
    return conversation.finish();
  },
};
