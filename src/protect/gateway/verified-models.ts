// Lets a call through to a provider only when the model that it would be asked for is verified.
import { RempartError } from '../../platform/base/errors.ts';
import type { ChatCall, ModelCard } from './dialects/dialect.ts';
import { isFirstStepOver, type Target } from './route.ts';

export interface ModelGuard {
  /** Whether this provider serves from a store that is watched. */
  concerns(provider: string): boolean;
  admit(model: string): Promise<'verified' | 'refused' | 'verifying'>;
  /** From what is known, for lists. */
  isVerified(model: string): boolean;
}

const retryAfterSeconds = 5;

/**
 * The providers that may be asked. Throws ERR_MODEL_UNVERIFIED or ERR_MODEL_VERIFYING for the first one:
 * what was meant for a model of this machine must not go to another provider because the model was tampered with.
 */
export async function verifiedProviders(
  call: ChatCall,
  targets: readonly Target[],
  guard: ModelGuard | undefined,
): Promise<readonly Target[]> {
  if (guard === undefined) return targets;
  const admitted: Target[] = [];
  for (const [index, target] of targets.entries()) {
    const end = await admission(call, target, guard);
    if (end === 'verified') admitted.push(target);
    else if (isFirstStepOver(targets, index, admitted)) throw refusal(end);
  }
  return admitted;
}

async function admission(call: ChatCall, { name, model = call.model }: Target, guard: ModelGuard) {
  return guard.concerns(name) ? guard.admit(model) : 'verified';
}

function refusal(end: 'refused' | 'verifying'): RempartError {
  if (end === 'refused') return new RempartError('ERR_MODEL_UNVERIFIED');
  return new RempartError('ERR_MODEL_VERIFYING', { seconds: retryAfterSeconds });
}

/** A model that would be refused is not offered. */
export function verifiedCards(
  provider: string,
  cards: readonly ModelCard[],
  guard: ModelGuard | undefined,
): readonly ModelCard[] {
  return guard?.concerns(provider) === true ? cards.filter(({ id }) => guard.isVerified(id)) : cards;
}
