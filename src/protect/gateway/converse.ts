// One chat call from screening to its record: what the HTTP front and the in-process `ask` have in common.
import { randomFillSync } from 'node:crypto';
import { createEnding, type Ending } from '../../platform/base/ending.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import type { Lang } from '../../platform/i18n/say.ts';
import type { Deferrable } from '../deferred/batch-door.ts';
import type { Deferral, Ticket } from '../deferred/deferral.ts';
import type { Leave } from '../gate.ts';
import { estimateOf } from '../limits/call-estimate.ts';
import type { Standings } from '../limits/limit-headers.ts';
import type { Grant, Limiter } from '../limits/limiter.ts';
import type { Places } from '../limits/places.ts';
import type { AnswerCache } from '../resilience/answer-cache.ts';
import type { Foresight } from '../resilience/foresight.ts';
import { createInstead, nothingLocal } from '../resilience/instead.ts';
import { admit } from './admit.ts';
import type { Caller, DegradedMode } from './ask.ts';
import { chatAttempt } from './chat-attempt.ts';
import { degradedOf } from './degraded.ts';
import type { ChatCall, ReplyEvent } from './dialects/dialect.ts';
import { errorOfFailure, type Unavailable } from './failure-error.ts';
import type { AnswerFilter } from './filter.ts';
import { type Forwarded, forward } from './forward.ts';
import { capOutput } from './limit-output.ts';
import { heldInSafeMode, type ReadModes } from './locked-out.ts';
import type { GatewayMetrics } from './metrics.ts';
import { createModelLoads } from './model-loads.ts';
import { answeredBy, outcomeOf } from './outcome-of.ts';
import { askedBy, rankOf, usedBy } from './owed.ts';
import type { OutcomeFacts, Recorder } from './record.ts';
import { createRemoteModels } from './remote-models.ts';
import type { RequestTrace, Tracing } from './request-trace.ts';
import type { Routes } from './routes.ts';
import type { Screening } from './screen.ts';
import type { GatewaySettings } from './settings.ts';
import { createTally, type Settlement, type Tally } from './settle.ts';
import type { Flow } from './upstream.ts';
import { type ModelGuard, verifiedProviders } from './verified-models.ts';

