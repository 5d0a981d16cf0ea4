// Questions that wait: put in the queue when the model cannot be asked, answered in their conversation when it can.
import { randomUUID } from 'node:crypto';
import type { RempartError } from '../../platform/base/errors.ts';
import { type Lang, say } from '../../platform/i18n/say.ts';
import type { CurrentCaller } from '../deferred/answer-call.ts';
import { prospectOf } from '../deferred/classify.ts';
import type { Deferral, DeferredQuestion, Ticket } from '../deferred/deferral.ts';
import type { Attempted } from '../deferred/work.ts';
import type { Ask, AskOutcome } from '../gateway/ask.ts';
import { askedOf } from './asked.ts';
import type { Book } from './book.ts';
import { noSettings } from './chat-store.ts';
import type { Message } from './message.ts';
import { storable } from './turn-result.ts';

export type AskLater = (
  question: Omit<DeferredQuestion, 'kind' | 'model'>,
  waitMs: number,
) => Promise<Ticket | undefined>;

/** A question that is asked again under the same id keeps its place. */
export function createAskLater(deferral: Deferral, model: string): AskLater {
  return async (question, waitMs) => {
    const what: DeferredQuestion = { kind: 'chat', model, ...question };
    try {
      const ticket = await deferral.accept({ what, waitMs, idempotencyKey: `chat ${question.answer}` });
      return ticket?.state === 'waiting' || ticket?.state === 'running' ? ticket : undefined;
    } catch {
      return undefined;
    }
  };
}

/** Why a question could not be answered, which waiting may heal. */
export function mayWait({ error, degraded = [] }: Extract<AskOutcome, { kind: 'unavailable' }>): boolean {
  return ['ERR_QUOTA_EXHAUSTED', 'ERR_SAFE_MODE'].includes(error.code) || degraded.includes('rationed');
}

export interface AnswerQuestionParts {
  ask: Ask;
  book: Pick<Book, 'read' | 'add' | 'settings'>;
  currentCaller: CurrentCaller;
  now: () => number;
}

export interface AnswerQuestionSettings {
  system: string;
  historyMessages: number;
}

export type AnswerQuestion = (
  what: DeferredQuestion,
  about: { id: string; createdAt: number; signal: AbortSignal },
) => Promise<Attempted>;

const away: Attempted = { kind: 'later', code: 'ERR_STORE_AWAY', waitMs: 5_000, ofModel: false };

export function createAnswerQuestion(parts: AnswerQuestionParts, settings: AnswerQuestionSettings): AnswerQuestion {
  const { book, now } = parts;

  /** The conversation up to the question; or why it need not be answered any more. */
  async function upTo({ caller, conversation, question, answer }: DeferredQuestion): Promise<Message[] | Attempted> {
    let messages: Message[] | undefined;
    try {
      messages = await book.read(caller.subject, conversation);
    } catch {
      return away;
    }
    const at = messages?.findIndex(({ id }) => id === question) ?? -1;
    if (messages === undefined || at === -1) return { kind: 'never', code: 'ERR_CONVERSATION_UNKNOWN' };
    const given = messages.find(({ id, limited }) => id === answer && !limited);
    if (given !== undefined) return { kind: 'answered', answer: { reply: given.text, conversation } };
    return messages.slice(0, at + 1);
  }

  return async (what, { id, createdAt, signal }) => {
    const { conversation, answer, lang, model } = what;
    const caller = parts.currentCaller(what.caller, createdAt);
    if (caller === undefined) return { kind: 'never', code: 'ERR_KEY_INVALID' };
    const messages = await upTo(what);
    if (!Array.isArray(messages)) return messages;
    const own = await book.settings(caller.subject).catch(() => noSettings);
    const asked = askedOf(messages, own, lang, settings);
    const request = { caller, model, messages: asked, lang, requestId: randomUUID(), signal, deferred: id };
    const outcome = storable(await parts.ask(request));
    if (outcome.kind === 'aborted') return { kind: 'aborted' };
    if (outcome.kind === 'unavailable') return prospectOf(outcome);
    const message: Message = {
      id: answer,
      subject: caller.subject,
      conversation,
      role: 'assistant',
      text: outcome.text,
      at: now(),
      complete: true,
      limited: false,
    };
    try {
      await book.add(message);
    } catch {
      return away;
    }
    return { kind: 'answered', answer: { reply: outcome.text, conversation } };
  };
}

/** What stands in the conversation once it is sure that no answer will come. */
export async function tellUnanswered(
  book: Pick<Book, 'add' | 'read'>,
  { caller: { subject }, conversation, answer, lang }: DeferredQuestion,
  now: number,
): Promise<void> {
  const messages = await book.read(subject, conversation);
  // It may have been answered otherwise, or be gone.
  if (messages?.find(({ id }) => id === answer)?.limited !== true) return;
  const text = say(lang, 'deferred.chat.over');
  await book.add({
    id: answer,
    subject,
    conversation,
    role: 'assistant',
    text,
    at: now,
    complete: true,
    limited: true,
  });
}

export function laterText(
  why: RempartError,
  facts: { when: string; position: number; contact: string },
  lang: Lang,
): string {
  const key = why.code === 'ERR_QUOTA_EXHAUSTED' ? 'deferred.chat.quota' : 'deferred.chat.away';
  return say(lang, key, facts);
}
