// One chat call from screening to its record: what the HTTP front and the in-process `ask` have in common.
import { createEnding } from '../../platform/base/ending.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { Log } from '../../platform/base/log.ts';
import { inStep } from '../../platform/base/turn-end.ts';
import type { Deferral } from '../deferred/deferral.ts';
import type { Leave } from '../gate.ts';
import { estimateOf } from '../limits/call-estimate.ts';
import type { Grant, Limiter } from '../limits/limiter.ts';
import type { Places } from '../limits/places.ts';
import type { AnswerCache } from '../resilience/answer-cache.ts';
import { createInstead, nothingLocal } from '../resilience/instead.ts';
import { admit } from './admit.ts';
import { chatAttempt } from './chat-attempt.ts';
import { concluded, isRepeatable, nothingFound } from './conclude.ts';
import type { ChatCall } from './dialects/dialect.ts';
import type { Converse, Conversed, Exchange, Progress } from './exchange.ts';
import { journalAway, type Unavailable, unavailable } from './failure-error.ts';
import { forward } from './forward.ts';
import { capOutput } from './limit-output.ts';
import { heldInSafeMode, type ReadModes } from './locked-out.ts';
import type { GatewayMetrics } from './metrics.ts';
import { createModelLoads } from './model-loads.ts';
import { answeredBy, degradedModesOf, outcomeOf } from './outcome-of.ts';
import { askedBy, rankOf, usedBy } from './owed.ts';
import type { OutcomeFacts, Recorder } from './record.ts';
import { createRemoteModels } from './remote-models.ts';
import type { RequestTrace, Tracing } from './request-trace.ts';
import type { Routes } from './routes.ts';
import type { Screening } from './screen.ts';
import type { GatewaySettings } from './settings.ts';
import { createTally } from './settle.ts';
import type { CallsUnderWay } from './under-way.ts';
import { type ModelGuard, verifiedProviders } from './verified-models.ts';

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
  /** Where calls are found whose callers may not go on. */
  underWay: CallsUnderWay;
}

/** What is counted of a call once it is over; times in milliseconds since the epoch. */
interface Ended {
  end: Conversed;
  facts: Partial<OutcomeFacts>;
  firstAt: number | undefined;
  begunAt: number;
  isWhole: boolean;
}

/** Rejects with what `deliver` throws only: what goes wrong is an outcome. */
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

  return async (exchange, call, listener, deliver) => {
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
    const cut = (why: RempartError) => {
      progress.stopped ??= why;
      cancel.abort();
    };
    const { caller, startedAt, seen } = exchange;
    const leaveUnderWay = parts.underWay.begin({ caller, startedAt, cut }, seen);
    // Thousandths of a millisecond matter here, and a jump of the clock must not.
    let spent = -performance.now();
    let end: Conversed;
    let facts: Partial<OutcomeFacts> = {};
    let grant: Grant | undefined;
    let leave: Leave | undefined;
    let begunAt = exchange.startedAt;
    await inStep;
    try {
      admit(exchange.caller, { operation: exchange.operation, model: call.model });
      const held = heldInSafeMode(parts.modes, now());
      if (held !== undefined) throw held;
      grant = parts.limiter?.begin(askedBy(exchange, call), estimateOf(call), exchange.granted);
      leave = await placeFor(exchange);
      if (progress.stopped !== undefined) throw progress.stopped;
      begunAt = now();
      const bounded = grant?.maxTokens === undefined ? call : capOutput(call, grant.maxTokens);
      await inStep;
      const cleared = parts.screening.prompts(exchange, bounded);
      await inStep;
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
    await inStep;
    cancel.release();
    leaveUnderWay();
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
    await inStep;
    const isDurable = await durable;
    if (!isDurable) end = { kind: 'failed', ...journalAway() };
    const undelivered = failureOf(deliver, end);
    // A deferred call is counted when it is made; and what could not be journalled is our own fault, and was not shown.
    await inStep;
    if (!isDurable || end.kind === 'deferred') grant?.undo();
    else grant?.settle(used);
    await inStep;
    const outcome = { ...outcomeOf(end, call, progress, exchange.startedAt, used), ...facts };
    recorder.outcome(exchange, outcome);
    for (const mode of degradedModesOf(end)) metrics.degraded(mode);
    trace?.concluded(exchange.requestId, call, outcome, progress.said);
    await inStep;
    spent += performance.now();
    metrics.overhead(call.dialect, Math.max(0, spent) / 1_000);
    count(exchange, call, { end, facts, firstAt: progress.firstAt, begunAt, isWhole: listener === undefined });
    if (undelivered !== undefined) throw undelivered.error;
    return end;
  };

  function count(
    { startedAt }: Exchange,
    { dialect, model }: ChatCall,
    { end, facts: { provider, attempts }, firstAt, begunAt, isWhole }: Ended,
  ): void {
    metrics.request(dialect, end.kind, (now() - startedAt) / 1_000);
    if (end.kind === 'answered' && provider !== undefined) {
      metrics.tokens(provider, 'input', end.settlement.promptTokens);
      metrics.tokens(provider, 'output', end.settlement.completionTokens);
    }
    if (firstAt === undefined) return;
    metrics.firstByte(dialect, (firstAt - startedAt) / 1_000);
    // Of a second attempt the first one's time would be part.
    if (attempts === 1 && provider !== undefined) metrics.answered(provider, (firstAt - begunAt) / 1_000);
    if (end.kind === 'answered') parts.places?.answered(`${isWhole} ${model}`, firstAt - begunAt);
  }
}

function failureOf(deliver: ((end: Conversed) => void) | undefined, end: Conversed): { error: unknown } | undefined {
  try {
    deliver?.(end);
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** One that came in over HTTP brought its own. */
function traceOf(tracing: Tracing | undefined, { trace, operation }: Exchange): RequestTrace | null {
  return trace === undefined ? (tracing?.begin(operation) ?? null) : trace;
}

function refusal(error: unknown, log: Log): Unavailable {
  if (error instanceof RempartError) return unavailable(error);
  log.error({ err: error }, 'a chat call met an unexpected error');
  return { error: new RempartError('ERR_INTERNAL') };
}
