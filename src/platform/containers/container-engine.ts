// The container engine's API over its Unix socket, Docker's or Podman's; paths without a version, which both take.
//
// All that is ever asked of it. Whatever speaks this is an engine to us:
//   GET    /version
//   GET    /containers/json?all=BOOL                      Id, Names, Image, State, Labels, NetworkSettings.Networks
//   GET    /containers/NAME/json                          Id, Name, State, Config, HostConfig, Mounts, NetworkSettings
//   GET    /containers/NAME/top?ps_args=…&stream=false    Titles, Processes
//   GET    /containers/NAME/changes                       [{Path, Kind 0 changed, 1 added, 2 deleted}]
//   GET    /containers/NAME/stats?stream=false&one-shot=true
//   GET    /containers/NAME/logs?stdout=true&stderr=true&timestamps=true[&since=SECONDS]   frames; plain with a TTY
//   POST   /containers/NAME/kill?signal=…, …/stop?t=SECONDS, …/start, …/restart?t=SECONDS, …/pause, …/unpause
//   DELETE /containers/NAME
//   GET    /networks
//   POST   /networks/NAME/connect {Container, EndpointConfig}, /networks/NAME/disconnect {Container, Force}
//   POST   /images/prune?filters={"dangling":["true"]}
//   GET    /events?stream=true[&since=SECONDS]&filters={"type":[…],"event":[…]}            one JSON object a line
// 204 or 200 is done, 304 that it was so already, 404 that there is none, anything from 400 on carries {message}.
import type { z } from 'zod';
import {
  changesSchema,
  type InspectedContainer,
  imagesPrunedSchema,
  inspectedSchema,
  listSchema,
  statsSchema,
  topSchema,
  versionSchema,
} from './engine-answers.ts';
import { type EngineEvent, type EventFilter, eventsIn, eventsQuestion } from './engine-events.ts';
import { type EngineLogs, readLogs } from './engine-logs.ts';
import { endpointOf, listedOf, networkListSchema, parsed, processesOf, statsOf } from './engine-readings.ts';
import { type EngineAt, type EngineQuestion, type EngineTransport, openTransport } from './engine-transport.ts';

export type { InspectedContainer } from './engine-answers.ts';
export type { EngineEvent, EventFilter } from './engine-events.ts';

export interface ContainerNetwork {
  name: string;
  addresses: string[];
  aliases: string[];
  /** Asked for by whoever attached it, not given out by the engine. */
  fixed: { v4?: string; v6?: string };
}

export interface ListedContainer {
  id: string;
  name: string;
  image: string;
  /** `running`, `exited`, `paused`, `created`, … */
  state: string;
  labels: Readonly<Record<string, string>>;
  /** The compose file's name of it, where it was started from one. */
  service?: string;
  networks: ContainerNetwork[];
}

export interface ContainerProcess {
  pid: number;
  parent: number;
  user: string;
  command: string;
}

export interface ContainerStats {
  readAt: number;
  cpuNs: number;
  systemCpuNs: number;
  cpus: number;
  /** Without what the kernel would give back at once. */
  memoryBytes: number;
  /** The host's memory where none is set. */
  memoryLimitBytes: number;
  processes: number;
}

export interface ContainerEngine {
  readonly socketPath: string;
  /** The same engine, for as long as a signal allows. */
  within(signal: AbortSignal): ContainerEngine;
  version(): Promise<{ version: string; api: string; podman: boolean }>;
  /** Running ones, or `all`. */
  list(options?: { all?: boolean }): Promise<ListedContainer[]>;
  inspect(container: string): Promise<InspectedContainer>;
  /** As the engine sees them; Podman gives the container's own process ids, Docker the host's. */
  top(container: string): Promise<ContainerProcess[]>;
  /** Against the image. */
  changes(container: string): Promise<{ path: string; kind: 'changed' | 'added' | 'deleted' }[]>;
  stats(container: string): Promise<ContainerStats>;
  /** The newest bytes where there are more than `maxBytes`. */
  logs(container: string, options?: { sinceMs?: number; tty?: boolean; maxBytes?: number }): Promise<EngineLogs>;
  /** Resolves once the engine listens; ends with the signal of `within`, or rejects while it is read. */
  events(filter?: EventFilter): Promise<AsyncIterable<EngineEvent>>;
  kill(container: string, signal?: string): Promise<void>;
  stop(container: string, graceSeconds?: number): Promise<void>;
  start(container: string): Promise<void>;
  restart(container: string, graceSeconds?: number): Promise<void>;
  pause(container: string): Promise<void>;
  unpause(container: string): Promise<void>;
  /** Only one that does not run. */
  remove(container: string): Promise<void>;
  networks(): Promise<string[]>;
  connect(network: string, container: string, as?: Partial<Omit<ContainerNetwork, 'name'>>): Promise<void>;
  disconnect(network: string, container: string): Promise<void>;
  /** Images without a name that no container uses. */
  pruneImages(): Promise<{ images: number; bytes: number }>;
  close(): Promise<void>;
}

