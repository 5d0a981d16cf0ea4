// compose.down, compose.rebuild and containers.prune: the whole of what the profile describes.
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { JsonObject } from '../../../platform/base/json.ts';
import type { Action } from '../../engine/action.ts';
import { effectOf, evidenceOf, isInUse, probeOf, putBackInUse, stateOf, takeOutOfUse } from './contain.ts';
import { keepLastModel } from './last-model.ts';
import { type ContainerParts, engineOf } from './parts.ts';
import { beforeOf, choose, containersIn, leftOut } from './select.ts';

const downArgs = z.strictObject({ evenLast: z.boolean().default(false) });
const noArgs = z.strictObject({});

/** Every service stopped, what is started last first. The containers stay: they are evidence, and undo starts them again. */
export function composeDownAction(parts: ContainerParts): Action<z.output<typeof downArgs>> {
  const name = 'compose.down';
  return {
    name,
    class: 'contain',
    args: downArgs,
    async plan({ evenLast }, context) {
      const engine = engineOf(parts, context);
      const choice = await choose(parts, engine, 'all', name);
      const chosen = choice.chosen.filter((one) => isInUse(one, 'stop'));
      const asked = await keepLastModel(parts, engine, chosen, evenLast, { action: name, signal: context.signal });
      const effects = chosen.toReversed().map((one) => effectOf(one, 'stop'));
      return { effects, reversible: true, before: { containers: chosen, leftOut: leftOut(choice) }, ...asked };
    },
    probe: (_args, context, before) => probeOf(parts, context, containersIn(before), 'stop'),
    async act(_args, context, before) {
      const chosen = containersIn(before).toReversed();
      await takeOutOfUse(parts, engineOf(parts, context), chosen, 'stop', context);
      return { evidence: { ...evidenceOf(chosen, 'stop'), ...(before['leftOut'] as object) } };
    },
    undo: (_args, context, before) => putBackInUse(engineOf(parts, context), containersIn(before)),
  };
}

/** Stopped containers of the profile's services, and images without a name: nothing of anybody else on this machine. */
export function pruneAction(parts: ContainerParts): Action<z.output<typeof noArgs>> {
  const name = 'containers.prune';
  return {
    name,
    class: 'destroy',
    args: noArgs,
    async plan(_args, context) {
      const choice = await choose(parts, engineOf(parts, context), 'all', name);
      const stopped = choice.chosen.filter(({ state }) => ['exited', 'dead', 'created', 'stopped'].includes(state));
      const effects = stopped.map(({ name: target, state }) => ({
        target,
        change: 'remove',
        from: state,
        to: 'removed',
      }));
      return { effects, reversible: false, before: beforeOf({ ...choice, chosen: stopped }) };
    },
    async probe(_args, context, before) {
      // Only what kept its word tells that the images, too, were looked through.
      const kept = parts.evidence.finished(context);
      if (kept !== undefined) return { state: 'done', done: { evidence: kept } };
      try {
        const engine = engineOf(parts, context);
        for (const one of containersIn(before))
          if ((await stateOf(engine, one)) !== 'gone') return { state: 'not-done' };
      } catch (error) {
        if (error instanceof RempartError) return { state: 'unknown' };
        throw error;
      }
      return { state: 'not-done' };
    },
    async act(_args, context, before) {
      const engine = engineOf(parts, context);
      for (const one of containersIn(before)) {
        const state = await stateOf(engine, one);
        if (state === 'gone') continue;
        if (isInUse({ state }, 'stop')) throw new RempartError('ERR_CONTAINER_STILL', { container: one.name, state });
        await engine.remove(one.id);
      }
      const { images, bytes } = await engine.pruneImages();
      const evidence: JsonObject = { containers: containersIn(before).map((one) => one.name), images, bytes };
      parts.evidence.finish(context, evidence);
      return { evidence };
    },
  };
}

/** Images built without what earlier builds left, and containers made from them; none is started. */
export function rebuildAction(parts: ContainerParts): Action<z.output<typeof noArgs>> {
  const name = 'compose.rebuild';
  return {
    name,
    class: 'destroy',
    args: noArgs,
    async plan(_args, context) {
      const tool = await parts.compose();
      const choice = await choose(parts, engineOf(parts, context), 'all', name);
      const effects = choice.chosen.map(({ name: target, state }) => ({
        target,
        change: 'rebuild',
        from: state,
        to: 'created',
      }));
      const missing = choice.absent.map((target) => ({ target, change: 'rebuild', from: 'absent', to: 'created' }));
      return { effects: [...effects, ...missing], reversible: false, before: { with: tool.name } };
    },
    async probe(_args, context) {
      const kept = parts.evidence.finished(context);
      // Images may have been built and containers not made: doing it once more harms nobody.
      return kept === undefined ? { state: 'not-done' } : { state: 'done', done: { evidence: kept } };
    },
    async act(_args, context) {
      const tool = await parts.compose();
      const output: JsonObject[] = [];
      for (const part of ['build', 'create'] as const) {
        try {
          output.push(parts.evidence.keep(context, part, 'log', await tool[part](context.signal)));
        } catch (error) {
          if (error instanceof RempartError && typeof error.cause === 'string')
            parts.evidence.keep(context, `${part}-failed-${context.now()}`, 'log', error.cause);
          throw error;
        }
      }
      const evidence: JsonObject = { with: tool.name, output };
      parts.evidence.finish(context, evidence);
      return { evidence };
    },
  };
}
