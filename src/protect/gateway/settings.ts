// What the gateway is told when it is made: the checked configuration, as far as it concerns the gateway.
import type { Lang } from '../../platform/i18n/say.ts';
import type { Dialect as DialectName } from '../../platform/wire/dialect.ts';
import type { BreakerSettings } from '../resilience/breaker.ts';
import type { InsteadSettings } from '../resilience/instead.ts';
import type { RefusalSettings } from '../resilience/refusal.ts';
import { defaultPolicy, type Policy } from '../screening/policy.ts';
import type { Role } from './ask.ts';
import type { QuarantineSettings } from './quarantine.ts';
import type { UnknownFields } from './shape.ts';
import type { BehaviourPolicy } from './watch-behaviour.ts';

export interface ProviderSettings {
  name: string;
  dialect: DialectName;
  /** Origin; a path in it is put before the dialect's own. */
  url: string;
  key?: string | undefined;
  /** Serve side by side, with `key` where there is one; default weight 1. */
  keys?: readonly { key: string; weight?: number }[];
  /** Take over in order once all that serve are refused. */
  spareKeys?: readonly string[];
  /** The address of the HTTP proxy on the way there; nothing or `none`: straight. */
  proxy?: string;
  /** Whose limits its keys have: providers of one account name the same one; default: its own name. */
  workspace?: string | undefined;
  /** Models that an Ollama would send on to its maker's servers; default `auto`: refused where it may be one. Of dialect ollama always. */
  remoteModels?: 'auto' | 'refuse' | 'allow' | undefined;
}

/** Where calls for a model go: to targets, or wherever those for another model go. */
export interface RouteSettings {
  /** A name, or a pattern with `*` for any text without a slash. */
  model: string;
  aliasOf?: string | undefined;
  targets?: readonly TargetSettings[] | undefined;
}

export interface TargetSettings {
  provider: string;
  /** What the model is called there; default: what it was asked for by. */
  model?: string | undefined;
  /** With it, neighbours that have one too share the calls. */
  weight?: number | undefined;
  /** Lower comes first; default 1. */
  priority?: number | undefined;
}

export interface Timeouts {
  connectMs: number;
  firstByteMs: number;
  idleMs: number;
  totalMs: number;
}

export interface Retries {
  max: number;
  baseMs: number;
  /** A provider that asks to wait longer than this is not waited for. */
  maxWaitMs: number;
  /** For so long after the network was cut a request waits for it to come back; default 0: it does not. */
  rideOutMs?: number;
}

export interface ScreeningSettings {
  policy: Policy;
  behaviour: BehaviourPolicy;
  quarantine: QuarantineSettings;
  /** Roles of callers whose system messages, tools and earlier answers are taken for the operator's own. */
  operatorRoles: readonly Role[];
}

export const defaultScreening: ScreeningSettings = {
  policy: defaultPolicy,
  behaviour: { mode: 'watch', watchAbove: 0.5, flagAbove: 0.7, watchedPerMinute: 20 },
  quarantine: { minutes: 15, keyAttempts: 3, sureScore: 0.8 },
  operatorRoles: ['operator', 'admin'],
};

export interface GatewaySettings {
  lang: Lang;
  maxBodyBytes: number;
  maxBodyDepth: number;
  unknownFields: UnknownFields;
  /** Longest answer that a call may ask for; default: `defaultMaxOutputTokens`. */
  maxOutputTokens?: number;
  timeouts: Timeouts;
  retries: Retries;
  breaker: BreakerSettings;
  refusal?: RefusalSettings;
  /** What is answered when no provider can; default: the error as it is. */
  local?: InsteadSettings;
  /** Default: `defaultScreening`. */
  screening?: ScreeningSettings;
  /** In order: the first serves, the next ones when it cannot; unless a route says otherwise. */
  providers: readonly ProviderSettings[];
  routes?: readonly RouteSettings[];
}
