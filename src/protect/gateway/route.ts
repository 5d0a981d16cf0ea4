// Where a call may go: the providers in their order, without those that could not understand it.
import type { Dispatcher } from 'undici';
import { RempartError } from '../../platform/base/errors.ts';
import type { Foresight } from '../resilience/foresight.ts';
import type { ProviderHealth } from '../resilience/provider-health.ts';
import type { ChatCall, Dialect } from './dialects/dialect.ts';

export interface Provider {
  name: string;
  dialect: Dialect;
  /** '' for a provider that asks for none. */
  keys: readonly string[];
  /** Put before the dialect's own paths. */
  prefix: string;
  fallbackModel?: string;
  health: ProviderHealth;
  /** With it, what is left of its limits is kept for those who matter most. */
  foresight?: Foresight;
  dispatcher: Dispatcher;
}

/**
 * Throws ERR_BODY_UNTRANSLATABLE when the call holds what none of the providers' dialects can say, and ERR_MODEL_REMOTE
 * when it names what the first of them would send on: what was meant for this machine must not go elsewhere instead.
 */
export function route(call: ChatCall, providers: readonly Provider[]): readonly Provider[] {
  let refusal: unknown;
  const able = providers.filter(({ dialect }, index) => {
    // Whatever a dialect can be asked in its own words it can say.
    if (dialect.name === call.dialect && call.task === undefined && dialect.name !== 'ollama') return true;
    try {
      dialect.speak(call, false);
      return true;
    } catch (error) {
      if (index === 0 && error instanceof RempartError && error.code === 'ERR_MODEL_REMOTE') throw error;
      refusal ??= error;
      return false;
    }
  });
  if (able.length === 0 && refusal !== undefined) throw refusal;
  return able;
}
