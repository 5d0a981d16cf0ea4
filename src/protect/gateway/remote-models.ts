// Keeps calls from models that an Ollama server would only pass on: it says in its list which those are.
import { RempartError } from '../../platform/base/errors.ts';
import type { ChatCall } from './dialects/dialect.ts';
import { modelsAttempt } from './models.ts';
import type { Provider } from './route.ts';
import { canonicalModel } from './scopes.ts';
import type { GatewaySettings } from './settings.ts';

export interface RemoteModels {
  /** The providers that would answer themselves. Throws ERR_MODEL_REMOTE when the first of them would not. */
  without(call: ChatCall, providers: readonly Provider[]): Promise<readonly Provider[]>;
}

interface Known {
  names: ReadonlySet<string>;
  until: number;
}

const goodForMs = 60_000;
/** A server that is away will be found away by the call itself. */
const triedAgainAfterMs = 1_000;
const longestLookMs = 2_000;

export function createRemoteModels(now: () => number, settings: GatewaySettings): RemoteModels {
  const known = new Map<string, Known>();
  const looking = new Map<string, Promise<Known>>();

  async function look(provider: Provider, signal: AbortSignal): Promise<Known> {
    const attempt = modelsAttempt(now, now() + longestLookMs, settings, signal);
    const end = await attempt(provider, provider.keys[0] ?? '', false);
    const before = known.get(provider.name)?.names ?? new Set<string>();
    const found: Known =
      end.kind === 'done'
        ? {
            names: new Set(end.value.flatMap(({ id, isRemote }) => (isRemote ? [canonicalModel(id)] : []))),
            until: now() + goodForMs,
          }
        : { names: before, until: now() + triedAgainAfterMs };
    known.set(provider.name, found);
    looking.delete(provider.name);
    return found;
  }

  function lookOnce(provider: Provider): Promise<Known> {
    let under = looking.get(provider.name);
    if (under === undefined) {
      // Not ended by the caller's going away: others wait for the same look.
      under = look(provider, AbortSignal.timeout(longestLookMs));
      looking.set(provider.name, under);
    }
    return under;
  }

  return {
    async without(call, providers) {
      if (!providers.some(({ dialect }) => dialect.name === 'ollama')) return providers;
      const able: Provider[] = [];
      for (const [index, provider] of providers.entries()) {
        if (provider.dialect.name !== 'ollama') {
          able.push(provider);
          continue;
        }
        const last = known.get(provider.name);
        const isFresh = last !== undefined && last.until > now();
        const { names } = isFresh ? last : await lookOnce(provider);
        const model = index > 0 ? (provider.fallbackModel ?? call.model) : call.model;
        if (!names.has(canonicalModel(model))) able.push(provider);
        else if (index === 0) throw new RempartError('ERR_MODEL_REMOTE');
      }
      return able;
    },
  };
}
