// What a conversation consists of, in numbers.
import type { AnalysedConversation, Author } from '../platform/documents/analysis.ts';
import type { CodeBlock, Conversation } from './conversation.ts';

export function statisticsOf(
  { messages, repairs }: Conversation,
  blocks: readonly CodeBlock[],
): AnalysedConversation['statistics'] {
  const byAuthor: Record<Author, number> = { user: 0, assistant: 0, tool: 0, system: 0 };
  for (const { author } of messages) byAuthor[author]++;
  return {
    messages: messages.length,
    byAuthor,
    codeBlocks: blocks.length,
    codeLines: blocks.reduce((sum, { text }) => sum + text.trimEnd().split('\n').length, 0),
    branches: new Set(messages.map(({ branch }) => branch)).size - (messages.some((m) => m.branch === 'main') ? 1 : 0),
    attachments: messages.reduce((sum, { parts }) => sum + parts.filter(({ kind }) => kind === 'attachment').length, 0),
    toolErrors: messages.filter(({ failed }) => failed).length,
    repairs,
  };
}
