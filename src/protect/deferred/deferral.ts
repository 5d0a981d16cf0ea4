// What is offered to whoever can wait: a place in the queue, a look at it, and a way out of it. Plain data in and out, so that it can be asked from another thread.
import type { ErrorCode } from '../../platform/base/errors.ts';
import type { Json } from '../../platform/base/json.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { Dialect as DialectName } from '../../platform/wire/dialect.ts';
import type { Caller } from '../gateway/ask.ts';
import type { ChatCall, WireName } from '../gateway/dialects/dialect.ts';
import type { DeferredState, Delivery } from './entry.ts';

/** A call as it was asked for, in the words of its own address. */
export interface DeferredCall {
  kind: 'call';
  caller: Caller;
  /** Our own name of its address: "POST /v1/chat/completions". */
  operation: string;
  dialect: DialectName;
  wire: WireName;
  lang: Lang;
  call: ChatCall;
}

/** A question that lies in a conversation of the chatbot: nothing of its text is kept here. */
export interface DeferredQuestion {
  kind: 'chat';
  caller: Caller;
  model: string;
  lang: Lang;
  conversation: string;
  question: string;
  answer: string;
}

export type Deferred = DeferredCall | DeferredQuestion;

/** What the client wishes, from its headers. */
export interface Wishes {
  idempotencyKey?: string;
  webhook?: string;
  deadlineMs?: number;
}

export interface Order extends Wishes {
  what: Deferred;
  /** Until it is likely that it can be served. */
  waitMs: number;
}

/** Where a request stands, for who asked for it. */
export interface Ticket {
  id: string;
  kind: Deferred['kind'];
  state: DeferredState;
  /** 1: the next one. Only while it waits. */
  position?: number;
  createdAt: number;
  deadlineAt: number;
  /** Only while it waits or runs. */
  expectedAt?: number;
  endedAt?: number;
  /** Why there is no answer. */
  code?: ErrorCode;
  /** In the shape that the address it was asked at gives. */
  answer?: Json;
  delivery: Delivery;
}

export interface Deferral {
  /** Undefined: it cannot be kept, since there is no room or no store. Throws ERR_REQUEST_ID_REUSED. */
  accept(order: Order): Promise<Ticket | undefined>;
  /** What this key was already given for the same request. Throws ERR_REQUEST_ID_REUSED, ERR_STORE_AWAY. */
  known(what: Deferred, idempotencyKey: string): Promise<Ticket | undefined>;
  /** Undefined: there is none of this subject. Throws ERR_STORE_AWAY. */
  find(subject: string, id: string): Promise<Ticket | undefined>;
  cancel(subject: string, id: string): Promise<Ticket | undefined>;
  /** The owner has its answer now: it is kept a little while longer, and then erased. */
  delivered(id: string): Promise<void>;
}
