// containers.start-staged: started role by role in the order of the profile, each well before the next, the model last.
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { ContainerEngine } from '../../../platform/containers/container-engine.ts';
import type { DeploymentService } from '../../../platform/documents/deployment.ts';
import type { Action, ActionContext } from '../../engine/action.ts';
import { stateOf } from './contain.ts';
import { durationMs, isWell, within } from './health.ts';
import { type ContainerParts, engineOf } from './parts.ts';
import { type Chosen, choose, containersIn, leftOut, roles } from './select.ts';

const args = z.strictObject({
  roles: z.array(z.enum(roles)).min(1),
  /** Each is waited for until it is well. */
  health: z.boolean().default(true),
});

const defaultHealthMs = 60_000;

export function startStagedAction(parts: ContainerParts): Action<z.output<typeof args>> {
  const name = 'containers.start-staged';
  const serviceOf = ({ service }: Chosen) => parts.deployment?.services.find((one) => one.name === service);
  return {
    name,
    class: 'restore',
    args,
    async plan({ roles: given }, context) {
      const engine = engineOf(parts, context);
      // Whatever the order that was given: nothing is asked of a model before all that watches it is up.
      const stages = [...given.filter((role) => role !== 'model'), ...given.filter((role) => role === 'model')];
      const all: Chosen[] = [];
      const left = [];
      for (const role of stages) {
        const choice = await choose(parts, engine, { roles: [role] }, name);
        if (choice.absent[0] !== undefined)
          throw new RempartError('ERR_ENGINE_CONTAINER', { container: choice.absent[0] });
        all.push(...choice.chosen);
        left.push(...choice.units);
      }
      const effects = all
        .filter(({ state }) => state !== 'running')
        .map(({ name: target, state }) => ({ target, change: 'start', from: state, to: 'running' }));
      const notContainers = leftOut({ chosen: [], absent: [], units: left, own: [] });
      return { effects, reversible: true, before: { containers: all, leftOut: notContainers } };
    },
    async probe({ health }, context, before) {
      try {
        const engine = engineOf(parts, context);
        for (const one of containersIn(before)) {
          if ((await stateOf(engine, one)) !== 'running') return { state: 'not-done' };
          if (health && !(await wellNow(parts, engine, one, serviceOf(one), context))) return { state: 'not-done' };
        }
      } catch (error) {
        if (error instanceof RempartError) return { state: 'unknown' };
        throw error;
      }
      return { state: 'done', done: { evidence: { started: containersIn(before).map((one) => one.name) } } };
    },
    async act({ health }, context, before) {
      const engine = engineOf(parts, context);
      const started: { name: string; ms: number }[] = [];
      for (const one of containersIn(before)) {
        const service = serviceOf(one);
        const from = performance.now();
        const state = await stateOf(engine, one);
        if (state === 'paused') await engine.unpause(one.id);
        else if (state !== 'running') await engine.start(one.id);
        if (service !== undefined && state !== 'running') await pauseOf(service, context.signal);
        if (health) await untilWell(parts, engine, one, service, context);
        started.push({ name: one.name, ms: Math.round(performance.now() - from) });
      }
      return { evidence: { started, ...(before['leftOut'] as object) } };
    },
    async undo(_args, context, before) {
      const engine = engineOf(parts, context);
      for (const one of containersIn(before).toReversed()) {
        if (one.state === 'running' || (await stateOf(engine, one)) !== 'running') continue;
        if (one.state === 'paused') await engine.pause(one.id);
        else await engine.stop(one.id);
      }
    },
  };
}

async function pauseOf({ pause }: DeploymentService, signal: AbortSignal): Promise<void> {
  await wait(durationMs(pause), undefined, { signal }).catch(() => signal.throwIfAborted());
}

function wellNow(
  parts: ContainerParts,
  engine: ContainerEngine,
  one: Chosen,
  service: DeploymentService | undefined,
  { signal }: ActionContext,
): Promise<boolean> {
  return isWell({ container: one.id, service }, engine, parts.health, signal);
}

async function untilWell(
  parts: ContainerParts,
  engine: ContainerEngine,
  one: Chosen,
  service: DeploymentService | undefined,
  context: ActionContext,
): Promise<void> {
  const ms = service?.health === undefined ? defaultHealthMs : durationMs(service.health.within);
  if (await within(ms, () => wellNow(parts, engine, one, service, context), context.signal)) return;
  throw new RempartError('ERR_SERVICE_UNHEALTHY', { service: one.name, seconds: Math.round(ms / 1_000) });
}
