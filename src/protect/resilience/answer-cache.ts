// Answers given lately, for when nobody can give new ones: the same words to the same model, complete, nothing masked in them, of the same user.
import type { Caller } from '../gateway/ask.ts';
import type { ChatCall, ReplyEvent } from '../gateway/dialects/dialect.ts';

export interface AnswerCache {
  /** Keeps what is fit to be given again; the rest is passed over. */
  remember(caller: Caller, call: ChatCall, events: readonly ReplyEvent[]): void;
  find(caller: Caller, call: ChatCall): readonly ReplyEvent[] | undefined;
  /** All that was answered to this user; returns how many. */
  forget(subject: string): number;
  state(): { answers: number; bytes: number };
}

export interface AnswerCacheSettings {
  /** `subject`: nobody is given what another was answered; `shared`: whoever asks the same. */
  scope: 'subject' | 'shared';
  ttlMs: number;
  maxBytes: number;
}

interface Kept {
  subject: string;
  call: ChatCall;
  events: readonly ReplyEvent[];
  at: number;
  bytes: number;
}

/** Of one entry, and of one event, beside their texts. */
const overheadBytes = 1_000;
const eventBytes = 100;
/** One long answer must not push all others out. */
const mostOfAll = 1 / 8;
/** A streamed answer has as many pieces as words: in one piece it takes a tenth of the room. */
const mostPieces = 8;

/**
 * Each answer that is given passes here, and almost none is ever looked for: so keeping one costs no key and no copy
 * (0.4 µs; under the hash of its question in a map it was 9 µs), and it is finding one that looks at all of them.
 */
export function createAnswerCache(now: () => number, { scope, ttlMs, maxBytes }: AnswerCacheSettings): AnswerCache {
  // The oldest first, from `first` on.
  let kept: (Kept | undefined)[] = [];
  let first = 0;
  let bytes = 0;

  function dropOldest(): void {
    bytes -= kept[first]?.bytes ?? 0;
    // What it holds is free at once, its place later.
    kept[first++] = undefined;
    if (first > 1_024 && first * 2 > kept.length) {
      kept = kept.slice(first);
      first = 0;
    }
  }

  function dropOld(at: number): void {
    for (let one = kept[first]; one !== undefined; one = kept[first])
      if (bytes > maxBytes || at - one.at > ttlMs) dropOldest();
      else return;
  }

  return {
    remember({ subject }, call, given) {
      if (!isRepeatable(given)) return;
      const events = given.length > mostPieces ? inOnePiece(given) : given;
      let size = overheadBytes + sizeOf(events);
      for (const { text } of call.turns) size += 2 * text.length;
      if (size > maxBytes * mostOfAll) return;
      const at = now();
      kept.push({ subject, call, events, at, bytes: size });
      bytes += size;
      dropOld(at);
    },
    find({ subject }, call) {
      dropOld(now());
      for (let index = kept.length - 1; index >= first; index--) {
        const one = kept[index];
        if (one === undefined || (scope === 'subject' && one.subject !== subject)) continue;
        if (isSame(one.call, call)) return inOnePiece(one.events);
      }
      return undefined;
    },
    forget(subject) {
      const before = kept.length - first;
      kept = kept.slice(first).filter((one) => one?.subject !== subject);
      first = 0;
      bytes = kept.reduce((sum, one) => sum + (one?.bytes ?? 0), 0);
      return before - kept.length;
    },
    state: () => ({ answers: kept.length - first, bytes }),
  };
}

/** Whether it asks the same of the same model; to be streamed or not does not count. */
function isSame(one: ChatCall, other: ChatCall): boolean {
  if (one.model !== other.model || one.turns.length !== other.turns.length) return false;
  if (one.turns.at(-1)?.text !== other.turns.at(-1)?.text) return false;
  return askedOf(one) === askedOf(other);
}

function askedOf({ dialect, task, turns, sampling, native }: ChatCall): string {
  return JSON.stringify([dialect, task, sampling, native, turns]);
}

/**
 * False for what must not be given again: an answer that stopped before its end, one that calls a tool (it would act a
 * second time), one with the tokens spelt out.
 */
function isRepeatable(events: readonly ReplyEvent[]): boolean {
  let isComplete = false;
  for (const event of events) {
    if (event.kind === 'finish') {
      if (event.reason !== 'stop') return false;
      isComplete = true;
    } else if (event.kind === 'embedding') isComplete = true;
    else if (event.kind === 'delta' && (event.toolCalls !== undefined || event.logprobs !== undefined)) return false;
  }
  return isComplete;
}

/** Each choice's text in one piece, without what it cost. */
function inOnePiece(events: readonly ReplyEvent[]): ReplyEvent[] {
  const whole: ReplyEvent[] = [];
  const choices = new Map<number, Extract<ReplyEvent, { kind: 'delta' }>>();
  for (const event of events) {
    if (event.kind === 'usage') continue;
    if (event.kind !== 'delta') {
      whole.push(event);
      continue;
    }
    const { index, text, thinking } = event;
    let choice = choices.get(index);
    if (choice === undefined) {
      choice = { kind: 'delta', index };
      choices.set(index, choice);
      whole.push(choice);
    }
    if (text !== undefined) choice.text = (choice.text ?? '') + text;
    if (thinking !== undefined) choice.thinking = (choice.thinking ?? '') + thinking;
  }
  return whole;
}

function sizeOf(events: readonly ReplyEvent[]): number {
  let size = events.length * eventBytes;
  for (const event of events) {
    if (event.kind === 'delta') size += 2 * ((event.text?.length ?? 0) + (event.thinking?.length ?? 0));
    else if (event.kind === 'embedding') size += 8 * event.vector.length;
  }
  return size;
}
