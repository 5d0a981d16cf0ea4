// One call and what comes of it: who asks, who listens, how far an answer has come, and how it ended.
import type { Ending } from '../../platform/base/ending.ts';
import type { RempartError } from '../../platform/base/errors.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { Deferrable } from '../deferred/batch-door.ts';
import type { Ticket } from '../deferred/deferral.ts';
import type { Standings } from '../limits/limit-headers.ts';
import type { DegradedMode } from './ask.ts';
import type { ChatCall, ReplyEvent } from './dialects/dialect.ts';
import type { Unavailable } from './failure-error.ts';
import type { AnswerFilter } from './filter.ts';
import type { RecordedRequest } from './record.ts';
import type { RequestTrace } from './request-trace.ts';
import type { Settlement, Tally } from './settle.ts';
import type { Flow } from './upstream.ts';

export interface Exchange extends RecordedRequest {
  /** In which what replaces a masked part is said. */
  lang: Lang;
  /** Aborts when the client goes away. */
  signal: Ending;
  /** Told where the caller stands within its limits, before anything is sent. */
  granted?: (standings: Standings) => void;
  /** It said of itself that it can wait. */
  isBatch?: true;
  /** With it, it may be put in the queue of those that wait. */
  deferrable?: Deferrable;
  /** Of the calls under way, as of when its caller was let in. */
  seen?: number;
  /** null: it was decided that it leaves no spans. */
  trace?: RequestTrace | null;
}

/** Who takes a streamed answer. */
export interface Listener {
  begin(about: { degraded: readonly DegradedMode[] }): void;
  /** `flow` lets a slow listener hold the upstream back. */
  event(event: ReplyEvent, flow: Flow): void;
}

export type Conversed =
  | {
      kind: 'answered';
      events: readonly ReplyEvent[];
      text: string;
      model: string;
      degraded: readonly DegradedMode[];
      settlement: Settlement;
      /** It is one of ours, given since nobody can answer before then. */
      retryAfterSeconds?: number;
      /** Until a quota that runs low is renewed. */
      renewsInMs?: number;
      /** Not to be given again: something in it was masked, or another provider stood in. */
      isOnce?: true;
    }
  /** Nobody can answer now, and it may wait. */
  | { kind: 'deferred'; ticket: Ticket }
  /** The answer had begun. */
  | { kind: 'cut'; error: RempartError; text: string }
  | ({ kind: 'failed' } & Unavailable)
  | { kind: 'aborted'; text: string };

/** `deliver` hears of the end before it is written down: nobody need wait for our books. What it throws is thrown once they are kept. */
export type Converse = (
  exchange: Exchange,
  call: ChatCall,
  listener?: Listener,
  deliver?: (end: Conversed) => void,
) => Promise<Conversed>;

/** What an answer has come to so far; begun anew with each attempt, since only an attempt without a byte is repeated. */
export interface Progress {
  tally: Tally;
  events: ReplyEvent[];
  /** What came of it, streamed or whole. */
  said: ReplyEvent[];
  firstAt?: number;
  filter?: AnswerFilter;
  /** Why it was ended before its own end: the caller's tokens are used up, or it may not go on. */
  stopped?: RempartError;
  /** An answer that was refused half-way had begun to go out. */
  shown?: boolean;
}