export interface Exchange {
  requestId: string;
  caller: Caller;
  operation: string;
  /** In which what replaces a masked part is said. */
  lang: Lang;
  startedAt: number;
  /** Aborts when the client goes away. */
  signal: Ending;
  /** Told where the caller stands within its limits, before anything is sent. */
  granted?: (standings: Standings) => void;
  /** It said of itself that it can wait. */
  isBatch?: true;
  /** With it, it may be put in the queue of those that wait. */
  deferrable?: Deferrable;
  /** The id under which it waited. */
  deferred?: string;
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

export interface ConverseParts {
  now: () => number;
  random: () => number;
  log: Log;
  recorder: Recorder;
  metrics: GatewayMetrics;
  screening: Screening;
  routes: Routes;
  /** With it, emergency modes are heeded. */
  modes?: ReadModes;
  /** With it, only verified models are used. */
  modelGuard?: ModelGuard;
  /** Without it, nobody's requests are counted. */
  limiter?: Limiter;
  places?: Places;
  /** What is answered when nobody can. */
  deferral?: Deferral;
  cache?: AnswerCache;
  /** With it, requests leave spans. */
  tracing?: Tracing;
}

export type Converse = (exchange: Exchange, call: ChatCall, listener?: Listener) => Promise<Conversed>;

/** Never rejects: what goes wrong is an outcome. */
export function createConverse(parts: ConverseParts, settings: GatewaySettings): Converse {
  const { now, recorder, metrics } = parts;
  const halfOpenMs = settings.breaker.halfOpenMs;
  const { local = nothingLocal } = settings;
  const instead = createInstead({ ...parts, count: metrics.localAnswer }, local);
  const loads = createModelLoads(now, metrics, parts.modelGuard);
  const remote = createRemoteModels(now, settings);

  /** The chatbot has a line of its own. */
  async function placeFor({ caller, isBatch, operation, signal }: Exchange): Promise<Leave> {
    if (parts.places === undefined || operation === 'ask') return () => {};
    return parts.places.enter(caller, isBatch === true, signal);
  }

  return async (exchange, call, listener) => {
    const cancel = createEnding(exchange.signal);
    const { signal } = cancel;
    const receipt = recorder.received(exchange, {
      dialect: call.dialect,
      model: call.model,
      stream: listener !== undefined,
      turns: call.turns,
    });
    // The upstream call is not worth finishing when nothing may be answered.
    const durable = receipt.then(
      () => true,
      () => {
        cancel.abort();
        return false;
      },
    );
    const trace = traceOf(parts.tracing, exchange);
    const progress: Progress = { tally: createTally(), events: [], said: [] };
    // Thousandths of a millisecond matter here, and a jump of the clock must not.
    let spent = -performance.now();
    let end: Conversed;
    let facts: Partial<OutcomeFacts> = {};
    let grant: Grant | undefined;
    let leave: Leave | undefined;
    let begunAt = exchange.startedAt;
    try {
      admit(exchange.caller, { operation: exchange.operation, model: call.model });
      const held = heldInSafeMode(parts.modes, now());
      if (held !== undefined) throw held;
      grant = parts.limiter?.begin(askedBy(exchange, call), estimateOf(call), exchange.granted);
      leave = await placeFor(exchange);
      begunAt = now();
      const bounded = grant?.maxTokens === undefined ? call : capOutput(call, grant.maxTokens);
      const cleared = parts.screening.prompts(exchange, bounded);
      const until = exchange.startedAt + settings.timeouts.totalMs;
      const attempt = chatAttempt({
        call: cleared,
        settings,
        now,
        until,
        signal,
        durable,
        progress,
        listener,
        answers: parts.screening.answers(exchange, call),
        grant,
        cancel: () => cancel.abort(),
      });
      const limits = { retries: settings.retries, until, signal, rank: rankOf(exchange) };
      const providers = await verifiedProviders(
        call,
        await remote.without(call, parts.routes.route(call)),
        parts.modelGuard,
      );
      const sentAt = performance.now();
      const forwarded = await forward(parts, providers, limits, (provider, key, isFallback) => {
        loads.asked(provider, provider.model ?? call.model);
        if (trace === null) return attempt(provider, key, isFallback);
        return trace.attempt(call, provider, (target) => attempt(target, key, isFallback));
      });
      spent -= performance.now() - sentAt;
      facts = {
        attempts: forwarded.attempts,
        ...('provider' in forwarded ? answeredBy(forwarded.provider) : {}),
      };
      end = concluded(forwarded, call, progress, halfOpenMs);
      if (end.kind === 'failed' && end.degraded?.includes('rationed')) metrics.rateLimited('rationed');
    } catch (error) {
      end = { kind: 'failed', ...refusal(error, parts.log) };
      facts = { kind: 'refused' };
      // There was no place for it: it is as if it had not been asked.
      if (leave === undefined) {
        grant?.undo();
        if (exchange.signal.aborted) end = { kind: 'aborted', text: '' };
      }
    }
    cancel.release();
    leave?.();
    const found = progress.filter?.findings() ?? nothingFound;
    if (end.kind === 'failed') {
      const isRefused = facts.kind === 'refused';
      const given = await instead.of({ exchange, call, failure: end, isRefused, durable, listener });
      if (given !== undefined) {
        end = given;
        if (given.kind !== 'failed') facts = { ...facts, kind: given.kind };
      }
    } else if (end.kind === 'answered' && (parts.cache !== undefined || exchange.operation === 'ask')) {
      if (isRepeatable(progress, found, end.degraded)) instead.remember(exchange, call, progress.said);
      else end = { ...end, isOnce: true };
    }
    const used = usedBy(end, call, progress, facts.attempts ?? 0);
    if (progress.filter !== undefined) parts.screening.answered(exchange, found, progress.filter.failed());
    parts.screening.given(exchange.caller, progress.said);
    if (await durable) {
      // It is counted when it is made.
      if (end.kind === 'deferred') grant?.undo();
      else grant?.settle(used);
    } else {
      end = { kind: 'failed', ...journalAway() };
      // Our own fault, and nothing was shown of what may have come.
      grant?.undo();
    }
    const outcome = { ...outcomeOf(end, call, progress, exchange.startedAt), ...facts };
    recorder.outcome(exchange, outcome);
    trace?.concluded(exchange.requestId, call, outcome, progress.said);
    spent += performance.now();
    metrics.overhead(call.dialect, Math.max(0, spent) / 1_000);
    metrics.request(call.dialect, end.kind, (now() - exchange.startedAt) / 1_000);
    if (end.kind === 'answered' && facts.provider !== undefined) {
      metrics.tokens(facts.provider, 'input', end.settlement.promptTokens);
      metrics.tokens(facts.provider, 'output', end.settlement.completionTokens);
    }
    if (progress.firstAt !== undefined) {
      metrics.firstByte(call.dialect, (progress.firstAt - exchange.startedAt) / 1_000);
      // Of a second attempt the first one's time would be part.
      if (facts.attempts === 1 && facts.provider !== undefined)
        metrics.answered(facts.provider, (progress.firstAt - begunAt) / 1_000);
      if (end.kind === 'answered')
        parts.places?.answered(`${listener === undefined} ${call.model}`, progress.firstAt - begunAt);
    }
    return end;
  };
}

/** What an answer has come to so far; begun anew with each attempt, since only an attempt without a byte is repeated. */
export interface Progress {
  tally: Tally;
  events: ReplyEvent[];
  /** What came of it, streamed or whole. */
  said: ReplyEvent[];
  firstAt?: number;
  filter?: AnswerFilter;
  /** Why it was ended before its own end: the caller's tokens are used up. */
  overQuota?: RempartError;
  /** An answer that was refused half-way had begun to go out. */
  shown?: boolean;
}

/** One that came in over HTTP brought its own. */
function traceOf(tracing: Tracing | undefined, { trace, operation }: Exchange): RequestTrace | null {
  return trace === undefined ? (tracing?.begin(operation) ?? null) : trace;
}

function concluded(forwarded: Forwarded<void>, call: ChatCall, progress: Progress, halfOpenMs: number): Conversed {
  const text = progress.tally.text();
  switch (forwarded.kind) {
    case 'done':
      return {
        kind: 'answered',
        events: progress.events,
        text,
        model: progress.tally.model() ?? call.model,
        degraded: degradedOf(forwarded.provider, forwarded.isFallback),
        ...renewal(forwarded.provider.foresight),
        settlement: progress.tally.settle(call.turns),
      };
    case 'cut':
      return { kind: 'cut', error: new RempartError('ERR_STREAM_CUT'), text };
    case 'failed':
      return { kind: 'failed', ...errorOfFailure(forwarded.failure, halfOpenMs) };
    case 'aborted': {
      const error = progress.filter?.refusal() ?? progress.overQuota;
      if (error === undefined) return { kind: 'aborted', text };
      return progress.shown ? { kind: 'cut', error, text } : { kind: 'failed', ...unavailable(error) };
    }
  }
}

/** Nothing was found in it, so all of it may be shown again. */
function isRepeatable({ filter }: Progress, found: Found, degraded: readonly DegradedMode[]): boolean {
  return filter !== undefined && !filter.failed() && found.length === 0 && !degraded.includes('provider');
}

type Found = ReturnType<AnswerFilter['findings']>;
const nothingFound: Found = [];

function renewal(foresight: Foresight | undefined): { renewsInMs?: number } {
  const renewsInMs = foresight?.stage() === 'usual' ? undefined : foresight?.renewsInMs();
  return renewsInMs === undefined ? {} : { renewsInMs };
}

function refusal(error: unknown, log: Log): Unavailable {
  if (error instanceof RempartError) return unavailable(error);
  log.error({ err: error }, 'a chat call met an unexpected error');
  return { error: new RempartError('ERR_INTERNAL') };
}

export function unavailable(error: RempartError): Unavailable {
  const { seconds } = error.facts;
  return { error, ...(typeof seconds === 'number' ? { retryAfterSeconds: seconds } : {}) };
}

export function journalAway(): Unavailable {
  return { error: new RempartError('ERR_JOURNAL_UNWRITABLE'), retryAfterSeconds: 5 };
}

/** Fit for a header, a log and the journal; a client's own id is not taken over, since it could forge another's. */
export function newRequestId(): string {
  if (drawn === random.length) {
    randomFillSync(random);
    drawn = 0;
  }
  drawn += idBytes;
  return `req_${random.toString('hex', drawn - idBytes, drawn)}`;
}

const idBytes = 16;
/** Drawn for many at once: a call for each takes 1 µs. */
const random = Buffer.alloc(256 * idBytes);
let drawn = random.length;
