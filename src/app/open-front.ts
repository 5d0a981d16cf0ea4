// The front of the data plane, as the configuration says: what it lets in, and how long a client may take.
import type { Config } from '../config.ts';
import type { ServerLimits } from '../platform/base/limited-server.ts';
import type { Log } from '../platform/base/log.ts';
import type { Lang } from '../platform/i18n/say.ts';
import { createFront, type Front, type FrontOptions } from '../protect/gateway/front/front.ts';
import { createRecordMatches, type RecordMatchesParts } from '../protect/gateway/front/record-matches.ts';
import type { GatewayMetrics } from '../protect/gateway/metrics.ts';
import { loadWafRules, type WafRules } from '../protect/gateway/waf/waf-rules.ts';
import type { HeldBack } from '../protect/restraints.ts';

export interface OpenFront {
  front: Front;
  limits: Partial<ServerLimits>;
  maxHeaders: number;
  replace(next: Config): void;
  close(): Promise<void>;
}

/** Throws when a rule cannot be read: a front that could not look must not open as if it could. */
export function openFront(
  ground: Omit<RecordMatchesParts, 'now' | 'metrics'> & { metrics: GatewayMetrics; restraints: HeldBack },
  config: Config,
  lang: Lang,
): OpenFront {
  const { found, close } = createRecordMatches({ ...ground, now: Date.now });
  const rules = loadWafRules();
  tellUnknown(ground.log, rules, config);
  const isBlocked = (address: string) => ground.restraints.isHeld('source', address);
  const parts = { rules, found, refused: ground.metrics.frontRefused, isBlocked };
  const front = createFront(parts, optionsOf(config, lang));
  const { headers, ...limits } = config.gateway.server;
  return {
    front,
    limits,
    maxHeaders: headers,
    // The server itself is the one that was opened at the start, and so is the number of headers it keeps.
    replace(next) {
      tellUnknown(ground.log, rules, next);
      front.replace({ ...optionsOf(next, lang), server: config.gateway.server, host: config.gateway.host });
    },
    close: async () => close(),
  };
}

/** A name that no rule has changes nothing, and whoever wrote it should know. */
function tellUnknown(log: Pick<Log, 'warn'>, { rules }: WafRules, { gateway }: Config): void {
  const unknown = Object.keys(gateway.waf.rules).filter((id) => !rules.some((rule) => rule.id === id));
  if (unknown.length > 0) log.warn({ rules: unknown }, 'gateway.waf.rules names rules that do not exist');
}

function optionsOf({ gateway }: Config, lang: Lang): FrontOptions {
  const { hosts, host, origins, trustedProxies, forwardedHeader, waf, server } = gateway;
  return { hosts, host, origins, trustedProxies, forwardedHeader, waf, server, lang };
}
