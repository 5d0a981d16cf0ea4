// Where a call may go: the providers in their order, without those that could not understand it.
import type { Dispatcher } from 'undici';
import { RempartError } from '../../platform/base/errors.ts';
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
  dispatcher: Dispatcher;
}

/** Throws ERR_BODY_UNTRANSLATABLE when the call holds what none of the providers' dialects can say. */
export function route(call: ChatCall, providers: readonly Provider[]): readonly Provider[] {
  if (call.bound === undefined) return providers;
  const able = providers.filter(({ dialect }) => isOllama(dialect.name) === isOllama(call.dialect));
  if (able.length === 0) throw new RempartError('ERR_BODY_UNTRANSLATABLE', { field: call.bound });
  return able;
}

/** OpenAI's and Mistral's grammars are one; Ollama's is its own. */
function isOllama(dialect: Dialect['name']): boolean {
  return dialect === 'ollama';
}
