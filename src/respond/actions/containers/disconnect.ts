// containers.disconnect: a container taken off its networks while it goes on, so that it can be looked at.
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { ContainerEngine, ContainerNetwork } from '../../../platform/containers/container-engine.ts';
import { networksOf } from '../../../platform/containers/engine-readings.ts';
import type { Action } from '../../engine/action.ts';
import { keepLastModel } from './last-model.ts';
import { type ContainerParts, engineOf } from './parts.ts';
import { type Chosen, choose, containersIn, leftOut, selectSchema } from './select.ts';

const args = z.strictObject({
  select: selectSchema,
  /** That one alone. */
  network: z.string().optional(),
  evenLast: z.boolean().default(false),
});

export function disconnectAction(parts: ContainerParts): Action<z.output<typeof args>> {
  const name = 'containers.disconnect';
  return {
    name,
    class: 'contain',
    args,
    async plan({ select, network, evenLast }, context) {
      const engine = engineOf(parts, context);
      const choice = await choose(parts, engine, select, name);
      const chosen = choice.chosen.map((one) => ({
        ...one,
        networks: one.networks.filter((attached) => network === undefined || attached.name === network),
      }));
      for (const one of chosen) refuseShared(one);
      const attached = chosen.filter(({ networks }) => networks.length > 0);
      const asked = await keepLastModel(parts, engine, attached, evenLast, { action: name, signal: context.signal });
      const effects = attached.flatMap(({ name: target, networks }) =>
        networks.map(({ name: from }) => ({ target, change: 'disconnect', from, to: 'none' })),
      );
      return { effects, reversible: true, before: { containers: attached, leftOut: leftOut(choice) }, ...asked };
    },
    async probe(_args, context, before) {
      try {
        const engine = engineOf(parts, context);
        for (const one of containersIn(before))
          if ((await stillOn(engine, one)).length > 0) return { state: 'not-done' };
      } catch (error) {
        if (error instanceof RempartError) return { state: 'unknown' };
        throw error;
      }
      return { state: 'done', done: { evidence: evidenceOf(containersIn(before)) } };
    },
    async act(_args, context, before) {
      const engine = engineOf(parts, context);
      for (const one of containersIn(before))
        for (const { name: network } of await stillOn(engine, one)) await engine.disconnect(network, one.id);
      for (const one of containersIn(before)) {
        const [network] = await stillOn(engine, one);
        if (network !== undefined)
          throw new RempartError('ERR_CONTAINER_NETWORK', { container: one.name, network: network.name });
      }
      return { evidence: { ...evidenceOf(containersIn(before)), ...(before['leftOut'] as object) } };
    },
    async undo(_args, context, before) {
      const engine = engineOf(parts, context);
      for (const one of containersIn(before)) {
        const attached = await attachments(engine, one);
        if (attached === undefined) continue;
        const on = new Set(attached.map(({ name: network }) => network));
        for (const { name: network, ...as } of one.networks)
          if (!on.has(network)) await engine.connect(network, one.id, as);
      }
    },
  };
}

/** On the host's network, or on another container's, there is nothing to take it off. */
function refuseShared({ name, networkMode }: Chosen): void {
  const shared = /^(host|slirp4netns|pasta)|^(?:container|service|ns):(.*)$/.exec(networkMode);
  if (shared !== null)
    throw new RempartError('ERR_CONTAINER_NETWORK', { container: name, network: shared[1] ?? shared[2] ?? '' });
}

/** Of one that is there no more: none, and nothing to put back. */
async function attachments(engine: ContainerEngine, { id }: Chosen): Promise<ContainerNetwork[] | undefined> {
  try {
    return networksOf((await engine.inspect(id)).NetworkSettings);
  } catch (error) {
    if (error instanceof RempartError && error.code === 'ERR_ENGINE_CONTAINER') return undefined;
    throw error;
  }
}

async function stillOn(engine: ContainerEngine, one: Chosen) {
  const meant = new Set(one.networks.map(({ name }) => name));
  return ((await attachments(engine, one)) ?? []).filter(({ name }) => meant.has(name));
}

function evidenceOf(before: readonly Chosen[]) {
  return { containers: before.map(({ name, networks }) => ({ name, from: networks.map((one) => one.name) })) };
}
