// Running containers, read from the engine's API (Docker and Podman speak the same) and seen as compose services.
import { statSync } from 'node:fs';
import { Agent } from 'undici';
import type { Project } from '../../../platform/inspection/containers/compose-project.ts';
import { locate } from '../../../platform/inspection/containers/located.ts';

/** The parts of an inspected container that say how it was set. */
interface Inspected {
  Id: string;
  Name: string;
  Config: {
    Image?: string;
    User?: string;
    Env?: string[] | null;
    Cmd?: string[] | null;
    Healthcheck?: { Test?: string[] | null } | null;
  };
  HostConfig: {
    Privileged?: boolean;
    ReadonlyRootfs?: boolean;
    CapAdd?: string[] | null;
    CapDrop?: string[] | null;
    SecurityOpt?: string[] | null;
    NetworkMode?: string;
    PidMode?: string;
    IpcMode?: string;
    UTSMode?: string;
    UsernsMode?: string;
    CgroupnsMode?: string;
    Memory?: number;
    NanoCpus?: number;
    CpuQuota?: number;
    PidsLimit?: number | null;
    Binds?: string[] | null;
    Devices?: { PathOnHost: string; PathInContainer: string }[] | null;
    Sysctls?: Record<string, string> | null;
    ExtraHosts?: string[] | null;
    PortBindings?: Record<string, { HostIp?: string; HostPort?: string }[] | null> | null;
  };
  Mounts?: { Type: string; Source: string; Destination: string }[];
}

/** The engine's socket, as its own tools find it; undefined where there is none. */
export function engineSocket(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const named = /^unix:\/\/(.+)$/.exec(env['DOCKER_HOST'] ?? env['CONTAINER_HOST'] ?? '')?.[1];
  const runtime = env['XDG_RUNTIME_DIR'];
  const known = [
    named,
    '/var/run/docker.sock',
    '/run/podman/podman.sock',
    ...(runtime === undefined ? [] : [`${runtime}/docker.sock`, `${runtime}/podman/podman.sock`]),
  ];
  return known.find((path) => path !== undefined && statSync(path, { throwIfNoEntry: false })?.isSocket() === true);
}

/** Every running container as one project; only GET is ever sent. */
export async function runningContainers(socketPath: string, timeoutMs: number): Promise<Project> {
  const agent = new Agent({ connect: { socketPath }, headersTimeout: timeoutMs, bodyTimeout: timeoutMs });
  try {
    const get = async <T>(path: string): Promise<T> => {
      const { statusCode, body } = await agent.request({ origin: 'http://engine', path, method: 'GET' });
      const answer = await body.json();
      if (statusCode !== 200) throw new Error(`the engine answered ${statusCode}`);
      return answer as T;
    };
    const list = await get<{ Id: string }[]>('/containers/json');
    const containers = await Promise.all(
      list.map(({ Id }) => get<Inspected>(`/containers/${encodeURIComponent(Id)}/json`)),
    );
    return projectOf(containers, await isPodman(get));
  } finally {
    await agent.close();
  }
}

/** Both answer to one API; the parts that an engine says it is made of tell which one it is. */
async function isPodman(get: <T>(path: string) => Promise<T>): Promise<boolean> {
  try {
    const { Components } = await get<{ Components?: { Name?: string }[] | null }>('/version');
    return (Components ?? []).some(({ Name }) => /podman/i.test(Name ?? ''));
  } catch {
    return false;
  }
}

function projectOf(containers: readonly Inspected[], podman: boolean): Project {
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
function asService({ Config, HostConfig, Mounts }: Inspected, podman: boolean): object {
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

function portsOf(bindings: NonNullable<Inspected['HostConfig']['PortBindings']>): object[] {
  return Object.entries(bindings).flatMap(([port, ends]) =>
    (ends ?? []).map(({ HostIp = '', HostPort = '' }) => ({
      target: port.split('/')[0],
      published: HostPort,
      ...(HostIp === '' ? {} : { host_ip: HostIp }),
    })),
  );
}
