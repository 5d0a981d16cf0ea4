// What comes of a turn, in the words and with the notices that a user gets.
import type { RempartError } from '../../platform/base/errors.ts';
import { type Lang, say } from '../../platform/i18n/say.ts';
import type { Ticket } from '../deferred/deferral.ts';
import type { AskOutcome, DegradedMode } from '../gateway/ask.ts';
import { duration } from './limited-answer.ts';
import type { Message } from './message.ts';

export interface Degraded {
  mode: DegradedMode;
  notice: string;
  /** Whether question and answer are in the store already; when not, they are on disk and will be. */
  saved: boolean;
  /** The question waits for its answer, which will stand in the conversation. */
  deferred?: { id: string; position: number; expectedAt: string; deadline: string };
}

export type TurnResult =
  | {
      kind: 'reply';
      reply: string;
      conversation: string;
      modes: readonly DegradedMode[];
      degraded?: Degraded;
      retryAfterSeconds?: number;
      /** The answer of an earlier request with the same id: no model was asked. */
      replayed?: true;
    }
  /** A streamed answer that stopped: what was sent is kept and marked as incomplete. */
  | { kind: 'cut'; error: RempartError; notice: string; conversation: string; retryAfterSeconds: number }
  | { kind: 'aborted' };

export function replayed({ text, conversation }: Message): TurnResult {
  return { kind: 'reply', reply: text, conversation, modes: [], replayed: true };
}

/** A model may write what a database refuses: U+0000 (PostgreSQL) and halves of surrogate pairs. */
export function storable(outcome: AskOutcome): AskOutcome {
  if (outcome.kind === 'answer') return { ...outcome, text: withoutNul(outcome.text).toWellFormed() };
  return { ...outcome, partial: withoutNul(outcome.partial).toWellFormed() };
}

export function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}

export function earlierText({ answer, at }: { answer: string; at: number }, lang: Lang): string {
  const time = new Date(at).toLocaleTimeString(lang, { hour: '2-digit', minute: '2-digit', hour12: false });
  return say(lang, 'chat.earlier', { time, answer });
}

export function reply(
  lang: Lang,
  given: {
    text: string;
    conversation: string;
    modes: readonly DegradedMode[];
    notices: readonly string[];
    saved: boolean;
    retryAfterSeconds?: number;
    /** Until a quota that runs low is renewed. */
    renewsInMs?: number;
    ticket?: Ticket;
  },
): TurnResult {
  const modes: DegradedMode[] = given.saved ? [...given.modes] : [...given.modes, 'memory'];
  const notices = [...given.notices, ...modes.flatMap((mode) => noticeOf(mode, lang, given.renewsInMs))];
  const [mode] = modes;
  return {
    kind: 'reply',
    reply: given.text,
    conversation: given.conversation,
    modes,
    ...(mode === undefined
      ? {}
      : { degraded: { mode, notice: notices.join(' '), saved: given.saved, ...placeOf(given.ticket) } }),
    ...(given.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: given.retryAfterSeconds }),
  };
}

function placeOf(ticket: Ticket | undefined): Pick<Degraded, 'deferred'> {
  if (ticket === undefined) return {};
  const { id, position = 1, createdAt, expectedAt = createdAt, deadlineAt } = ticket;
  const [expected, deadline] = [expectedAt, deadlineAt].map((at) => new Date(at).toISOString());
  return { deferred: { id, position, expectedAt: expected!, deadline: deadline! } };
}

/** A quota is of a minute where nobody says more. */
const usualRenewalMs = 60_000;

function noticeOf(mode: DegradedMode, lang: Lang, renewsInMs = usualRenewalMs): string[] {
  const when = duration(Math.max(1, Math.ceil(renewsInMs / 1_000)), lang);
  switch (mode) {
    case 'memory':
      return [say(lang, 'chat.memory')];
    case 'provider':
      return [say(lang, 'chat.degraded.provider')];
    case 'rationed':
      return [say(lang, 'chat.degraded.rationed', { when })];
    case 'warning':
      return [say(lang, 'chat.degraded.warning', { when })];
    case 'local':
    case 'cache':
    case 'deferred':
      return [];
  }
}
