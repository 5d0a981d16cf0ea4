// From the engine's answers to what the rest of the program reads.
import { z } from 'zod';
import type { ContainerNetwork, ContainerProcess, ContainerStats, ListedContainer } from './container-engine.ts';
import type { InspectedContainer, listSchema, statsSchema } from './engine-answers.ts';
import { type EngineQuestion, engineError } from './engine-transport.ts';

/** Throws ERR_ENGINE_ANSWER for what is not of the shape. */
export function parsed<T>(bytes: Buffer, schema: z.ZodType<T>, question: EngineQuestion): T {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw engineError('ERR_ENGINE_ANSWER', question);
  }
  const read = schema.safeParse(value);
  if (!read.success) throw engineError('ERR_ENGINE_ANSWER', question);
  return read.data;
}

export function listedOf(found: z.output<typeof listSchema>[number]): ListedContainer {
  const { Id, Names, Image, State, Labels, NetworkSettings } = found;
  const labels = Labels ?? {};
  const service = labels['com.docker.compose.service'] ?? labels['io.podman.compose.service'];
  return {
    id: Id,
    name: (Names?.[0] ?? Id).replace(/^\//, ''),
    image: Image ?? '',
    state: State ?? '',
    labels,
    ...(service === undefined ? {} : { service }),
    networks: networksOf(NetworkSettings),
  };
}

export function networksOf(settings: InspectedContainer['NetworkSettings']): ContainerNetwork[] {
  return Object.entries(settings?.Networks ?? {}).map(
    ([name, { IPAddress, GlobalIPv6Address, Aliases, IPAMConfig }]) => {
      const v4 = IPAMConfig?.IPv4Address;
      const v6 = IPAMConfig?.IPv6Address;
      return {
        name,
        addresses: [IPAddress, GlobalIPv6Address].filter((address): address is string => Boolean(address)),
        aliases: Aliases ?? [],
        fixed: { ...(v4 ? { v4 } : {}), ...(v6 ? { v6 } : {}) },
      };
    },
  );
}

export function endpointOf({ aliases = [], fixed = {} }: Partial<Omit<ContainerNetwork, 'name'>>): object {
  return {
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(fixed.v4 === undefined && fixed.v6 === undefined
      ? {}
      : {
          IPAMConfig: {
            ...(fixed.v4 === undefined ? {} : { IPv4Address: fixed.v4 }),
            ...(fixed.v6 === undefined ? {} : { IPv6Address: fixed.v6 }),
          },
        }),
  };
}

/** Each engine and each ps has its own names for the same columns. */
const columns = {
  pid: /^PID$/i,
  parent: /^PPID$/i,
  user: /^(USER|UID)$/i,
  command: /^(COMMAND|CMD|ARGS)$/i,
} as const;

export function processesOf(titles: readonly string[], rows: readonly (readonly string[])[]): ContainerProcess[] {
  const at = (name: keyof typeof columns) => titles.findIndex((title) => columns[name].test(title));
  const [pid, parent, user, command] = [at('pid'), at('parent'), at('user'), at('command')];
  return rows.map((row) => ({
    pid: Number(row[pid] ?? 0),
    parent: Number(row[parent] ?? 0),
    user: row[user] ?? '',
    command: row[command] ?? '',
  }));
}

export function statsOf({ read, cpu_stats, memory_stats, pids_stats }: z.output<typeof statsSchema>): ContainerStats {
  const inactive = memory_stats?.stats?.['inactive_file'] ?? memory_stats?.stats?.['total_inactive_file'] ?? 0;
  return {
    readAt: Date.parse(read ?? '') || 0,
    cpuNs: cpu_stats?.cpu_usage?.total_usage ?? 0,
    systemCpuNs: cpu_stats?.system_cpu_usage ?? 0,
    cpus: cpu_stats?.online_cpus ?? 0,
    memoryBytes: Math.max(0, (memory_stats?.usage ?? 0) - inactive),
    memoryLimitBytes: memory_stats?.limit ?? 0,
    processes: pids_stats?.current ?? 0,
  };
}

export const networkListSchema = z.array(z.looseObject({ Name: z.string() }));
