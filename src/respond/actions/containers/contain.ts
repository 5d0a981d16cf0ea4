// containers.stop, .kill, .pause: a container taken out of use, and put back into it.
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { JsonObject } from '../../../platform/base/json.ts';
import type { ContainerEngine } from '../../../platform/containers/container-engine.ts';
import type { Action, ActionContext, Effect } from '../../engine/action.ts';
import { within } from './health.ts';
import { keepLastModel } from './last-model.ts';
import { type ContainerParts, defaultSettleMs, engineOf } from './parts.ts';
import { type Chosen, choose, containersIn, leftOut, selectSchema } from './select.ts';

export const containArgs = z.strictObject({
  select: selectSchema,
  /** Also the last model that is well; people are asked. */
  evenLast: z.boolean().default(false),
});
type Args = z.output<typeof containArgs>;

export type Verb = 'stop' | 'kill' | 'pause';

export const containmentActions = (parts: ContainerParts): Action[] =>
  (['stop', 'kill', 'pause'] as const).map((verb) => containment(parts, verb));

/** A process that does not end by itself by then is killed. */
const graceSeconds = 5;
const goals: Readonly<Record<Verb, string>> = { stop: 'exited', kill: 'exited', pause: 'paused' };

function containment(parts: ContainerParts, verb: Verb): Action<Args> {
  const name = `containers.${verb}`;
  return {
    name,
    class: 'contain',
    args: containArgs,
    async plan({ select, evenLast }, context) {
      const engine = engineOf(parts, context);
      const choice = await choose(parts, engine, select, name);
      const chosen = choice.chosen.filter((one) => isInUse(one, verb));
      const asked = await keepLastModel(parts, engine, chosen, evenLast, { action: name, signal: context.signal });
      const effects = chosen.map((one) => effectOf(one, verb));
      return { effects, reversible: true, before: { containers: chosen, leftOut: leftOut(choice) }, ...asked };
    },
    probe: (_args, context, before) => probeOf(parts, context, containersIn(before), verb),
    async act(_args, context, before) {
      const chosen = containersIn(before);
      await takeOutOfUse(parts, engineOf(parts, context), chosen, verb, context);
      return { evidence: { ...evidenceOf(chosen, verb), ...(before['leftOut'] as object) } };
    },
    undo: (_args, context, before) => putBackInUse(engineOf(parts, context), containersIn(before)),
  };
}

export function isInUse({ state }: Pick<Chosen, 'state'>, verb: Verb): boolean {
  return ['running', 'restarting', 'stopping'].includes(state) || (verb !== 'pause' && state === 'paused');
}

export function effectOf({ name, state }: Chosen, verb: Verb): Effect {
  return { target: name, change: verb, from: state, to: goals[verb] };
}

/** `unknown` when the engine cannot be asked. */
export async function probeOf(
  parts: ContainerParts,
  context: ActionContext,
  chosen: readonly Chosen[],
  verb: Verb,
): ReturnType<Action['probe']> {
  try {
    const engine = engineOf(parts, context);
    for (const one of chosen) if (isInUse({ state: await stateOf(engine, one) }, verb)) return { state: 'not-done' };
  } catch (error) {
    if (error instanceof RempartError) return { state: 'unknown' };
    throw error;
  }
  return { state: 'done', done: { evidence: evidenceOf(chosen, verb) } };
}

export function evidenceOf(chosen: readonly Chosen[], verb: Verb): JsonObject {
  return { containers: chosen.map(({ name }) => name), to: goals[verb] };
}

/** What is gone is in no use. */
export async function stateOf(engine: ContainerEngine, { id }: Pick<Chosen, 'id'>): Promise<string> {
  try {
    return (await engine.inspect(id)).State?.Status ?? '';
  } catch (error) {
    if (error instanceof RempartError && error.code === 'ERR_ENGINE_CONTAINER') return 'gone';
    throw error;
  }
}

/** At once for kill and pause; one after the other for stop, so that the order of the profile holds. Rejects ERR_CONTAINER_STILL. */
export async function takeOutOfUse(
  parts: Pick<ContainerParts, 'settleMs'>,
  engine: ContainerEngine,
  chosen: readonly Chosen[],
  verb: Verb,
  { signal }: Pick<ActionContext, 'signal'>,
): Promise<void> {
  const one = async (container: Chosen) => {
    const settled = await within(
      parts.settleMs ?? defaultSettleMs,
      async () => {
        if (!isInUse({ state: await stateOf(engine, container) }, verb)) return true;
        await bear(() => (verb === 'stop' ? engine.stop(container.id, graceSeconds) : engine[verb](container.id)));
        return !isInUse({ state: await stateOf(engine, container) }, verb);
      },
      signal,
      200,
    );
    if (settled) return;
    throw new RempartError('ERR_CONTAINER_STILL', {
      container: container.name,
      state: await stateOf(engine, container),
    });
  };
  if (verb === 'stop') for (const container of chosen) await one(container);
  else await settleAll(chosen.map(one));
}

/** One that resists keeps nobody from containing the others. */
async function settleAll(all: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(all)).find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason as unknown;
}

/** The state is looked at afterwards: a container that ended by itself meanwhile is no failure. */
async function bear(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const isPassing =
      error instanceof RempartError && ['ERR_ENGINE_REFUSED', 'ERR_ENGINE_CONTAINER'].includes(error.code);
    if (!isPassing) throw error;
  }
}

/** As each one was before, in the order of the profile. */
export async function putBackInUse(engine: ContainerEngine, before: readonly Chosen[]): Promise<void> {
  for (const one of before) {
    const state = await stateOf(engine, one);
    // What was made anew meanwhile is another container, in the state that its maker gave it.
    if (state === one.state || state === 'gone') continue;
    if (state === 'paused') await engine.unpause(one.id);
    else if (state !== 'running') await engine.start(one.id);
    if (one.state === 'paused') await engine.pause(one.id);
  }
}
