// A provider made ready: its dialect, keys, health and connections, from its settings.
import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import type { Accounts } from '../resilience/account.ts';
import type { Foresights } from '../resilience/foresight.ts';
import type { KeptHealth } from '../resilience/kept-health.ts';
import { createProviderHealth, type HealthParts } from '../resilience/provider-health.ts';
import type { HeldBack } from '../restraints.ts';
import { dialectByName } from './dialects/index.ts';
import { connectPatiently } from './patient-connect.ts';
import { createRemoteGuard } from './remote-guard.ts';
import type { Provider } from './route.ts';
import type { GatewaySettings, ProviderSettings } from './settings.ts';

export interface OpenProviderParts extends Omit<HealthParts, 'isHeld' | 'account'> {
  /** With it, a provider that is held back is asked nothing. */
  restraints?: HeldBack | undefined;
  /** Where health outlives this gateway. */
  keptHealth?: KeptHealth | undefined;
  /** What the keys of one account share, where no health outlives this gateway. */
  accounts: Accounts;
  /** What is known of the limits of providers. */
  foresights?: Foresights | undefined;
  /** Connections to one provider's origin; default: an undici Pool. */
  createDispatcher?: (origin: string, connectMs: number) => Dispatcher;
}

export function openProvider(
  parts: OpenProviderParts,
  provider: ProviderSettings,
  settings: GatewaySettings,
): Provider {
  const { name, dialect, workspace = name } = provider;
  const url = new URL(provider.url);
  const { keys, weights } = keysOf(provider);
  const { breaker, refusal, timeouts } = settings;
  const { rideOutMs } = settings.retries;
  const healthSettings = {
    breaker,
    ...(weights.length > 1 ? { weights } : {}),
    ...(rideOutMs === undefined ? {} : { rideOutMs }),
    ...(refusal === undefined ? {} : { refusal }),
  };
  const isHeld = (kind: 'provider' | 'spare') => parts.restraints?.isHeld(kind, name) === true;
  const account = (parts.keptHealth ?? parts).accounts.of(workspace, breaker);
  const newHealth = () =>
    createProviderHealth({ ...parts, account, isHeld }, { name, keys: keys.length, ...healthSettings });
  const foresight = parts.foresights?.of(workspace);
  return {
    name,
    ...(foresight === undefined ? {} : { foresight }),
    dialect: dialectByName[dialect],
    keys,
    prefix: url.pathname.replace(/\/+$/, ''),
    remote: createRemoteGuard(provider),
    health:
      parts.keptHealth?.open({ name, dialect, url: provider.url, keys, workspace, ...healthSettings }, newHealth) ??
      newHealth(),
    dispatcher:
      provider.proxy === undefined || provider.proxy === 'none'
        ? (parts.createDispatcher ?? openPool)(url.origin, timeouts.connectMs)
        : openProxied(url.origin, provider.proxy, timeouts.connectMs),
  };
}

/** Those that serve, with their weights, and after them the spare ones. */
function keysOf({ key, keys = [], spareKeys = [] }: ProviderSettings): { keys: string[]; weights: number[] } {
  const serving = [...(key === undefined ? [] : [{ key, weight: 1 }]), ...keys];
  return {
    keys: [...serving.map((one) => one.key), ...spareKeys],
    weights: serving.map(({ weight = 1 }) => weight),
  };
}

/** No pipelining: a slow answer must not stand before a quick one. */
function openPool(origin: string, connectMs: number): Dispatcher {
  return new Pool(origin, { connections: null, pipelining: 1, connect: connectPatiently(connectMs) });
}

/** Through an HTTP proxy: https in a tunnel, http as a request to the proxy. */
function openProxied(origin: string, proxy: string, connectMs: number): Dispatcher {
  const agent = new ProxyAgent({ uri: proxy, connections: null, proxyTls: { timeout: connectMs } });
  return agent.compose((dispatch) => (options, handler) => dispatch({ ...options, origin }, handler));
}
