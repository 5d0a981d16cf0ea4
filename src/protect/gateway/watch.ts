// Looks after providers that are in trouble: a light request now and then, so that service comes back without a user's help.
import { modelsAttempt } from './models.ts';
import type { Provider } from './route.ts';
import type { GatewaySettings } from './settings.ts';

export interface Watch {
  close(): void;
}

/** Probes at most one key of each troubled provider per half-open time; a healthy provider costs one comparison. */
export function watchProviders(now: () => number, providers: readonly Provider[], settings: GatewaySettings): Watch {
  const end = new AbortController();
  const probing = new Set<Provider>();

  async function probe(provider: Provider, index: number): Promise<void> {
    probing.add(provider);
    const startedAt = now();
    const { connectMs, firstByteMs } = settings.timeouts;
    const attempt = modelsAttempt(now, startedAt + connectMs + firstByteMs, settings, end.signal, true);
    const result = await attempt(provider, provider.keys[index] ?? '');
    probing.delete(provider);
    if (result.kind === 'done' || result.kind === 'failed')
      provider.health.probed(index, startedAt, result.kind === 'failed' ? result.failure : undefined);
  }

  for (const provider of providers) {
    provider.health.onSuspicion((index) => {
      if (!probing.has(provider)) void probe(provider, index);
    });
  }
  const timer = setInterval(() => {
    for (const provider of providers) {
      if (probing.has(provider) || !provider.health.troubled()) continue;
      const index = provider.health.due();
      if (index !== undefined) void probe(provider, index);
    }
  }, settings.breaker.halfOpenMs).unref();

  return {
    close() {
      clearInterval(timer);
      end.abort();
    },
  };
}
