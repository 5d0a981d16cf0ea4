// The gateway as the configuration asks for it: the same on the main thread, on each worker, and again when the configuration is read anew.
import type { Config } from '../config.ts';
import type { Log } from '../platform/base/log.ts';
import type { Lang } from '../platform/i18n/say.ts';
import type { Journal } from '../platform/journal/journal.ts';
import { openCounters } from '../platform/shared/counters.ts';
import { openSet } from '../platform/shared/set.ts';
import type { Signals } from '../platform/signals.ts';
import type { Deferral } from '../protect/deferred/deferral.ts';
import type { CheckAddress } from '../protect/deferred/webhook-address.ts';
import { createGateway, type Gateway } from '../protect/gateway/gateway.ts';
import type { Keys } from '../protect/gateway/keys.ts';
import type { ReadModes } from '../protect/gateway/locked-out.ts';
import type { GatewayMetrics } from '../protect/gateway/metrics.ts';
import type { QuarantineState } from '../protect/gateway/quarantine.ts';
import type { Tracing } from '../protect/gateway/request-trace.ts';
import type { GatewaySettings } from '../protect/gateway/settings.ts';
import type { KeySets } from '../protect/gateway/tokens/key-set.ts';
import type { Revocations } from '../protect/gateway/tokens/revocations.ts';
import type { ModelGuard } from '../protect/gateway/verified-models.ts';
import type { AnswerCache } from '../protect/resilience/answer-cache.ts';
import type { KeptHealth } from '../protect/resilience/kept-health.ts';
import type { HeldBack } from '../protect/restraints.ts';
import type { Behaviour } from '../protect/screening/behaviour.ts';
import { loadPromptScreen } from '../protect/screening/shipped.ts';
import { startStandin } from '../simulate/standin/standin.ts';
import type { InstanceLimits } from './limits.ts';
import { openIdentify } from './open-identify.ts';
import type { AtEnd } from './options.ts';

/** What outlives a gateway that is replaced by the next one. */
export interface GatewayGround {
  log: Log;
  journal: Journal;
  signals: Signals;
  keys: Keys;
  revocations: Revocations;
  /** The keys of issuers of tokens. */
  keySets: KeySets;
  /** What all threads count in. */
  memory: SharedArrayBuffer;
  /** Key of the HMAC that stands for prompts in the journal. */
  promptKey: Uint8Array;
  metrics: GatewayMetrics;
  behaviour: Behaviour;
  modelGuard?: ModelGuard | undefined;
  keptHealth: KeptHealth;
  shutOut: QuarantineState;
  modes: ReadModes;
  restraints: HeldBack;
  limits: InstanceLimits;
  /** With it, calls that can wait are kept until somebody can answer them. */
  deferral?: Deferral | undefined;
  checkWebhook?: CheckAddress | undefined;
  /** With it, requests leave spans. */
  tracing?: Tracing | undefined;
  /** Earlier answers. */
  cache?: AnswerCache | undefined;
}

/** Throws ERR_SCREENING_MODEL: a gateway that could not check a text must not start as if it could. */
export function openGateway(
  { modelGuard, limits, deferral, checkWebhook, cache, tracing, ...ground }: GatewayGround,
  config: Config,
  lang: Lang,
  providers: GatewaySettings['providers'],
): Gateway {
  return createGateway(
    {
      now: Date.now,
      random: Math.random,
      ...ground,
      identify: openIdentify({ ...ground, strangers: openCounters(ground.memory, 'anyone') }, config.access),
      shared: openSet(ground.memory),
      limiter: limits.limiterFor(config.limits),
      places: limits.places,
      foresights: limits.foresights,
      screen: loadPromptScreen({ thresholds: config.screening.thresholds }),
      ...(modelGuard === undefined ? {} : { modelGuard }),
      ...(deferral === undefined ? {} : { deferral }),
      ...(checkWebhook === undefined ? {} : { checkWebhook }),
      ...(cache === undefined ? {} : { cache }),
      ...(tracing === undefined ? {} : { tracing }),
    },
    {
      ...config.gateway,
      lang,
      providers,
      routes: config.routes,
      screening: screeningOf(config),
      local: localOf(config),
    },
  );
}

function localOf({ localAnswers: { static: how, contact }, chatbot }: Config) {
  return { static: how, contact: contact || chatbot.contact };
}

function screeningOf({
  screening: { prompts, answers, whenUnscreened, behaviour, quarantine, operatorRoles },
}: Config) {
  return { policy: { prompts, answers, whenUnscreened }, behaviour, quarantine, operatorRoles };
}

/** The providers of the configuration, or the stand-in's address when there is none. */
export async function providersOf(config: Config, atEnd: AtEnd): Promise<GatewaySettings['providers']> {
  if (config.providers.length > 0) return config.providers;
  // Users choose the model's name here: one of them must not take the provider from the others.
  const standin = await startStandin({ errorsOnDemand: false });
  atEnd(() => standin.close());
  return [{ name: 'standin', dialect: 'openai', url: standin.url }];
}
