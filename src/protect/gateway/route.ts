// Where a call may go: the targets of its model's route in their order, without those that could not understand it.
import type { Dispatcher } from 'undici';
import { RempartError } from '../../platform/base/errors.ts';
import type { Foresight } from '../resilience/foresight.ts';
import type { ProviderHealth } from '../resilience/provider-health.ts';
import { isCloudModel } from './cloud-models.ts';
import type { ChatCall, Dialect } from './dialects/dialect.ts';
import type { RemoteGuard } from './remote-guard.ts';

export interface Provider {
  name: string;
  dialect: Dialect;
  /** '' for a provider that asks for none. */
  keys: readonly string[];
  /** Put before the dialect's own paths. */
  prefix: string;
  remote: RemoteGuard;
  health: ProviderHealth;
  /** With it, what is left of its limits is kept for those who matter most. */
  foresight?: Foresight;
  dispatcher: Dispatcher;
}

/** A provider as a route leads to it. */
export interface Target extends Provider {
  /** What the model is called there; default: what it was asked for by. The caller never sees it. */
  model?: string;
  /** Targets of one step are equals; those of the next are for when none of them can. */
  step: number;
  /** The route that led here, as the configuration writes it. */
  route?: string;
  /** What it is told of the trace that a request belongs to. */
  traceHeaders?: Readonly<Record<string, string>>;
}

/** The call as this target is to be asked. */
export function askedOf(call: ChatCall, { model }: Target): ChatCall {
  return model === undefined ? call : { ...call, model };
}

/** Without routes: the providers in their order. */
export function eachInTurn(providers: readonly Provider[]): readonly Target[] {
  return providers.map((provider, step) => ({ ...provider, step }));
}

/** True when with this target, which may not be asked, the first step has nobody left: what was meant for it must not go elsewhere instead. */
export function isFirstStepOver(targets: readonly Target[], index: number, able: readonly Target[]): boolean {
  const first = targets[0]?.step;
  return able.length === 0 && targets[index]?.step === first && targets[index + 1]?.step !== first;
}

/** Whatever a dialect can be asked in its own words it can say. */
function isOwnWord({ dialect, task }: ChatCall, target: Target): boolean {
  return target.dialect.name === dialect && task === undefined && dialect !== 'ollama';
}

/** Throws ERR_MODEL_REMOTE: such a name makes an Ollama send the texts on to another company. */
function refuseRemote({ model }: ChatCall, target: Target): void {
  if (target.remote.refusesNames && isCloudModel(target.model ?? model)) throw new RempartError('ERR_MODEL_REMOTE');
}

/**
 * The targets whose dialects can say the call. Throws ERR_BODY_UNTRANSLATABLE when none of them can, and ERR_MODEL_REMOTE
 * when it names what the first of them would send on: what was meant for this machine must not go elsewhere instead.
 */
export function ableTargets(call: ChatCall, targets: readonly Target[]): readonly Target[] {
  if (targets.length === 1 && isOwnWord(call, targets[0]!)) {
    refuseRemote(call, targets[0]!);
    return targets;
  }
  let refusal: unknown;
  const able: Target[] = [];
  for (const [index, target] of targets.entries()) {
    const { dialect } = target;
    try {
      refuseRemote(call, target);
      if (!isOwnWord(call, target)) dialect.speak(askedOf(call, target), false);
      able.push(target);
    } catch (error) {
      const isRemote = error instanceof RempartError && error.code === 'ERR_MODEL_REMOTE';
      if (isRemote && isFirstStepOver(targets, index, able)) throw error;
      refusal ??= error;
    }
  }
  if (able.length === 0 && refusal !== undefined) throw refusal;
  return able;
}
