// health.check: whether services are well, as the container engine and their health addresses tell.
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { ContainerEngine } from '../../../platform/containers/container-engine.ts';
import type { DeploymentService } from '../../../platform/documents/deployment.ts';
import type { Action } from '../../engine/action.ts';
import { durationMs, isWell, within } from './health.ts';
import type { ContainerParts } from './parts.ts';
import { choose, type Select, selectSchema } from './select.ts';

const args = z.strictObject({
  select: selectSchema,
  /** How long they may take to be well, e.g. `30s`; else they are asked once. */
  within: z
    .string()
    .regex(/^\d{1,6}(ms|s|m)$/)
    .optional(),
});

export function healthCheckAction(parts: ContainerParts): Action<z.output<typeof args>> {
  return {
    name: 'health.check',
    class: 'observe',
    args,
    plan: async () => ({ effects: [], reversible: true, before: {} }),
    probe: async () => ({ state: 'not-done' }),
    async act({ select, within: time }, { signal, outArgs }) {
      const engine = engineIfAny(parts, signal);
      const subjects = await subjectsOf(parts, engine, select);
      let unwell = subjects;
      const ask = async () => {
        const left: Subject[] = [];
        for (const subject of unwell)
          if (!(subject.canTell && (await isWell(subject, engine, parts.health, signal)))) left.push(subject);
        unwell = left;
        return left.length === 0;
      };
      const areWell = await within(time === undefined ? 0 : durationMs(time), ask, signal);
      // Of nothing it cannot be said that it is well.
      const isWellKnown = areWell && subjects.length > 0;
      const [first] = outArgs;
      return {
        ...(first === undefined ? {} : { out: { [first]: String(isWellKnown) } }),
        evidence: { asked: subjects.length, unwell: unwell.map(({ name }) => name).sort() },
      };
    },
  };
}

interface Subject {
  name: string;
  container: string | undefined;
  service: DeploymentService | undefined;
  /** Nothing says that a service is well which has neither a container nor a health address. */
  canTell: boolean;
}

async function subjectsOf(parts: ContainerParts, engine: ContainerEngine | undefined, select: Select) {
  const services = parts.deployment?.services ?? [];
  const serviceNamed = (name: string | null) => services.find((one) => one.name === name);
  // Looking at what is protected harms nobody.
  const looking = { ...parts, protected: [], hostname: '' };
  const { chosen, units, absent } = await choose(looking, engine, select, 'health.check', 'tell');
  const subjects: Subject[] = chosen.map(({ name, id, service }) => ({
    name,
    container: id,
    service: serviceNamed(service),
    canTell: true,
  }));
  for (const name of units) {
    const service = serviceNamed(name);
    subjects.push({ name, container: undefined, service, canTell: service?.health !== undefined });
  }
  for (const name of absent) {
    const service = serviceNamed(name);
    const canTell = engine === undefined && service?.health !== undefined;
    subjects.push({ name, container: undefined, service, canTell });
  }
  return subjects;
}

function engineIfAny(parts: ContainerParts, signal: AbortSignal): ContainerEngine | undefined {
  try {
    return parts.engine().within(signal);
  } catch (error) {
    if (error instanceof RempartError && error.code === 'ERR_ENGINE_NONE') return undefined;
    throw error;
  }
}
