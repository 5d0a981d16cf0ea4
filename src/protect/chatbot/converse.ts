// One question and its answer: kept before the model is asked, answered honestly when it cannot be, the same for a retry.
import { randomUUID } from 'node:crypto';
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import { type Lang, say } from '../../platform/i18n/say.ts';
import type { Ticket } from '../deferred/deferral.ts';
import type { Ask, AskOutcome, AskRequest, Caller } from '../gateway/ask.ts';
import { type AskLater, laterText, mayWait } from './answer-later.ts';
import { askedOf } from './asked.ts';
import type { Book } from './book.ts';
import type { Settings } from './chat-store.ts';
import { createEarlierAnswers, type EarlierAnswers } from './earlier-answers.ts';
import { duration, type LimitedAnswer, limitedAnswer } from './limited-answer.ts';
import { type Message, messageIds } from './message.ts';
import { earlierText, replayed, reply, storable, type TurnResult, withoutNul } from './turn-result.ts';

export interface Turn {
  caller: Caller;
  message: string;
  conversation: string | undefined;
  /** The same for every retry of one request. */
  requestId: string | undefined;
  traceId: string;
  lang: Lang;
  signal: AbortSignal;
  /** Told where the caller stands within its limits. */
  granted?: AskRequest['granted'];
}

/** Runs work when the host can take it; rejects with ERR_RATE_LIMITED when too many wait. */
export type Admit = <T>(role: Caller['role'], work: () => Promise<T>) => Promise<T>;

export interface ConverseParts {
  ask: Ask;
  book: Book;
  admit: Admit;
  now: () => number;
  log: Log;
  /** Default: its own. */
  earlier?: EarlierAnswers;
  /** How long an earlier answer may be given again, and whether the rules of now let it pass. */
  earlierMs?: number;
  isFit?: (answer: string) => boolean;
  /** With it, a question that nobody can answer now is answered later, in its conversation. */
  later?: AskLater;
}

export interface ConverseSettings {
  model: string;
  system: string;
  contact: string;
  historyMessages: number;
}

export type Converse = (turn: Turn, onDelta?: (text: string) => void) => Promise<TurnResult>;

