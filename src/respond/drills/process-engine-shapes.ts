// How the process engine shows its containers: the fields of the Engine API that Rempart reads.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ProcessContainer } from './process-container.ts';

const zeroTime = '0001-01-01T00:00:00Z';
const instant = (at: number) => (at === 0 ? zeroTime : new Date(at).toISOString());

export function shownInList(container: ProcessContainer) {
  const { id, spec, port } = container;
  return {
    Id: id,
    Names: [`/${spec.name}`],
    Image: spec.image,
    ImageID: `sha256:${createHash('sha256').update(spec.image).digest('hex')}`,
    Command: 'container-process',
    Created: Math.trunc(container.startedAt() / 1_000),
    Ports: [{ IP: '127.0.0.1', PrivatePort: 8080, PublicPort: port, Type: 'tcp' }],
    Labels: spec.labels ?? {},
    State: container.status(),
    Status: container.status(),
    NetworkSettings: { Networks: networksOf(container) },
    Mounts: [],
  };
}

export function shownContainer(container: ProcessContainer) {
  const { id, spec, port, root } = container;
  const status = container.status();
  return {
    Id: id,
    Name: `/${spec.name}`,
    Created: instant(container.startedAt()),
    Path: 'container-process',
    Args: [spec.name],
    Image: spec.image,
    RestartCount: 0,
    State: {
      Status: status,
      Running: status === 'running' || status === 'paused',
      Paused: status === 'paused',
      Restarting: false,
      OOMKilled: false,
      Dead: false,
      Pid: container.pid(),
      ExitCode: container.exitCode(),
      StartedAt: instant(container.startedAt()),
      FinishedAt: instant(container.finishedAt()),
    },
    Config: { Image: spec.image, User: '', Env: [], Cmd: [], Labels: spec.labels ?? {}, Tty: false },
    HostConfig: {
      Privileged: false,
      CapAdd: [],
      CapDrop: ['ALL'],
      NetworkMode: spec.networks[0] ?? 'none',
      PidMode: '',
      Binds: [],
      Memory: spec.memoryBytes ?? 0,
      PidsLimit: 200,
      SecurityOpt: [],
      ReadonlyRootfs: false,
    },
    GraphDriver: { Name: 'directory', Data: { MergedDir: root } },
    Mounts: [],
    NetworkSettings: {
      Networks: networksOf(container),
      Ports: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] },
    },
  };
}

function networksOf({ networks }: ProcessContainer) {
  return Object.fromEntries(
    [...networks].map((name) => [
      name,
      { NetworkID: networkId(name), EndpointID: networkId(`${name}/`), IPAddress: '127.0.0.1' },
    ]),
  );
}

const networkId = (name: string) => createHash('sha256').update(`network ${name}`).digest('hex');

export function shownNetwork(name: string, containers: readonly ProcessContainer[]) {
  const members = containers.filter(({ networks }) => networks.has(name));
  return {
    Name: name,
    Id: networkId(name),
    Driver: 'bridge',
    Scope: 'local',
    Internal: false,
    Labels: {},
    IPAM: { Driver: 'default', Config: [{ Subnet: '127.0.0.0/8' }] },
    Containers: Object.fromEntries(
      members.map(({ id, spec }) => [id, { Name: spec.name, IPv4Address: '127.0.0.1/8' }]),
    ),
  };
}

/** As `ps -ef` names the columns. */
export function shownProcesses(container: ProcessContainer) {
  const Processes = container.processes().flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const field = (name: string) => status.match(new RegExp(`^${name}:\\s*(\\d+)`, 'm'))?.[1] ?? '0';
      return [
        [field('Uid') === '0' ? 'root' : field('Uid'), String(pid), field('PPid'), '0', '-', '-', '00:00:00', command],
      ];
    } catch {
      return [];
    }
  });
  return { Titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'], Processes };
}

/** Memory and processor time of all its processes, from /proc. */
export function shownStats(container: ProcessContainer, now: number) {
  const pids = container.processes();
  const memory = pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
  const total = pids.reduce((sum, pid) => sum + processorNanoseconds(pid), 0);
  const cpu = {
    cpu_usage: { total_usage: total, usage_in_kernelmode: 0, usage_in_usermode: total },
    system_cpu_usage: Math.trunc(now) * 1_000_000,
    online_cpus: 1,
  };
  return {
    read: new Date(now).toISOString(),
    name: `/${container.spec.name}`,
    id: container.id,
    cpu_stats: cpu,
    precpu_stats: cpu,
    memory_stats: { usage: memory, limit: container.spec.memoryBytes ?? 536_870_912, stats: {} },
    pids_stats: { current: pids.length },
  };
}

function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4_096;
  } catch {
    return 0;
  }
}

function processorNanoseconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Hundredths of a second (proc(5): utime, stime).
    return (Number(fields[11]) + Number(fields[12])) * 10_000_000;
  } catch {
    return 0;
  }
}
