// Answers given lately, for when nobody can give new ones: the same words to the same model, complete, nothing masked in them, of the same user.
import { hash } from 'node:crypto';
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
  events: readonly ReplyEvent[];
  at: number;
  bytes: number;
}

/** Of one entry beside its texts. */
const overheadBytes = 400;
/** One long answer must not push all others out. */
const mostOfAll = 1 / 8;

export function createAnswerCache(now: () => number, { scope, ttlMs, maxBytes }: AnswerCacheSettings): AnswerCache {
  // In the order of their last use.
  const kept = new Map<string, Kept>();
  let bytes = 0;

  function keyOf({ subject }: Caller, { dialect, task, model, turns, sampling, native }: ChatCall): string {
    const spoken: unknown[] = [scope === 'shared' ? '' : subject, dialect, task, model, sampling, native];
    for (const { native: turn, role, isSuffix } of turns) spoken.push(role, isSuffix, turn);
    return hash('sha256', JSON.stringify(spoken), 'base64');
  }

  function drop(key: string): void {
    bytes -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  }

  return {
    remember(caller, call, events) {
      const fit = repeatable(events);
      if (fit === undefined) return;
      const size = overheadBytes + sizeOf(fit);
      if (size > maxBytes * mostOfAll) return;
      const key = keyOf(caller, call);
      drop(key);
      kept.set(key, { subject: caller.subject, events: fit, at: now(), bytes: size });
      bytes += size;
      for (const oldest of kept.keys()) {
        if (bytes <= maxBytes) break;
        drop(oldest);
      }
    },
    find(caller, call) {
      const key = keyOf(caller, call);
      const found = kept.get(key);
      if (found === undefined) return undefined;
      if (now() - found.at > ttlMs) {
        drop(key);
        return undefined;
      }
      kept.delete(key);
      kept.set(key, found);
      return found.events;
    },
    forget(subject) {
      const before = kept.size;
      for (const [key, one] of kept) if (one.subject === subject) drop(key);
      return before - kept.size;
    },
    state: () => ({ answers: kept.size, bytes }),
  };
}

/**
 * The answer in one piece for each choice; undefined where it must not be given again: one that stopped before its end,
 * one that calls a tool (it would act a second time), one with the tokens spelt out.
 */
function repeatable(events: readonly ReplyEvent[]): ReplyEvent[] | undefined {
  const whole: ReplyEvent[] = [];
  const choices = new Map<number, Extract<ReplyEvent, { kind: 'delta' }>>();
  let isComplete = false;
  for (const event of events) {
    if (event.kind === 'usage') continue;
    if (event.kind === 'finish' && event.reason !== 'stop') return undefined;
    if (event.kind === 'finish' || event.kind === 'embedding') isComplete = true;
    if (event.kind !== 'delta') {
      whole.push(event);
      continue;
    }
    if (event.toolCalls !== undefined || event.logprobs !== undefined) return undefined;
    const { index, text, thinking } = event;
    const before = choices.get(index);
    if (before === undefined) {
      const first = { kind: 'delta' as const, index };
      choices.set(index, first);
      whole.push(first);
    }
    const choice = choices.get(index)!;
    if (text !== undefined) choice.text = (choice.text ?? '') + text;
    if (thinking !== undefined) choice.thinking = (choice.thinking ?? '') + thinking;
  }
  return isComplete ? whole : undefined;
}

function sizeOf(events: readonly ReplyEvent[]): number {
  let size = 0;
  for (const event of events) {
    if (event.kind === 'delta') size += 2 * ((event.text?.length ?? 0) + (event.thinking?.length ?? 0));
    if (event.kind === 'embedding') size += 8 * event.vector.length;
  }
  return size;
}
