// What the gateway offers inside the process: one guarded completion. The HTTP front and the chatbot both come through here.
import type { Ending } from '../../platform/base/ending.ts';
import type { RempartError } from '../../platform/base/errors.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { Standings } from '../limits/limit-headers.ts';
import type { Scopes } from './scopes.ts';

export type Role = 'user' | 'viewer' | 'operator' | 'admin';

/** Who asks: found by the key or session, never by the body. */
export interface Caller {
  subject: string;
  role: Role;
  /** How it was proved: the public id of the key or session, fit for the journal. */
  credential: string;
  sourceIp: string;
  /** What the credential may be used for; all when there are none. */
  scopes?: Scopes;
}

/** Not as usual, and said so in `x-rempart-degraded`. */
export type DegradedMode = 'warning' | 'rationed' | 'deferred' | 'cache' | 'local' | 'memory' | 'provider';

export interface AskMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface AskRequest {
  caller: Caller;
  model: string;
  messages: readonly AskMessage[];
  lang: Lang;
  requestId: string;
  /** Ends the upstream call when the client goes away. */
  signal: Ending;
  /** Told where the caller stands within its limits. */
  granted?: ((standings: Standings) => void) | undefined;
  /** The id under which the question waited: it goes on doing so rather than take another's place. */
  deferred?: string;
}

export type AskOutcome =
  | {
      kind: 'answer';
      text: string;
      model: string;
      degraded: readonly DegradedMode[];
      /** Until a quota that runs low is renewed. */
      renewsInMs?: number;
      /** Not to be given again: something in it was masked, or another provider stood in. */
      isOnce?: true;
      usage: { promptTokens: number; completionTokens: number };
    }
  /** No upstream answered. `error` is fit for the user; `retryAfterSeconds` is there when waiting helps. `partial` holds what was already streamed. */
  | {
      kind: 'unavailable';
      error: RempartError;
      retryAfterSeconds?: number;
      degraded?: readonly DegradedMode[];
      partial: string;
    }
  /** The client went away first. */
  | { kind: 'aborted'; partial: string };

/** Asks the routed provider under all guards, retries, breakers and spare keys; journalled. `onDelta` makes it stream. Never rejects for what an upstream does. */
export type Ask = (request: AskRequest, onDelta?: (text: string) => void) => Promise<AskOutcome>;
