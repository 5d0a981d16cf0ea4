// Requests that wait, in an instance: the queue, who puts in it and who answers what is in it.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Gauge, type Registry } from 'prom-client';
import { Agent } from 'undici';
import type { Config } from '../config.ts';
import { readOrCreateSecret } from '../platform/base/secret-file.ts';
import type { Lang } from '../platform/i18n/say.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { apiActivity } from '../platform/journal/ocsf.ts';
import { createAnswerQuestion, createAskLater, tellUnanswered } from '../protect/chatbot/answer-later.ts';
import type { Book } from '../protect/chatbot/book.ts';
import { type CurrentCaller, createAnswerCall } from '../protect/deferred/answer-call.ts';
import type { Deferred } from '../protect/deferred/deferral.ts';
import { deferredHolding } from '../protect/deferred/deferred-holding.ts';
import { createDeferredMetrics } from '../protect/deferred/deferred-metrics.ts';
import { createDesk } from '../protect/deferred/desk.ts';
import type { Entry } from '../protect/deferred/entry.ts';
import { createOutbox } from '../protect/deferred/outbox.ts';
import { createQueue } from '../protect/deferred/queue.ts';
import { createSeal } from '../protect/deferred/seal.ts';
import { createCheckAddress, createGuardedLookup } from '../protect/deferred/webhook-address.ts';
import { startWork, type Work, type WorkParts } from '../protect/deferred/work.ts';
import type { Holding } from '../protect/erasure/holding.ts';
import type { Gateway } from '../protect/gateway/gateway.ts';
import type { ReadModes } from '../protect/gateway/locked-out.ts';
import { loadWafRules } from '../protect/gateway/waf/waf-rules.ts';
import { type AnswerCache, createAnswerCache } from '../protect/resilience/answer-cache.ts';
import type { Ground } from './ground.ts';
import type { AtEnd } from './options.ts';

export interface DeferralGround extends Pick<Ground, 'store' | 'keys' | 'revocations' | 'signals' | 'log'> {
  config: Config;
  data: string;
  lang: Lang;
  journal: Pick<Journal, 'append'>;
  modes: ReadModes;
  registry: Registry;
}

const minuteMs = 60_000;
const now = Date.now;

export type InstanceDeferral = NonNullable<ReturnType<typeof openDeferral>>;

/** What texts that wait are sealed with. */
export function sealOf({ deferred: { key } }: Pick<Config, 'deferred'>, data: string) {
  return createSeal(key === undefined ? readOrCreateSecret(join(data, 'deferred.key'), 32) : Buffer.from(key));
}

/** Undefined where the configuration wants none. */
export function openDeferral(ground: DeferralGround) {
  const { config, data, store, log } = ground;
  const { deferred, chatbot } = config;
  if (deferred.mode === 'off') return undefined;
  const seal = sealOf(config, data);
  const ofQueue = { db: store.db, kind: store.kind, keyId: seal.keyId, now };
  const queue = createQueue(ofQueue, {
    most: deferred.most,
    mostPerUser: deferred.mostPerUser,
    mostBytes: deferred.megabytes * 1_048_576,
    keepMs: deferred.keepMinutes * minuteMs,
    keepDeliveredMs: deferred.keepDeliveredMinutes * minuteMs,
  });
  const metrics = createDeferredMetrics(ground.registry, queue);
  const { secret, allowedHosts, timeoutMs } = deferred.webhooks;
  const { places } = loadWafRules();
  const checkWebhook = createCheckAddress(places, { isOn: secret !== undefined, allowedHosts });
  let work: Work | undefined;
  const desk = createDesk(
    {
      queue,
      seal,
      pace: () => work?.pace() ?? { answerMs: 3_000, atOnce: deferred.atOnce },
      now,
      log,
      count: metrics.count,
      wake: () => work?.wake(),
    },
    {
      deadlineMs: deferred.deadlineMinutes * minuteMs,
      longestDeadlineMs: deferred.longestDeadlineMinutes * minuteMs,
    },
  );

  function outbox(atEnd: AtEnd): () => Promise<void> {
    if (secret === undefined) return async () => undefined;
    const dispatcher = new Agent({
      connect: { lookup: createGuardedLookup(places, allowedHosts), timeout: timeoutMs },
      connections: 4,
      maxResponseSize: 65_536,
    });
    atEnd(() => dispatcher.destroy());
    return createOutbox(
      {
        ...ofQueue,
        seal,
        dispatcher,
        check: checkWebhook,
        ticketOf: desk.ticketOf,
        delivered: desk.delivered,
        count: metrics.webhook,
        log,
      },
      { secret, timeoutMs, lang: ground.lang },
    );
  }

  return {
    /** For each gateway of the instance. */
    forGateway: { deferral: desk, checkWebhook },
    deferral: desk,
    later: deferred.chat ? createAskLater(desk, chatbot.model) : undefined,
    holding: deferredHolding(ofQueue, seal),
    /** What was under way when an instance ended goes on. */
    async start(
      { gateway, book }: { gateway: Pick<Gateway, 'ask' | 'redo'>; book: Book },
      atEnd: AtEnd,
    ): Promise<void> {
      const currentCaller = currentCallerOf(ground);
      const answerCall = createAnswerCall({ redo: gateway.redo, currentCaller, now });
      const answerQuestion = createAnswerQuestion({ ask: gateway.ask, book, currentCaller, now }, chatbot);
      const deliver = outbox(atEnd);
      // Its only writer was the process before this one.
      if (store.kind === 'sqlite') await queue.takeBack().catch(() => undefined);
      // Nobody remembers how long was to be waited for what.
      await queue.hurry().catch(() => undefined);
      work = startWork(
        {
          queue,
          seal,
          answer: (what, about) => (what.kind === 'call' ? answerCall(what, about) : answerQuestion(what, about)),
          isHeld: () => ground.modes.active('safe'),
          ended: tellEnd(ground, metrics, book),
          deliver,
          node: randomUUID(),
          now,
          log,
        },
        { atOnce: deferred.atOnce },
      );
      const { close, hurry } = work;
      atEnd(close);
      const silence = ground.signals.subscribe(({ kind }) => {
        if (kind === 'provider-recovered') hurry();
      });
      atEnd(async () => silence());
    },
  };
}