export function openContainerEngine(at: EngineAt): ContainerEngine {
  return engineOver(openTransport(at), undefined, { podman: undefined });
}

const graceSeconds = 10;
const changeKinds = ['changed', 'added', 'deleted'] as const;

function engineOver(
  transport: EngineTransport,
  signal: AbortSignal | undefined,
  known: { podman: boolean | undefined },
): ContainerEngine {
  const read = async <T>(question: Omit<EngineQuestion, 'signal' | 'method'>, schema: z.ZodType<T>, method = 'GET') => {
    const whole = { ...question, method: method as EngineQuestion['method'], signal };
    const { bytes } = await transport.ask(whole);
    return parsed(bytes, schema, whole);
  };
  const tell = async (path: readonly string[], more: Partial<EngineQuestion> = {}): Promise<void> => {
    await transport.ask({ method: 'POST', path, signal, ...more });
  };
  const act = (container: string, verb: string, more: Partial<EngineQuestion> = {}) =>
    tell(['containers', container, verb], more);
  const waits = (seconds: number) => ({ query: { t: String(seconds) }, extraMs: seconds * 1_000 });
  const of = (container: string, what: string, query?: EngineQuestion['query']) => ({
    path: ['containers', container, what],
    ...(query === undefined ? {} : { query }),
  });
  const version = async () => {
    const { Version, ApiVersion, Components } = await read({ path: ['version'] }, versionSchema);
    known.podman = (Components ?? []).some(({ Name }) => /podman/i.test(Name ?? ''));
    return { version: Version ?? '', api: ApiVersion ?? '', podman: known.podman };
  };

  return {
    socketPath: transport.socketPath,
    within: (other) => engineOver(transport, signal === undefined ? other : AbortSignal.any([signal, other]), known),
    version,
    async list({ all = false } = {}) {
      const found = await read({ path: ['containers', 'json'], query: all ? { all: 'true' } : {} }, listSchema);
      return found.map(listedOf);
    },
    inspect: (container) => read(of(container, 'json'), inspectedSchema),
    async top(container) {
      // Podman takes names of columns and asks nothing of the container; Docker takes options of its host's ps.
      const podman = known.podman ?? (await version()).podman;
      const query = { ps_args: `${podman ? '' : '-eo '}pid,ppid,user,args`, stream: 'false' };
      const { Titles, Processes } = await read(of(container, 'top', query), topSchema);
      return processesOf(Titles, Processes ?? []);
    },
    async changes(container) {
      const found = await read(of(container, 'changes'), changesSchema);
      return (found ?? []).map(({ Path, Kind }) => ({ path: Path, kind: changeKinds[Kind] ?? 'changed' }));
    },
    async stats(container) {
      return statsOf(await read(of(container, 'stats', { stream: 'false', 'one-shot': 'true' }), statsSchema));
    },
    logs: (container, options) => readLogs(transport, container, { ...options, signal }),
    async events(filter = {}) {
      return eventsIn(await transport.follow(eventsQuestion(filter, signal)));
    },
    kill: (container, name = 'SIGKILL') => act(container, 'kill', { query: { signal: name } }),
    stop: (container, grace = graceSeconds) => act(container, 'stop', waits(grace)),
    start: (container) => act(container, 'start', { extraMs: 15_000 }),
    restart: (container, grace = graceSeconds) => act(container, 'restart', waits(grace)),
    pause: (container) => act(container, 'pause'),
    unpause: (container) => act(container, 'unpause'),
    remove: async (container) => {
      await transport.ask({ method: 'DELETE', path: ['containers', container], signal });
    },
    async networks() {
      const found = await read({ path: ['networks'] }, networkListSchema);
      return found.map(({ Name }) => Name);
    },
    connect: (network, container, as = {}) =>
      tell(['networks', network, 'connect'], { body: { Container: container, EndpointConfig: endpointOf(as) } }),
    disconnect: (network, container) =>
      tell(['networks', network, 'disconnect'], { body: { Container: container, Force: true } }),
    async pruneImages() {
      const query = { filters: JSON.stringify({ dangling: ['true'] }) };
      const question = { path: ['images', 'prune'], query, extraMs: 60_000 };
      const { ImagesDeleted, SpaceReclaimed } = await read(question, imagesPrunedSchema, 'POST');
      return { images: ImagesDeleted?.length ?? 0, bytes: SpaceReclaimed ?? 0 };
    },
    close: () => transport.close(),
  };
}