export function createConverse(parts: ConverseParts, settings: ConverseSettings): Converse {
  const { earlier = createEarlierAnswers() } = parts;
  const underWay = new Map<string, { message: string; result: Promise<TurnResult> }>();
  return async function once(turn, onDelta): Promise<TurnResult> {
    // Here and not at a door, so that every door has it.
    if (turn.caller.role === 'viewer') throw new RempartError('ERR_FORBIDDEN');
    if (turn.requestId === undefined) return converse(turn, onDelta);
    const key = JSON.stringify([turn.caller.subject, turn.requestId]);
    const running = underWay.get(key);
    if (running !== undefined) {
      if (running.message !== turn.message) throw new RempartError('ERR_REQUEST_ID_REUSED');
      const result = await running.result;
      // The first one's client hung up, this one's did not.
      return result.kind === 'aborted' && !turn.signal.aborted ? once(turn, onDelta) : result;
    }
    const mine = converse(turn, onDelta).finally(() => underWay.delete(key));
    underWay.set(key, { message: turn.message, result: mine });
    return mine;
  };

  async function converse(turn: Turn, onDelta?: (text: string) => void): Promise<TurnResult> {
    const { book, now } = parts;
    const { subject } = turn.caller;
    const { ids, asked, done } = await placeOf(turn);
    if (done !== undefined) return replayed(done);
    const known = await historyOf(turn);
    const conversation = turn.conversation ?? asked?.conversation ?? randomUUID();
    const common = { subject, conversation, limited: false, complete: true } as const;
    const question: Message = { ...common, id: ids.question, role: 'user', text: turn.message, at: now() };
    const saved = await book.add(question);
    const context = known.filter(({ id }) => id !== question.id);
    const outcome = await askModel(turn, [...context, question], await book.settings(subject), onDelta);
    return settle(turn, outcome, {
      id: ids.answer,
      question: ids.question,
      conversation,
      saved,
      streaming: onDelta !== undefined,
    });
  }

  /**
   * The ids of this turn's messages. A retry of an answered request finds its answer; one of a cut answer gets a new
   * id for the next; one of a limited answer is asked again and takes its place.
   */
  async function placeOf({ caller: { subject }, message, requestId }: Turn) {
    if (requestId === undefined) return { ids: messageIds(subject, requestId), asked: undefined, done: undefined };
    const asked = await parts.book.find(subject, messageIds(subject, requestId).question);
    if (asked !== undefined && asked.text !== message) throw new RempartError('ERR_REQUEST_ID_REUSED');
    for (let attempt = 0; ; attempt++) {
      const ids = messageIds(subject, requestId, attempt);
      const done = await parts.book.find(subject, ids.answer);
      if (done === undefined || done.limited) return { ids, asked, done: undefined };
      if (done.complete) return { ids, asked, done };
    }
  }

  async function historyOf({ caller, conversation }: Turn): Promise<Message[]> {
    if (conversation === undefined) return [];
    let known: Message[] | undefined;
    try {
      known = await parts.book.read(caller.subject, conversation);
    } catch {
      // Whether it exists cannot be known now. It is kept apart per subject, so going on shows nobody another's words.
      return [];
    }
    if (known === undefined) throw new RempartError('ERR_CONVERSATION_UNKNOWN');
    return known;
  }

  async function askModel(
    turn: Turn,
    messages: readonly Message[],
    own: Settings,
    onDelta?: (text: string) => void,
  ): Promise<AskOutcome> {
    const { caller, lang, signal, traceId, granted } = turn;
    const request = {
      caller,
      model: settings.model,
      messages: askedOf(messages, own, lang, settings),
      lang,
      requestId: traceId,
      signal,
      granted,
    };
    try {
      return await parts.admit(caller.role, () => parts.ask(request, onDelta && ((text) => onDelta(withoutNul(text)))));
    } catch (error) {
      if (!(error instanceof RempartError) || error.code !== 'ERR_RATE_LIMITED') throw error;
      return { kind: 'unavailable', error, retryAfterSeconds: Number(error.facts['seconds'] ?? 5), partial: '' };
    }
  }

  async function settle(
    turn: Turn,
    raw: AskOutcome,
    place: { id: string; question: string; conversation: string; saved: boolean; streaming: boolean },
  ): Promise<TurnResult> {
    const { subject } = turn.caller;
    const { conversation } = place;
    const outcome = storable(raw);
    const keep = (text: string, flags: { complete: boolean; limited: boolean }) =>
      keepAnswer({ ...flags, id: place.id, subject, conversation, role: 'assistant', text, at: parts.now() });
    if (outcome.kind === 'answer') {
      if (outcome.isOnce !== true) earlier.remember(subject, turn.message, outcome.text, parts.now());
      const saved = (await keep(outcome.text, { complete: true, limited: false })) && place.saved;
      const { text, degraded: modes, renewsInMs } = outcome;
      const renewal = renewsInMs === undefined ? {} : { renewsInMs };
      return reply(turn.lang, { text, conversation, modes, notices: [], saved, ...renewal });
    }
    // Of an answer that stopped, what was shown is kept; what nobody saw makes way for the limited answer.
    const shown = outcome.partial !== '' && place.streaming;
    if (shown) await keep(outcome.partial, { complete: false, limited: false });
    if (outcome.kind === 'aborted') return { kind: 'aborted' };
    // Refused by policy: no trouble of the assistant's, so neither waiting nor an earlier answer would be honest.
    if (isRefusal(outcome.error)) throw outcome.error;
    const plain = limitedAnswer(outcome, { lang: turn.lang, contact: settings.contact });
    const ticket = shown ? undefined : await putInQueue(turn, outcome, plain, place);
    const limited = ticket === undefined ? plain : withPlace(plain, ticket, outcome.error, turn.lang);
    if (shown) {
      const seconds = limited.retryAfterSeconds ?? 5;
      const notice = say(turn.lang, 'chat.partial', { when: duration(seconds, turn.lang) });
      const error = new RempartError('ERR_STREAM_CUT', {}, outcome.error);
      return { kind: 'cut', error, notice, conversation, retryAfterSeconds: seconds };
    }
    const before = earlierAnswer(subject, turn.message);
    const text = before === undefined ? limited.text : earlierText(before, turn.lang);
    const saved = (await keep(text, { complete: true, limited: true })) && place.saved;
    return reply(turn.lang, {
      text,
      conversation,
      modes: [...(ticket === undefined ? [] : ['deferred' as const]), before === undefined ? 'local' : 'cache'],
      notices: [limited.text],
      saved,
      ...(ticket === undefined ? {} : { ticket }),
      ...(limited.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: limited.retryAfterSeconds }),
    });
  }

  /** One that is not too old, and that would be given today as well. */
  function earlierAnswer(subject: string, question: string) {
    const { isFit = () => true, earlierMs = Number.POSITIVE_INFINITY } = parts;
    const before = earlier.find(subject, question);
    return before !== undefined && parts.now() - before.at <= earlierMs && isFit(before.answer) ? before : undefined;
  }

  async function putInQueue(
    { caller, lang }: Turn,
    why: Extract<AskOutcome, { kind: 'unavailable' }>,
    { retryAfterSeconds = 60 }: LimitedAnswer,
    { id: answer, question, conversation }: { id: string; question: string; conversation: string },
  ): Promise<Ticket | undefined> {
    if (parts.later === undefined || !mayWait(why)) return undefined;
    return parts.later({ caller, lang, conversation, question, answer }, retryAfterSeconds * 1_000);
  }

  function withPlace(plain: LimitedAnswer, { position = 1, expectedAt }: Ticket, why: RempartError, lang: Lang) {
    const seconds = Math.ceil(((expectedAt ?? parts.now()) - parts.now()) / 1_000);
    const contact = settings.contact || say(lang, 'chat.contact.default');
    const when = duration(Math.max(plain.retryAfterSeconds ?? 1, seconds), lang);
    return { ...plain, text: laterText(why, { when, position, contact }, lang) };
  }

  async function keepAnswer(message: Message): Promise<boolean> {
    try {
      return await parts.book.add(message);
    } catch (error) {
      // The question is kept; an answer that could not be is still better shown than withheld.
      parts.log.error({ err: error }, 'a chat answer could not be kept');
      return false;
    }
  }
}

function isRefusal({ code }: RempartError): boolean {
  return [
    'ERR_PROMPT_BLOCKED',
    'ERR_CONVERSATION_BLOCKED',
    'ERR_ANSWER_BLOCKED',
    'ERR_QUARANTINED',
    'ERR_BEHAVIOUR',
    'ERR_LIMIT_REQUESTS',
    'ERR_LIMIT_TOKENS',
    'ERR_LIMIT_TOO_LARGE',
  ].includes(code);
}
