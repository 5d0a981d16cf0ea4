// Where requests are handed in and looked after: each belongs to the subject that asked, and nobody else learns that it is there.
import { randomBytes } from 'node:crypto';
import { type ErrorCode, RempartError } from '../../platform/base/errors.ts';
import type { Json, JsonObject } from '../../platform/base/json.ts';
import type { Log } from '../../platform/base/log.ts';
import { ranks } from '../gate.ts';
import type { Deferral, Deferred, Ticket } from './deferral.ts';
import type { Entry } from './entry.ts';
import type { Queue } from './queue.ts';
import type { Seal } from './seal.ts';

export interface DeskParts {
  queue: Queue;
  seal: Seal;
  /** How long an answer takes on average, and how many are worked on at once. */
  pace: () => { answerMs: number; atOnce: number };
  now: () => number;
  log: Log;
  count: (what: 'accepted' | 'refused' | 'cancelled') => void;
  /** There is something to do. */
  wake: () => void;
}

export interface DeskSettings {
  deadlineMs: number;
  longestDeadlineMs: number;
}

export interface Desk extends Deferral {
  /** Where an entry stands now. */
  ticketOf(entry: Entry): Promise<Ticket>;
}

/** Never tried sooner: what just failed needs a moment. Never later: what was told may prove too long. */
const firstTryMs = { least: 1_000, most: 60_000 };

export function createDesk(parts: DeskParts, { deadlineMs, longestDeadlineMs }: DeskSettings): Desk {
  const { queue, seal, pace, now, log } = parts;

  async function ticketOf(entry: Entry): Promise<Ticket> {
    const { id, kind, state, createdAt, deadlineAt, delivery, endedAt, code, answer } = entry;
    const isActive = state === 'waiting' || state === 'running';
    const ahead = state === 'waiting' ? await queue.ahead(entry) : 0;
    const { answerMs, atOnce } = pace();
    return {
      id,
      kind,
      state,
      createdAt,
      deadlineAt,
      delivery,
      ...(state === 'waiting' ? { position: ahead + 1 } : {}),
      ...(isActive
        ? { expectedAt: Math.max(entry.expectedAt, now()) + Math.ceil(((ahead + 1) * answerMs) / atOnce) }
        : {}),
      ...(endedAt === null ? {} : { endedAt }),
      ...(isActive || code === null ? {} : { code: code as ErrorCode }),
      ...(answer === null ? {} : { answer: opened(answer, id) }),
    };
  }

  function opened(answer: string, id: string): Json {
    return seal.open(answer, `${id} answer`);
  }

  /** The same words to the same address: who asks is looked at elsewhere, and in which language does not matter. */
  function hashOf(what: Deferred): string {
    const { caller: _, lang: __, ...rest } = what;
    return seal.digest(JSON.stringify(rest));
  }

  function onceKey(subject: string, key: string): string {
    return seal.digest(JSON.stringify([subject, key]));
  }

  function checkSame(entry: Entry, what: Deferred): void {
    if (entry.bodyHash !== hashOf(what)) throw new RempartError('ERR_REQUEST_ID_REUSED');
  }

  async function own(subject: string, id: string): Promise<Entry | undefined> {
    const entry = await queue.find(id);
    return entry?.subject === subject ? entry : undefined;
  }

  return {
    async accept({ what, waitMs, idempotencyKey, webhook, deadlineMs: wished = deadlineMs }) {
      const { subject } = what.caller;
      const id = `dfr_${randomBytes(16).toString('hex')}`;
      const deadline = Math.min(wished, longestDeadlineMs);
      try {
        const added = await queue.add({
          id,
          subject,
          kind: what.kind,
          model: modelOf(what),
          rank: what.kind === 'chat' ? ranks[what.caller.role] : ranks.batch,
          deadlineMs: deadline,
          expectedMs: waitMs,
          firstTryMs: Math.min(firstTryMs.most, Math.max(firstTryMs.least, waitMs)),
          bodyHash: hashOf(what),
          request: seal.close(what as unknown as JsonObject, `${id} request`),
          ...(idempotencyKey === undefined ? {} : { idempotency: onceKey(subject, idempotencyKey) }),
          ...(webhook === undefined ? {} : { webhook: seal.close(webhook, `${id} webhook`) }),
        });
        if (added === 'full') {
          parts.count('refused');
          return undefined;
        }
        if (!added.added) checkSame(added.entry, what);
        else {
          parts.count('accepted');
          parts.wake();
        }
        return await ticketOf(added.entry);
      } catch (error) {
        if (error instanceof RempartError && error.code === 'ERR_REQUEST_ID_REUSED') throw error;
        // Who cannot be given a place is told what it would have been told without a queue.
        log.warn({ code: codeOf(error) }, 'a request could not be put in the queue');
        parts.count('refused');
        return undefined;
      }
    },
    async known(what, idempotencyKey) {
      const entry = await queue.sameAs(onceKey(what.caller.subject, idempotencyKey));
      if (entry === undefined) return undefined;
      checkSame(entry, what);
      return ticketOf(entry);
    },
    async find(subject, id) {
      const entry = await own(subject, id);
      return entry === undefined ? undefined : ticketOf(entry);
    },
    async cancel(subject, id) {
      const entry = await own(subject, id);
      if (entry === undefined) return undefined;
      if (await queue.cancel(id)) parts.count('cancelled');
      parts.wake();
      const after = await own(subject, id);
      return after === undefined ? undefined : ticketOf(after);
    },
    delivered: (id) => queue.delivered(id),
    ticketOf,
  };
}

function modelOf(what: Deferred): string {
  return what.kind === 'chat' ? what.model : what.call.model;
}

/** A database quotes the row it refuses in its message. */
export function codeOf(error: unknown): string {
  if (error instanceof RempartError) return error.code;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return [code, errcode].filter((part) => typeof part === 'string' || typeof part === 'number').join(' ') || 'unknown';
}
