// Counts the calls that make a model server load a model: the first for it in a while.
import type { GatewayMetrics } from './metrics.ts';
import { createRecent } from './recent-values.ts';
import type { Provider } from './route.ts';
import type { ModelGuard } from './verified-models.ts';

export interface ModelLoads {
  /** An attempt at this provider with this model. */
  asked(provider: Pick<Provider, 'name' | 'dialect'>, model: string): void;
}

/** How long Ollama keeps a model in memory that nobody asks for, unless told otherwise. */
const keptMs = 5 * 60_000;
const maxModels = 1_000;

export function createModelLoads(
  now: () => number,
  metrics: Pick<GatewayMetrics, 'modelLoad'>,
  guard: ModelGuard | undefined,
): ModelLoads {
  const lastAsked = createRecent<number>(maxModels);
  return {
    asked({ name, dialect }, model) {
      // Others have their models loaded; and the watch over the model store counts by itself.
      if (dialect.name !== 'ollama' || guard?.concerns(name) === true) return;
      const key = JSON.stringify([name, model]);
      const at = now();
      const last = lastAsked.get(key);
      lastAsked.set(key, at);
      if (last === undefined || at - last > keptMs) metrics.modelLoad();
    },
  };
}