/** Who asked then, as that one may ask now. */
function currentCallerOf({ keys, revocations }: Pick<DeferralGround, 'keys' | 'revocations'>): CurrentCaller {
  return (caller, since) => {
    const { credential, subject } = caller;
    const [id = ''] = credential.split('/', 1);
    const key = keys.list().find((one) => one.id === id);
    if (key !== undefined) {
      if (key.revokedAt !== undefined) return undefined;
      const { scopes: _, ...rest } = caller;
      return { ...rest, role: key.role, ...(key.scopes === undefined ? {} : { scopes: key.scopes }) };
    }
    // A key that is no longer in the configuration or in the store.
    if (/^(?:rmp|cfg)_/.test(id)) return undefined;
    return revocations.isRevoked({ jti: id.replace(/^jwt_/, ''), subject, issuedAt: since }) ? undefined : caller;
  };
}

function tellEnd(
  { journal, log }: Pick<DeferralGround, 'journal' | 'log'>,
  metrics: ReturnType<typeof createDeferredMetrics>,
  book: Book,
): WorkParts['ended'] {
  return (entry: Entry, { state, code }, what: Deferred | undefined) => {
    metrics.count(state);
    if (state === 'answered') metrics.answered(now() - entry.createdAt);
    if (what?.kind === 'chat' && state !== 'answered')
      tellUnanswered(book, what, now()).catch((err: unknown) =>
        log.error({ err }, 'an end of waiting could not be told in its conversation'),
      );
    // How the others ended is in the outcome of their last try.
    if (state !== 'expired') return;
    journal
      .append(
        apiActivity({
          time: now(),
          activity: 'delete',
          operation: 'deferred expired',
          actor: { subject: entry.subject },
          sourceIp: what?.caller.sourceIp ?? '127.0.0.1',
          status: 'failure',
          statusCode: code ?? 'ERR_DEFERRED_EXPIRED',
          unmapped: { deferred: entry.id, waitedMs: now() - entry.createdAt },
        }),
      )
      .catch((err: unknown) => log.error({ err }, 'an end of waiting could not be journalled'));
  };
}

/** Undefined where the configuration wants none. */
export function openAnswerCache(
  { cache: scope, cacheMinutes, cacheMegabytes }: Config['localAnswers'],
  registry: Registry,
): AnswerCache | undefined {
  if (scope === 'off') return undefined;
  const cache = createAnswerCache(now, {
    scope,
    ttlMs: cacheMinutes * minuteMs,
    maxBytes: cacheMegabytes * 1_048_576,
  });
  new Gauge({
    name: 'rempart_answer_cache_bytes',
    help: 'Size of the earlier answers that are kept for when nobody can give new ones',
    registers: [registry],
    collect() {
      this.set(cache.state().bytes);
    },
  });
  return cache;
}

/** What is kept of people here. */
export function waitingOf(deferred: InstanceDeferral | undefined, cache: AnswerCache | undefined): Holding[] {
  const cached: Holding = {
    name: 'answerCache',
    count: async () => 0,
    // Which conversation one was given in is not known: all of them go.
    erase: async (subject) => cache?.forget(subject) ?? 0,
  };
  return [...(deferred === undefined ? [] : [deferred.holding]), ...(cache === undefined ? [] : [cached])];
}
