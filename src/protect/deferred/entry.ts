// One request that waits for its answer, as the queue keeps it, and the words for where it stands.

export const states = ['waiting', 'running', 'answered', 'failed', 'expired', 'cancelled'] as const;
export type DeferredState = (typeof states)[number];

/** A call of an API, or a question put to the chatbot, whose answer appears in its conversation. */
export type DeferredKind = 'call' | 'chat';

/** What its webhook still has to be told. */
export type Delivery = 'none' | 'waiting' | 'due' | 'done' | 'given-up';

export interface Entry {
  id: string;
  subject: string;
  kind: DeferredKind;
  model: string;
  rank: number;
  state: DeferredState;
  attempts: number;
  /** Milliseconds since the epoch, as all times here. */
  createdAt: number;
  deadlineAt: number;
  expectedAt: number;
  bodyHash: string;
  code: string | null;
  endedAt: number | null;
  delivery: Delivery;
  deliveryAttempts: number;
  /** Sealed; gone once the request has ended. */
  request: string | null;
  answer: string | null;
  webhook: string | null;
}

export interface NewEntry {
  id: string;
  subject: string;
  kind: DeferredKind;
  model: string;
  /** Lower is sooner. */
  rank: number;
  /** Until its deadline. */
  deadlineMs: number;
  /** Until it is likely to be answered, and until it is tried. */
  expectedMs: number;
  firstTryMs: number;
  /** The same for every retry of one request. */
  idempotency?: string;
  bodyHash: string;
  request: string;
  webhook?: string;
}

/** What a node holds: an older attempt, even of the same node, has no say any more. */
export type Held = Pick<Entry, 'id' | 'attempts'> & { node: string };

/** How a request ended: with an answer, or why without one. */
export type Ending =
  | { state: 'answered'; answer: string }
  | { state: 'failed' | 'expired' | 'cancelled'; code: string };
