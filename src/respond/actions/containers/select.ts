// Which containers a step means: services of the deployment profile, all of a role, or one container by its name.
import { hostname } from 'node:os';
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { JsonObject } from '../../../platform/base/json.ts';
import type { ContainerEngine, ListedContainer } from '../../../platform/containers/container-engine.ts';
import { networksOf } from '../../../platform/containers/engine-readings.ts';
import { printable } from '../../../platform/containers/engine-transport.ts';
import type { Deployment, DeploymentService } from '../../../platform/documents/deployment.ts';

export const roles = ['monitoring', 'core', 'model', 'gateway', 'data', 'frontend'] as const;
export type Role = (typeof roles)[number];

export const selectSchema = z
  .strictObject({
    services: z.array(z.string()).min(1).optional(),
    roles: z.array(z.enum(roles)).min(1).optional(),
    container: z.string().optional(),
  })
  .refine((select) => Object.keys(select).length > 0, 'names no service, no role and no container');
export type Select = z.output<typeof selectSchema>;

/** A container as it was when the step was planned; kept with the run. */
export interface Chosen extends JsonObject {
  /** As the profile names it, or the engine where the profile does not. */
  name: string;
  id: string;
  container: string;
  /** `running`, `paused`, `exited`, `created`, … */
  state: string;
  startedAt: string;
  /** Of the profile. */
  service: string | null;
  order: number;
  /** `host`: it has no network of its own. */
  networkMode: string;
  networks: { name: string; aliases: string[]; fixed: { v4?: string; v6?: string } }[];
}

export interface Choice {
  chosen: Chosen[];
  /** Services of the profile that the engine has no container of. */
  absent: string[];
  /** Services that are no containers. */
  units: string[];
  /** Left as it is, for Rempart itself runs in it. */
  own: string[];
}

export interface SelectParts {
  deployment: Deployment | undefined;
  protected: readonly string[];
  /** This machine's name: in a container, the beginning of its id. */
  hostname?: string;
}

/** Without an engine every service is absent. Throws ERR_SELECT_UNKNOWN, ERR_SELECT_UNIT and ERR_ACTION_PROTECTED. */
export async function choose(
  parts: SelectParts,
  engine: ContainerEngine | undefined,
  select: Select | 'all',
  action: string,
  ifUnit: 'refuse' | 'tell' = 'refuse',
): Promise<Choice> {
  const listed = (await engine?.list({ all: true })) ?? [];
  const choice: Choice = { chosen: [], absent: [], units: [], own: [] };
  const found = new Map<string, { listed: ListedContainer; service: DeploymentService | undefined; named: boolean }>();
  for (const { service, container, named } of meant(parts, listed, select)) {
    if (container !== undefined) found.set(container.id, { listed: container, service, named });
    if (service === undefined) continue;
    const ours = containersOf(service, listed, parts.deployment);
    for (const one of ours) if (!found.has(one.id)) found.set(one.id, { listed: one, service, named });
    if (ours.length > 0) continue;
    if (service.unit === undefined || service.container !== undefined) choice.absent.push(service.name);
    else if (named && ifUnit === 'refuse')
      throw new RempartError('ERR_SELECT_UNIT', { service: service.name, unit: service.unit });
    else choice.units.push(service.name);
  }
  for (const one of found.values()) {
    const name = one.service?.name ?? one.listed.name;
    if (isOwn(one.listed, parts.hostname ?? hostname())) {
      if (one.named) throw new RempartError('ERR_ACTION_PROTECTED', { action, target: name });
      choice.own.push(name);
      continue;
    }
    refuseProtected(one.listed, name, parts.protected, action);
    if (engine !== undefined) choice.chosen.push(await chosenOf(engine, one.listed, one.service));
  }
  choice.chosen.sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
  return choice;
}

interface Meant {
  service?: DeploymentService;
  container?: ListedContainer;
  /** By its own name, not by a role. */
  named: boolean;
}

