// The last model that still answers is not taken away by a playbook alone: without it the application has nothing left.
import { RempartError } from '../../../platform/base/errors.ts';
import type { ContainerEngine } from '../../../platform/containers/container-engine.ts';
import type { Deployment } from '../../../platform/documents/deployment.ts';
import { type HealthParts, isWell } from './health.ts';
import { type Chosen, containersOf } from './select.ts';

export interface LastModelParts {
  deployment: Deployment | undefined;
  health: HealthParts;
}

/** Services of role `model` among the chosen after which no healthy one is left; none when one is. */
export async function lastModels(
  { deployment, health }: LastModelParts,
  engine: ContainerEngine,
  chosen: readonly Chosen[],
  signal: AbortSignal,
): Promise<string[]> {
  const models = (deployment?.services ?? []).filter(({ role }) => role === 'model');
  const taken = new Set(chosen.map(({ id }) => id));
  if (!models.some(({ name }) => chosen.some(({ service }) => service === name))) return [];
  const listed = await engine.list({ all: true });
  const last: string[] = [];
  for (const service of models) {
    const containers = containersOf(service, listed, deployment);
    if (containers.length === 0) {
      // On the host itself: only its health address can tell, and without one nothing says that it is well.
      if (service.health !== undefined && (await isWell({ container: undefined, service }, undefined, health, signal)))
        return [];
      continue;
    }
    for (const { id } of containers) {
      if (!(await isWell({ container: id, service }, engine, health, signal))) continue;
      if (!taken.has(id)) return [];
      last.push(service.name);
    }
  }
  return [...new Set(last)];
}

/** Throws ERR_ACTION_LAST_MODEL unless the playbook said that it is meant; then people are asked. */
export async function keepLastModel(
  parts: LastModelParts,
  engine: ContainerEngine,
  chosen: readonly Chosen[],
  evenLast: boolean,
  { action, signal }: { action: string; signal: AbortSignal },
): Promise<{ askFirst?: true }> {
  const [service] = await lastModels(parts, engine, chosen, signal);
  if (service === undefined) return {};
  if (!evenLast) throw new RempartError('ERR_ACTION_LAST_MODEL', { action, service });
  return { askFirst: true };
}
