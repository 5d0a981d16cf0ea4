// What gives a container the host: read from how it was set up, and from what is run in it.
import type { InspectedContainer } from '../../platform/containers/container-engine.ts';

/** Capabilities with which the host can be taken (capabilities(7)). */
const hostCapabilities = new Set([
  'ALL',
  'SYS_ADMIN',
  'SYS_MODULE',
  'SYS_PTRACE',
  'SYS_RAWIO',
  'SYS_BOOT',
  'DAC_READ_SEARCH',
  'BPF',
  'MAC_ADMIN',
]);
const hostFolders =
  /^\/(?:$|(?:etc|root|boot|dev|proc|sys|run|home|var\/lib\/(?:docker|containers|kubelet)|var\/run)\/?$)/;
const engineSockets = /(?:^|\/)(?:docker|podman|containerd|crio)\.sock$/;

/** Names of what was set, sorted; empty for an ordinary container. */
export function risksOf({ HostConfig, Mounts }: InspectedContainer): string[] {
  const sources = [
    ...(Mounts ?? []).filter(({ Type }) => Type !== 'volume').map(({ Source }) => Source),
    ...(HostConfig.Binds ?? []).map((bind) => bind.split(':')[0] ?? ''),
  ];
  const capabilities = (HostConfig.CapAdd ?? []).map((name) => name.toUpperCase().replace(/^CAP_/, ''));
  const found = [
    ...(HostConfig.Privileged === true ? ['privileged'] : []),
    ...(sources.some((source) => engineSockets.test(source)) ? ['engine-socket'] : []),
    ...(sources.some((source) => hostFolders.test(source)) ? ['host-folder'] : []),
    ...capabilities.filter((name) => hostCapabilities.has(name)).map((name) => `cap-${name.toLowerCase()}`),
    ...(HostConfig.PidMode === 'host' ? ['host-processes'] : []),
    ...((HostConfig.SecurityOpt ?? []).some((one) => /(?:seccomp|apparmor)[=:]unconfined/.test(one))
      ? ['unconfined']
      : []),
  ];
  return [...new Set(found)].sort();
}

const escapes =
  /\b(?:nsenter|release_agent|core_pattern|insmod|modprobe|pivot_root|cgroup-escape|deepce|cdk)\b|docker\.sock|containerd\.sock|\/proc\/1\/root|\/proc\/sys\/kernel|\bchroot \/(?:host|mnt|rootfs)|\bmount .{0,60}\/dev\/|\bunshare .{0,40}-\w{0,8}[rUm]/;

/** Whether a command line does what only somebody does who wants out. At most so much of it is looked at. */
export function wantsOut(command: string): boolean {
  return escapes.test(command.slice(0, 2_000));
}

/** What Docker's own health checks run, as its events write it. */
export function isHealthCheck(command: string, { Config }: InspectedContainer): boolean {
  const [kind = '', ...words] = Config.Healthcheck?.Test ?? [];
  if (kind !== 'CMD' && kind !== 'CMD-SHELL') return false;
  const line = words.join(' ');
  return command === line || (kind === 'CMD-SHELL' && command.endsWith(` -c ${line}`));
}

export function isRoot(user: string): boolean {
  return /^(?:root|0)(?::|$)/.test(user);
}
