// Running containers, read from the engine's API (Docker and Podman speak the same) and seen as compose services.
import {
  type ContainerEngine,
  type InspectedContainer,
  openContainerEngine,
} from '../../../platform/containers/container-engine.ts';
import type { Project } from '../../../platform/inspection/containers/compose-project.ts';
import { locate } from '../../../platform/inspection/containers/located.ts';

/** Every running container as one project; only GET is ever sent. */
export async function runningContainers(socketPath: string, timeoutMs: number): Promise<Project> {
  const engine = openContainerEngine({ socketPath, timeoutMs });
  try {
    const listed = await engine.list();
    const containers = await Promise.all(listed.map(({ id }) => engine.inspect(id)));
    return projectOf(containers, await isPodman(engine));
  } finally {
    await engine.close();
  }
}

/** Both answer to one API; what a container may do by default differs. */
async function isPodman(engine: ContainerEngine): Promise<boolean> {
  try {
    return (await engine.version()).podman;
  } catch {
    return false;
  }
}

function projectOf(containers: readonly InspectedContainer[], podman: boolean): Project {
  const services = containers.map((container) => {
    const name = container.Name.replace(/^\//, '');
    const file = `container:${name}`;
    const body = locate(asService(container, podman), file);
    if (body.kind !== 'map') throw new Error('a service is a mapping');
    return { name, body, entry: { key: name, keyAt: body.at, value: body } };
  });
  const root = locate({}, 'containers');
  if (root.kind !== 'map') throw new Error('a project is a mapping');
  return { file: 'containers', services, networks: new Map(), root, variables: {}, surroundings: {} };
}

/** What was set, in the words of a compose file; what the engine fills in by itself is left out. */
function asService({ Config, HostConfig, Mounts }: InspectedContainer, podman: boolean): object {
  const set = <T>(key: string, value: T | null | undefined, when = true) =>
    value === null || value === undefined || !when ? {} : { [key]: value };
  const binds = (Mounts ?? [])
    .filter(({ Type }) => Type === 'bind')
    .map(({ Source, Destination }) => `${Source}:${Destination}`);
  return {
    ...set('image', Config.Image, !/^(sha256:|$)/.test(Config.Image ?? '')),
    ...set('user', Config.User, (Config.User ?? '') !== ''),
    environment: (Config.Env ?? []).filter((one) => !/^PATH=/.test(one)),
    ...set('command', Config.Cmd),
    ...set('privileged', HostConfig.Privileged),
    ...set('read_only', HostConfig.ReadonlyRootfs),
    ...set('cap_add', HostConfig.CapAdd),
    ...set('cap_drop', podman && dropsAll(HostConfig.CapDrop ?? []) ? ['ALL'] : HostConfig.CapDrop),
    ...set('security_opt', HostConfig.SecurityOpt),
    ...set('network_mode', HostConfig.NetworkMode),
    ...set('pid', HostConfig.PidMode, HostConfig.PidMode !== ''),
    ...set('ipc', HostConfig.IpcMode, HostConfig.IpcMode !== ''),
    ...set('uts', HostConfig.UTSMode, HostConfig.UTSMode !== ''),
    ...set('userns_mode', HostConfig.UsernsMode, HostConfig.UsernsMode !== ''),
    ...set('cgroup', HostConfig.CgroupnsMode, HostConfig.CgroupnsMode !== ''),
    ...set('mem_limit', HostConfig.Memory),
    ...set('cpus', (HostConfig.NanoCpus ?? 0) > 0 ? HostConfig.NanoCpus : HostConfig.CpuQuota),
    ...set('pids_limit', HostConfig.PidsLimit),
    volumes: [...new Set([...(HostConfig.Binds ?? []), ...binds])].filter(onePerTarget()),
    devices: (HostConfig.Devices ?? []).map((one) => `${one.PathOnHost}:${one.PathInContainer}`),
    ...set('sysctls', HostConfig.Sysctls),
    ...set('extra_hosts', HostConfig.ExtraHosts),
    ports: portsOf(HostConfig.PortBindings ?? {}),
    ...set(
      'healthcheck',
      Config.Healthcheck === null || Config.Healthcheck === undefined ? undefined : { test: Config.Healthcheck.Test },
    ),
  };
}

/**
 * Podman names one by one what dropping ALL takes from its defaults; with fewer defaults than Docker, fewer names.
 * Docker says ALL itself, and who drops eleven by name there keeps what Docker gives beyond them.
 */
function dropsAll(dropped: readonly string[]): boolean {
  const names = new Set(dropped.map((name) => name.replace(/^CAP_/i, '').toUpperCase()));
  return defaultCapabilities.every((name) => names.has(name));
}

const defaultCapabilities =
  'CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(' ');

function onePerTarget(): (bind: string) => boolean {
  const seen = new Set<string>();
  return (bind) => {
    const [source = '', target = ''] = bind.split(':');
    const key = `${source}:${target}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
}

function portsOf(bindings: NonNullable<InspectedContainer['HostConfig']['PortBindings']>): object[] {
  return Object.entries(bindings).flatMap(([port, ends]) =>
    (ends ?? []).map(({ HostIp = '', HostPort = '' }) => ({
      target: port.split('/')[0],
      published: HostPort,
      ...(HostIp === '' ? {} : { host_ip: HostIp }),
    })),
  );
}
