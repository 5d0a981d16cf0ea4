// Whether a weakness in code was noticed in words: its topic is named after it, or the next answer names what helps.
import type { Finding } from '../../platform/documents/analysis.ts';
import type { CodeBlock, Conversation } from '../conversation.ts';
import { familyOf } from '../knowledge/cwe-family.ts';
import { knowledge, type Topic } from '../knowledge/knowledge.ts';
import type { SeenPractice } from '../maturity/practices.ts';
import type { Hearing } from '../prose/hearing.ts';

/** The first message after a block that names the weakness or its remedy, or the prose right behind the block. */
export function spokenAfter(
  cwe: readonly string[],
  block: CodeBlock,
  hearing: Hearing,
  remedies: readonly Remedy[],
): Voice | null {
  const main = cwe[0];
  if (main === undefined) return null;
  const last = block.messageLine + block.text.split('\n').length;
  for (const topic of topicsOf(familyOf(main))) {
    const hit = hearing(topic).find(({ message, line }) => {
      if (message.branch !== block.branch) return false;
      if (message.index > block.messageIndex) return true;
      return message.index === block.messageIndex && block.author === 'assistant' && line > last && line <= last + 12;
    });
    if (hit !== undefined) return { messageIndex: hit.message.index, author: hit.message.author };
  }
  // The very next answer that names what helps has understood what is wrong.
  const remedy = remedies.find(
    ({ families, answersUpTo, messageIndex, branch }) =>
      families.has(familyOf(main)) &&
      block.messageIndex >= answersUpTo &&
      block.messageIndex < messageIndex &&
      branch === block.branch,
  );
  return remedy === undefined ? null : { messageIndex: remedy.messageIndex, author: 'assistant' };
}

let topicsByFamily: Map<string, Topic[]> | undefined;

function topicsOf(family: string): readonly Topic[] {
  if (topicsByFamily === undefined) {
    topicsByFamily = new Map();
    for (const topic of knowledge().topics)
      for (const one of topic.families) topicsByFamily.set(one, [...(topicsByFamily.get(one) ?? []), topic]);
  }
  return topicsByFamily.get(family) ?? [];
}

export type Voice = { messageIndex: number; author: Finding['author'] };
export interface Remedy extends Voice {
  families: ReadonlySet<string>;
  branch: string;
  /** The answer before it, or the first message: what was written from there on is what this one answers. */
  answersUpTo: number;
}

export function remediesIn(practices: readonly SeenPractice[], conversation: Conversation): Remedy[] {
  const byIndex = new Map(conversation.messages.map((message) => [message.index, message]));
  const before = answersBefore(conversation);
  return practices.flatMap(({ practice, named }) =>
    named.flatMap(({ messageIndex }): Remedy[] => {
      const message = byIndex.get(messageIndex);
      if (message?.author !== 'assistant') return [];
      return [
        {
          messageIndex,
          author: 'assistant',
          branch: message.branch,
          families: practice.families,
          answersUpTo: before.get(messageIndex) ?? 0,
        },
      ];
    }),
  );
}

/** By each answer, the one before it in its branch. */
function answersBefore({ messages }: Conversation): Map<number, number> {
  const before = new Map<number, number>();
  const last = new Map<string, number>();
  for (const { index, author, branch } of messages) {
    if (author !== 'assistant') continue;
    const previous = last.get(branch);
    if (previous !== undefined) before.set(index, previous);
    last.set(branch, index);
  }
  return before;
}
