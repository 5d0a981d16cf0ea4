// Services of the deployment profile stopped and started through the container engine, each waited for until it is as it should be.

import { RempartError } from '../platform/base/errors.ts';
import type { ContainerEngine } from '../platform/containers/container-engine.ts';
import type { Deployment } from '../platform/documents/deployment.ts';
import { durationMs, isWell, within } from '../respond/actions/containers/health.ts';
import { choose } from '../respond/actions/containers/select.ts';
import type { ServiceActuator } from '../respond/actuators.ts';

export interface ServiceActuatorParts {
  deployment: Deployment;
  /** Throws ERR_ENGINE_NONE. */
  engine: () => ContainerEngine;
  protected: readonly string[];
  fetch: (url: string, init: RequestInit) => Promise<Response>;
}

const graceSeconds = 10;
const settleMs = 60_000;

export function createServiceActuator(parts: ServiceActuatorParts): ServiceActuator {
  const { deployment, engine, protected: kept, fetch } = parts;
  const containersOf = async (service: string) => {
    const { chosen } = await choose({ deployment, protected: kept }, engine(), { services: [service] }, 'rollback');
    return chosen;
  };
  const isUp = (state: string) => ['running', 'restarting', 'paused', 'stopping'].includes(state);
  return {
    async isRunning(service) {
      const chosen = await containersOf(service);
      return chosen.length === 0 ? undefined : chosen.some(({ state }) => isUp(state));
    },
    async stop(services, signal) {
      for (const service of services)
        for (const { id, state, container } of await containersOf(service)) {
          if (!isUp(state)) continue;
          const asked = engine().within(signal);
          if (state === 'paused') await asked.unpause(id);
          await asked.stop(id, graceSeconds);
          const now = (await asked.inspect(id)).State?.Status ?? '';
          if (isUp(now)) throw new RempartError('ERR_CONTAINER_STILL', { container, state: now });
        }
    },
    async start(services, signal) {
      for (const name of services) {
        const service = deployment.services.find((one) => one.name === name);
        for (const { id, state } of await containersOf(name)) {
          const now = engine().within(signal);
          if (state === 'paused') await now.unpause(id);
          else if (state !== 'running') await now.start(id);
          const ms = service?.health === undefined ? settleMs : durationMs(service.health.within);
          const well = await within(ms, () => isWell({ container: id, service }, now, { fetch }, signal), signal);
          if (!well)
            throw new RempartError('ERR_SERVICE_UNHEALTHY', { service: name, seconds: Math.round(ms / 1_000) });
        }
        const pause = durationMs(service?.pause ?? '0s');
        if (pause > 0) await new Promise((done) => setTimeout(done, pause));
      }
    },
  };
}
