// Keeps calls from models that an Ollama server would only pass on: it says in its list which those are.
import type { Ending } from '../../platform/base/ending.ts';
import { RempartError } from '../../platform/base/errors.ts';
import type { FailureKind } from '../resilience/failure.ts';
import type { ChatCall, ModelCard } from './dialects/dialect.ts';
import { dialectByName } from './dialects/index.ts';
import { modelsAttempt } from './models.ts';
import { isFirstStepOver, type Provider, type Target } from './route.ts';
import { canonicalModel } from './scopes.ts';
import type { GatewaySettings } from './settings.ts';
import type { AttemptEnd } from './try-step.ts';

export interface RemoteModels {
  /** The targets that would answer themselves. Throws ERR_MODEL_REMOTE when the first of them would not. */
  without(call: ChatCall, targets: readonly Target[]): Promise<readonly Target[]>;
}

interface Known {
  names: ReadonlySet<string>;
  until: number;
}

const goodForMs = 60_000;
/** A server that is away will be found away by the call itself. */
const triedAgainAfterMs = 1_000;
const longestLookMs = 2_000;
/** What is no Ollama, or stands before one and shows only the calls. */
const meaningNoList: ReadonlySet<FailureKind> = new Set(['not-found', 'invalid-request', 'malformed', 'forbidden']);

export function createRemoteModels(now: () => number, settings: GatewaySettings): RemoteModels {
  const known = new Map<string, Known>();
  const looking = new Map<string, Promise<Known>>();

  /** Also a look at a list is a use of a key: a refused one is not used, and what it shows is heeded. */
  async function lookWith(provider: Provider, signal: Ending): Promise<AttemptEnd<readonly ModelCard[]>> {
    const { health, keys } = provider;
    let picked = health.pick();
    while (picked.kind === 'later') {
      await picked.turn;
      picked = health.pick();
    }
    if (picked.kind !== 'key') return { kind: 'aborted' };
    const startedAt = now();
    const attempt = modelsAttempt(now, startedAt + longestLookMs, settings, signal);
    const isForeign = provider.dialect.name !== 'ollama';
    // An Ollama that is spoken to in another form has its own list all the same.
    const asked = isForeign ? { ...provider, dialect: dialectByName.ollama } : provider;
    const end = await attempt(asked, keys[picked.index] ?? '');
    const failed = end.kind === 'failed' ? end.failure : undefined;
    const isNoList = isForeign && failed !== undefined && meaningNoList.has(failed.kind);
    const isRefused = !isNoList && (failed?.kind === 'key-refused' || failed?.kind === 'forbidden');
    // Whether it lives, the call itself will find out.
    if (isRefused) health.failed(picked.index, failed);
    else health.abandoned(picked.index);
    return isNoList ? { kind: 'done', value: [] } : end;
  }

  async function look(provider: Provider, signal: Ending): Promise<Known> {
    const end = await lookWith(provider, signal);
    const before = known.get(provider.name)?.names ?? new Set<string>();
    const found: Known =
      end.kind === 'done'
        ? {
            names: new Set(end.value.flatMap(({ id, isRemote }) => (isRemote ? [canonicalModel(id)] : []))),
            until: now() + goodForMs,
          }
        : { names: before, until: end.kind === 'aborted' ? 0 : now() + triedAgainAfterMs };
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
    async without(call, targets) {
      if (!targets.some(({ remote }) => remote.looks)) return targets;
      const able: Target[] = [];
      for (const [index, provider] of targets.entries()) {
        if (!provider.remote.looks) {
          able.push(provider);
          continue;
        }
        const last = known.get(provider.name);
        const isFresh = last !== undefined && last.until > now();
        const { names } = isFresh ? last : await lookOnce(provider);
        if (!names.has(canonicalModel(provider.model ?? call.model))) able.push(provider);
        else if (isFirstStepOver(targets, index, able)) throw new RempartError('ERR_MODEL_REMOTE');
      }
      return able;
    },
  };
}