function meant({ deployment }: SelectParts, listed: readonly ListedContainer[], select: Select | 'all'): Meant[] {
  const services = deployment?.services ?? [];
  if (select === 'all') return services.map((service) => ({ service, named: false }));
  const all: Meant[] = services
    .filter(({ role }) => select.roles?.includes(role) === true)
    .map((service) => ({ service, named: false }));
  for (const name of select.services ?? []) {
    const service = services.find((one) => one.name === name);
    if (service === undefined) throw new RempartError('ERR_SELECT_UNKNOWN', { name: printable(name) });
    all.push({ service, named: true });
  }
  if (select.container !== undefined) all.push(oneNamed(select.container, services, listed, deployment));
  return all;
}

/** Only a whole name or a whole id is one: part of a name would reach what nobody meant. */
function oneNamed(
  name: string,
  services: readonly DeploymentService[],
  listed: readonly ListedContainer[],
  deployment: Deployment | undefined,
): Meant {
  const named = services.find((one) => one.name === name);
  if (named !== undefined) return { service: named, named: true };
  const container = listed.find((one) => one.name === name || one.id === name || one.id.slice(0, 12) === name);
  if (container === undefined) throw new RempartError('ERR_SELECT_UNKNOWN', { name: printable(name) });
  const service = services.find((one) => containersOf(one, listed, deployment).some(({ id }) => id === container.id));
  return service === undefined ? { container, named: true } : { container, service, named: true };
}

/** By the name that the profile gives, else by the compose file's name of it. */
export function containersOf(
  { name, container, unit }: DeploymentService,
  listed: readonly ListedContainer[],
  deployment: Deployment | undefined,
): ListedContainer[] {
  if (container !== undefined) return listed.filter((one) => one.name === container);
  if (unit !== undefined) return [];
  const labelled = listed.filter(({ service }) => service === name);
  const projects = new Set(labelled.map(projectOf));
  // Another project on this machine may well have a service of that name too.
  const ours = projects.size > 1 ? labelled.filter((one) => projectOf(one) === deployment?.name) : labelled;
  return ours.length > 0 ? ours : listed.filter((one) => one.name === name);
}

function projectOf({ labels }: ListedContainer): string {
  return labels['com.docker.compose.project'] ?? labels['io.podman.compose.project'] ?? '';
}

function isOwn({ id }: ListedContainer, host: string): boolean {
  return /^[0-9a-f]{12,64}$/.test(host) && id.startsWith(host);
}

function refuseProtected(
  { id, name: container }: ListedContainer,
  name: string,
  kept: readonly string[],
  action: string,
) {
  if ([name, container, id, id.slice(0, 12)].some((one) => kept.includes(one)))
    throw new RempartError('ERR_ACTION_PROTECTED', { action, target: name });
}

async function chosenOf(
  engine: ContainerEngine,
  { id, name }: ListedContainer,
  service: DeploymentService | undefined,
): Promise<Chosen> {
  const { State, HostConfig, NetworkSettings } = await engine.inspect(id);
  return {
    name: service?.name ?? name,
    id,
    container: name,
    state: State?.Status ?? '',
    startedAt: State?.StartedAt ?? '',
    service: service?.name ?? null,
    order: service?.order ?? Number.MAX_SAFE_INTEGER,
    networkMode: HostConfig.NetworkMode ?? '',
    networks: networksOf(NetworkSettings).map(({ name: network, aliases, fixed }) => ({
      name: network,
      aliases,
      fixed,
    })),
  };
}

/** `before` as it is kept with the run. */
export interface Before extends JsonObject {
  containers: Chosen[];
}

export const beforeOf = ({ chosen }: Choice): Before => ({ containers: chosen });
export const containersIn = (before: JsonObject): Chosen[] => (before as Before).containers;

/** What was left out of a choice, for the evidence; nothing where nothing was. */
export function leftOut({ absent, units, own }: Choice): JsonObject {
  return {
    ...(absent.length === 0 ? {} : { absent }),
    ...(units.length === 0 ? {} : { notContainers: units }),
    ...(own.length === 0 ? {} : { own }),
  };
}
