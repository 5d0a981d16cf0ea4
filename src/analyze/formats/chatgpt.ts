// ChatGPT's export: a tree of messages with canvas, code interpreter, tools and the branches that editing left.
import type { Part } from '../conversation.ts';
import { type Documents, noDocuments, patternReplaced, withVersion } from '../extract/document-versions.ts';
import { attachments, type Content, readContent } from './chatgpt-content.ts';
import { type Draft, draft } from './draft.ts';
import type { ConversationReader } from './format-reader.ts';
import { type TreeNode, walkTree } from './message-tree.ts';
import { authorOf } from './roles.ts';
import { firstText, instant, isShape, list, parsed, type Shape, shape, shapes, text, textOrNull } from './shape.ts';

export const chatgpt: ConversationReader = {
  recognises: (value) => isShape(value['mapping']) && looksLikeTree(value['mapping']),
  read(value, place) {
    const mapping = shape(value['mapping']);
    const nodes = treeOf(mapping);
    const conversation = draft('chatgpt', place, {
      id: firstText(value['conversation_id'], value['id']),
      title: value['title'],
    });
    const after = new Map<string, Documents>();
    for (const { id, branch } of walkTree(nodes, textOrNull(value['current_node']))) {
      const node = shape(mapping[id]);
      const before = after.get(nodes.get(id)?.parent ?? '') ?? noDocuments;
      const message = node['message'];
      after.set(id, isShape(message) ? sayMessage(conversation, message, branch, before, value) : before);
      if (message != null && !isShape(message))
        conversation.say({ author: 'system', parts: [], branch, unknown: ['(message)'] });
    }
    return conversation.finish();
  },
};

function looksLikeTree(mapping: Shape): boolean {
  const nodes = Object.values(mapping);
  if (nodes.length === 0) return true;
  return nodes.some((node) => isShape(node) && ('message' in node || 'parent' in node || 'children' in node));
}

function treeOf(mapping: Shape): Map<string, TreeNode> {
  return new Map(
    Object.entries(mapping).map(([id, node]) => [
      id,
      {
        parent: textOrNull(shape(node)['parent']),
        children: list(shape(node)['children']).filter((child): child is string => typeof child === 'string'),
      },
    ]),
  );
}

function sayMessage(into: Draft, message: Shape, branch: string, before: Documents, whole: Shape): Documents {
  const author = shape(message['author']);
  const metadata = shape(message['metadata']);
  const recipient = text(message['recipient']);
  const content = readContent(message['content']);
  const role = authorOf(author['role']);
  const canvas = recipient.startsWith('canmore.') ? canvasChange(recipient, content, before) : null;
  const parts = canvas?.parts ?? (isInterpreter(recipient) ? asCode(content.parts, 'python') : content.parts);
  const unknown = role === null ? [...content.unknown, `role ${text(author['role'])}`] : content.unknown;
  into.say({
    author: role ?? 'system',
    parts: [...parts, ...attachments(metadata)],
    branch,
    at: instant(message['create_time']),
    model: role === 'assistant' ? firstText(metadata['model_slug'], whole['default_model_slug']) : null,
    hidden:
      content.hidden ||
      metadata['is_visually_hidden_from_conversation'] === true ||
      metadata['is_user_system_message'] === true,
    failed: hasFailed(message, metadata),
    unknown,
  });
  return canvas?.after ?? before;
}

function isInterpreter(recipient: string): boolean {
  return recipient === 'python' || recipient === 'python_user_visible';
}

function hasFailed(message: Shape, metadata: Shape): boolean {
  const type = text(shape(message['content'])['content_type']);
  const ran = shape(metadata['aggregate_result']);
  return (
    type === 'system_error' ||
    ran['status'] === 'error' ||
    ran['status'] === 'failed_with_in_kernel_exception' ||
    (type === 'execution_output' &&
      /^Traceback \(most recent call last\)|^-{20,}\n\w*Error/m.test(text(shape(message['content'])['text'])))
  );
}

function asCode(parts: readonly Part[], language: string): Part[] {
  return parts.map((part) =>
    part.kind === 'prose' || part.kind === 'code' ? { kind: 'code', text: part.text, language } : part,
  );
}

/** A call of the canvas tool: its JSON holds a document or changes to the one last written. */
function canvasChange(tool: string, content: Content, before: Documents): { parts: Part[]; after: Documents } | null {
  const call = parsed(content.parts.map((part) => (part.kind === 'attachment' ? '' : part.text)).join(''));
  if (!isShape(call)) return null;
  if (tool === 'canmore.create_textdoc') {
    const file = text(call['name']) || `canvas-${before.size + 1}`;
    return written(before, file, text(call['content']), languageOf(text(call['type'])));
  }
  const last = [...before].at(-1);
  if (tool === 'canmore.update_textdoc') return canvasUpdate(call, last?.[0] ?? 'canvas-1', before);
  const remarks = shapes(call['comments']).map((comment) => text(comment['comment']));
  return { parts: [{ kind: 'prose', text: remarks.join('\n') }], after: before };
}

function canvasUpdate(call: Shape, file: string, before: Documents): { parts: Part[]; after: Documents } {
  const now = before.get(file);
  let whole: string | null = now?.text ?? '';
  for (const update of shapes(call['updates'])) {
    if (whole === null) break;
    whole = patternReplaced(whole, text(update['pattern']), text(update['replacement']), update['multiple'] === true);
  }
  const language = now?.language ?? null;
  if (whole !== null) return written(before, file, whole, language);
  // The change does not fit the text we have: what it writes is shown for itself.
  const pieces = shapes(call['updates']).map((update) => text(update['replacement']));
  return { parts: pieces.map((piece) => ({ kind: 'code', text: piece, language })), after: before };
}

function written(before: Documents, file: string, whole: string, language: string | null) {
  // Set last, so that an update without a name finds the document written last.
  const others: Documents = new Map([...before].filter(([name]) => name !== file));
  const part: Part =
    language === 'document' ? { kind: 'prose', text: whole } : { kind: 'code', text: whole, language, file };
  return { parts: [part], after: withVersion(others, file, { text: whole, language }) };
}

/** `code/python` → python; `document` stays prose. */
function languageOf(type: string): string | null {
  return type.startsWith('code/') ? type.slice(5) : type === 'document' ? type : null;
}
