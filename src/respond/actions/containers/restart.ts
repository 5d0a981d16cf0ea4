// containers.restart: each one anew, as it is; what has been restarted before a crash is not restarted again.
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { ContainerEngine } from '../../../platform/containers/container-engine.ts';
import type { Action } from '../../engine/action.ts';
import { type ContainerParts, engineOf } from './parts.ts';
import { beforeOf, type Chosen, choose, containersIn, leftOut, selectSchema } from './select.ts';

const args = z.strictObject({ select: selectSchema });

export function restartAction(parts: ContainerParts): Action<z.output<typeof args>> {
  const name = 'containers.restart';
  return {
    name,
    class: 'restore',
    args,
    async plan({ select }, context) {
      const choice = await choose(parts, engineOf(parts, context), select, name);
      const effects = choice.chosen.map(({ name: target, state }) => ({
        target,
        change: 'restart',
        from: state,
        to: 'running',
      }));
      return { effects, reversible: false, before: { ...beforeOf(choice), leftOut: leftOut(choice) } };
    },
    async probe(_args, context, before) {
      try {
        const left = await notYet(engineOf(parts, context), containersIn(before));
        if (left.length > 0) return { state: 'not-done' };
      } catch (error) {
        if (error instanceof RempartError) return { state: 'unknown' };
        throw error;
      }
      return { state: 'done', done: { evidence: { containers: containersIn(before).map((one) => one.name) } } };
    },
    async act(_args, context, before) {
      const engine = engineOf(parts, context);
      for (const { id, state } of await notYet(engine, containersIn(before))) {
        // A paused process hears no signal to end.
        if (state === 'paused') await engine.unpause(id);
        await engine.restart(id);
      }
      const [still] = await notYet(engine, containersIn(before));
      if (still !== undefined)
        throw new RempartError('ERR_CONTAINER_STILL', { container: still.name, state: still.state });
      return {
        evidence: { containers: containersIn(before).map((one) => one.name), ...(before['leftOut'] as object) },
      };
    },
  };
}

/** Those that do not run, or still do since before; with their state as it is. */
async function notYet(engine: ContainerEngine, before: readonly Chosen[]): Promise<Chosen[]> {
  const left: Chosen[] = [];
  for (const one of before) {
    const { State } = await engine.inspect(one.id);
    if (State?.Running !== true || State.Paused === true || State.StartedAt === one.startedAt)
      left.push({ ...one, state: State?.Status ?? '' });
  }
  return left;
}
