// The models that the providers offer, merged in their order; the last list that was whole is kept for when they are away.
import type { Ending } from '../../platform/base/ending.ts';
import type { Json } from '../../platform/base/json.ts';
import { failureOfError } from '../resilience/failure.ts';
import { isCloudModel } from './cloud-models.ts';
import type { ModelCard } from './dialects/dialect.ts';
import { errorOfFailure, type Unavailable } from './failure-error.ts';
import { type AskProvider, type ForwardParts, forward } from './forward.ts';
import { failureOfStatus, providerRequest } from './provider-call.ts';
import { eachInTurn, type Provider } from './route.ts';
import { type Routes, withNames } from './routes.ts';
import type { GatewaySettings } from './settings.ts';
import { callUpstream } from './upstream.ts';
import { type ModelGuard, verifiedCards } from './verified-models.ts';

export type Listed =
  | { kind: 'listed'; cards: readonly ModelCard[]; fromCache: boolean }
  | ({ kind: 'failed' } & Unavailable)
  | { kind: 'aborted' };

export type ListModels = (signal: Ending) => Promise<Listed>;

export function createListModels(
  parts: ForwardParts & { modelGuard?: ModelGuard },
  providers: readonly Provider[],
  settings: GatewaySettings,
  routes: Routes,
): ListModels {
  const known = new Map<string, readonly ModelCard[]>();
  const openedAt = parts.now();

  return async (signal) => {
    const until = parts.now() + settings.timeouts.totalMs;
    const limits = { retries: settings.retries, until, signal };
    const ends = await Promise.all(
      providers.map((provider) =>
        forward(parts, eachInTurn([provider]), limits, modelsAttempt(parts.now, until, settings, signal)),
      ),
    );
    if (signal.aborted) return { kind: 'aborted' };
    let fresh = 0;
    for (const end of ends) {
      if (end.kind !== 'done') continue;
      fresh++;
      // What a provider would only send on is not offered.
      known.set(
        end.provider.name,
        end.value.filter(
          ({ id, isRemote }) => isRemote !== true && !(end.provider.remote.refusesNames && isCloudModel(id)),
        ),
      );
    }
    const offered = providers.flatMap(({ name }) =>
      verifiedCards(name, known.get(name) ?? [], parts.modelGuard).filter(({ id }) => !routes.isBehind(name, id)),
    );
    const cards = withNames(merge(offered), routes, openedAt, parts.modelGuard);
    if (fresh > 0 || cards.length > 0) return { kind: 'listed', cards, fromCache: fresh < providers.length };
    const failed = ends.find((end) => end.kind === 'failed');
    const failure = failed?.failure ?? failureOfError(new Error('no provider answered'));
    return { kind: 'failed', ...errorOfFailure(failure, settings.breaker.halfOpenMs) };
  };
}

/** One attempt at one provider's list; also what the background probe sends, since it costs no tokens. */
export function modelsAttempt(
  now: () => number,
  until: number,
  settings: GatewaySettings,
  signal: Ending,
  isProbe = false,
): AskProvider<readonly ModelCard[]> {
  return async (provider, key) => {
    const sent = { method: 'GET', path: provider.dialect.paths.models, isProbe } as const;
    const request = providerRequest(provider, key, sent, settings, until - now(), signal);
    const end = await callUpstream(provider.dispatcher, request);
    if (end.kind === 'aborted' || end.kind === 'unsent') return end;
    if (end.kind === 'failed') return { ...end, committed: false };
    const malformed = { kind: 'failed', failure: { kind: 'malformed', heals: true }, committed: false } as const;
    if (end.kind === 'streamed') return malformed;
    const failure = failureOfStatus(provider, end.status, end.headers, end.body, now);
    if (failure !== undefined) return { kind: 'failed', failure, committed: false };
    try {
      return { kind: 'done', value: provider.dialect.readModels(JSON.parse(end.body) as Json) };
    } catch {
      return malformed;
    }
  };
}

function merge(cards: readonly ModelCard[]): ModelCard[] {
  const byId = new Map<string, ModelCard>();
  for (const card of cards) if (!byId.has(card.id)) byId.set(card.id, card);
  return [...byId.values()];
}
