// The detector that listens to the container engine and looks at its containers: what is started with the host in reach, what is run inside, who runs as root, what runs out of memory.
import type { ContainerEngine, EngineEvent, InspectedContainer } from '../../platform/containers/container-engine.ts';
import type { DeploymentService } from '../../platform/documents/deployment.ts';
import { type ContainerLoad, createContainerLoad } from './container-load.ts';
import { isHealthCheck, isRoot, risksOf, wantsOut } from './container-risks.ts';
import type { Detection, Detector, DetectorContext } from './detector.ts';
import type { EngineExecutions, Execution } from './engine-executions.ts';
import { fingerprint, harmless } from './harmless.ts';
import { createRecent } from './recent.ts';
import { lookEvery, type Timers } from './timers.ts';

export interface ContainerEventsParts {
  engine: Pick<ContainerEngine, 'within' | 'list' | 'inspect' | 'top' | 'stats' | 'events'>;
  executions: Pick<EngineExecutions, 'find'>;
  /** Of the profile; only for them are processes and load looked at, all containers' without any. */
  services: readonly DeploymentService[];
  timers: Timers;
  everyMs?: number;
}

type Engine = Pick<ContainerEngine, 'list' | 'inspect' | 'top' | 'stats' | 'events'>;

const actions = ['create', 'start', 'die', 'oom', 'destroy', 'exec', 'exec_create', 'exec_start'] as const;
const grave = ['privileged', 'engine-socket', 'host-folder', 'cap-all', 'cap-sys_admin', 'cap-sys_module'];
const tenMinutes = 600_000;
/** Between two looks at what is at its limit. */
const soonMs = 250;
const raisedMs = 3_600_000;
const setupMs = 60_000;
const mostLooked = 200;

export function containerEventsDetector(parts: ContainerEventsParts): Detector {
  const { everyMs = 3_000 } = parts;
  return {
    name: 'container-events',
    types: ['container-escape', 'unauthorised-access', 'memory-exhaustion', 'denial-of-service', 'performance-anomaly'],
    deadAfterMs: Math.max(120_000, everyMs * 6),
    start(context) {
      const stop = new AbortController();
      const engine = parts.engine.within(stop.signal);
      const watch = createWatch(parts, engine, context);
      const listening = listen(engine, watch.event, context, stop.signal);
      const looking = lookEvery({ timers: parts.timers, ms: everyMs }, context, watch.look);
      return {
        async close() {
          stop.abort();
          await Promise.all([looking.close(), listening]);
        },
      };
    },
  };
}

async function listen(
  engine: Engine,
  take: (event: EngineEvent) => Promise<void>,
  context: DetectorContext,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const event of await engine.events({ types: ['container'] })) await take(event);
    if (!signal.aborted) context.failed(new Error('the engine tells nothing any more'));
  } catch (error) {
    if (!signal.aborted) context.failed(error);
  }
}

function createWatch({ services, executions, timers }: ContainerEventsParts, engine: Engine, context: DetectorContext) {
  /** By name and image: what was there when the watch began, or was told of, is no news when it is started again. */
  const known = new Set<string>();
  const loads = new Map<string, ContainerLoad>();
  const rootTold = new Set<string>();
  /** Looks in a row with processes of root, and when somebody last started one through the engine. */
  const rootLooks = new Map<string, number>();
  const raisedAt = new Map<string, number>();
  const executionsSeen = new Set<string>();
  const setups = new Map<string, { inspected: InspectedContainer; at: number }>();
  const executed = createRecent(tenMinutes);
  const died = createRecent(tenMinutes);
  let isFirst = true;

  const serviceOf = (name: string, label?: string) =>
    services.find(({ name: service, container }) => container === name || service === name || service === label);
  const tell = (
    name: string,
    found: Pick<Detection, 'type' | 'severity' | 'facts'>,
    occurredAt: number = context.now(),
  ) => {
    const subject = serviceOf(name)?.name ?? harmless(name);
    context.report({ ...found, subject, occurredAt, facts: { container: harmless(name, 63), ...found.facts } });
  };

  function judgeSetup(name: string, inspected: InspectedContainer, isNews: boolean, at: number): void {
    const allowed =
      serviceOf(name)?.run?.capabilities.map((one) => `cap-${one.toLowerCase().replace(/^cap_/, '')}`) ?? [];
    const risks = risksOf(inspected).filter((risk) => !allowed.includes(risk));
    const key = `${name}\0${inspected.Config.Image ?? ''}\0${risks.join(' ')}`;
    if (risks.length === 0 || known.has(key)) return;
    known.add(key);
    if (!isNews) return;
    const severity = risks.some((risk) => grave.includes(risk)) ? 'critical' : 'high';
    tell(name, { type: 'container-escape', severity, facts: { sign: 'setup', risks: risks.join(' ') } }, at);
  }

  async function judgeExecution(event: EngineEvent, command: string): Promise<void> {
    const { name, timeMs } = event;
    const inspected = await engine.inspect(event.id);
    if (isHealthCheck(command, inspected)) return;
    const facts = { sign: 'execution', command: fingerprint(command), length: command.length };
    if (wantsOut(command)) return tell(name, { type: 'container-escape', severity: 'critical', facts }, timeMs);
    const found = await executionsOf(event, inspected);
    if (found.some(({ privileged }) => privileged))
      return tell(
        name,
        { type: 'container-escape', severity: 'critical', facts: { ...facts, privileged: true } },
        timeMs,
      );
    // Some work by hand is ordinary.
    const isRaised = found.some(({ user }) => isRoot(user)) && !isRoot(inspected.Config.User || 'root');
    if (isRaised) raisedAt.set(name, context.now());
    const count = executed.add(name, timeMs, isRaised ? 2 : 1);
    if (count < Math.ceil(8 * context.tightness())) return;
    executed.forget(name);
    tell(name, { type: 'unauthorised-access', severity: 'medium', facts: { ...facts, count } }, timeMs);
  }

  /** Podman names none in its event: then those that the container has and that were not looked at. */
  async function executionsOf(event: EngineEvent, inspected: InspectedContainer): Promise<Execution[]> {
    const named = event.attributes['execID'] ?? event.attributes['exec_id'];
    const listed = inspected['ExecIDs'];
    const ids = named === undefined ? (Array.isArray(listed) ? listed.map(String) : []) : [named];
    const fresh = ids.filter((id) => !executionsSeen.has(id)).slice(0, 20);
    if (executionsSeen.size > 10_000) executionsSeen.clear();
    for (const id of fresh) executionsSeen.add(id);
    const signal = AbortSignal.timeout(5_000);
    const found = await Promise.all(fresh.map((id) => executions.find(id, signal)));
    return found.filter((one) => one !== undefined);
  }

  async function event(given: EngineEvent): Promise<void> {
    const [action = '', ...rest] = given.action.split(': ');
    if (!(actions as readonly string[]).includes(action)) return;
    const { name, timeMs } = given;
    setups.delete(given.id);
    try {
      if (action === 'oom')
        tell(name, { type: 'memory-exhaustion', severity: 'high', facts: { sign: 'killed' } }, timeMs);
      else if (action === 'create' || action === 'start')
        judgeSetup(name, await engine.inspect(given.id), true, timeMs);
      else if (action === 'exec_create' || action === 'exec') await judgeExecution(given, rest.join(': '));
      else if (action === 'die') {
        // Ended by a signal or by itself without an error: somebody stopped it.
        if (['0', '137', '143'].includes(given.attributes['exitCode'] ?? '0')) return;
        const count = died.add(name, timeMs);
        if (count < Math.ceil(5 * context.tightness())) return;
        died.forget(name);
        tell(
          name,
          { type: 'performance-anomaly', severity: 'high', facts: { sign: 'ends again and again', count } },
          timeMs,
        );
      } else if (action === 'destroy') forget(name);
    } catch (err) {
      // It may be gone by now; who is gone needs no answer.
      context.log.debug({ err }, 'a container could not be looked at');
    }
  }

  /** How a container was set up changes with an event only; asked again each minute all the same. */
  async function setupOf(id: string): Promise<InspectedContainer> {
    const kept = setups.get(id);
    if (kept !== undefined && context.now() - kept.at < setupMs) return kept.inspected;
    const inspected = await engine.inspect(id);
    if (setups.size > mostLooked * 2) setups.clear();
    setups.set(id, { inspected, at: context.now() });
    return inspected;
  }

  function forget(name: string): void {
    loads.delete(name);
    rootTold.delete(name);
    rootLooks.delete(name);
    raisedAt.delete(name);
  }

  async function look(signal: AbortSignal): Promise<void> {
    const running = await engine.list();
    for (const { id, name, service } of running.slice(0, mostLooked)) {
      if (signal.aborted) return;
      const its = serviceOf(name, service);
      if (services.length > 0 && its === undefined && !isFirst) continue;
      try {
        const inspected = await setupOf(id);
        judgeSetup(name, inspected, !isFirst, context.now());
        if (services.length > 0 && its === undefined) continue;
        await judgeRoot(id, name, inspected);
        await judgeLoad(id, name, inspected, its, signal);
      } catch (err) {
        context.log.debug({ err }, 'a container could not be looked at');
      }
    }
    const names = new Set(running.map(({ name }) => name));
    for (const name of [...loads.keys()]) if (!names.has(name)) forget(name);
    isFirst = false;
  }

  /** Who was given another user and yet runs as root has got more than was given. */
  async function judgeRoot(id: string, name: string, { Config }: InspectedContainer): Promise<void> {
    const user = Config.User ?? '';
    if (user === '' || isRoot(user) || rootTold.has(name)) return;
    const processes = await engine.top(id);
    const asRoot = processes.filter((process) => isRoot(process.user)).length;
    const looks = asRoot === 0 ? 0 : (rootLooks.get(name) ?? 0) + 1;
    rootLooks.set(name, looks);
    // A program may start as root and lower its rights at once; and what somebody started so was judged when they did.
    if (looks < 2 || context.now() - (raisedAt.get(name) ?? Number.NEGATIVE_INFINITY) < raisedMs) return;
    rootTold.add(name);
    tell(name, { type: 'container-escape', severity: 'critical', facts: { sign: 'root', processes: asRoot } });
  }

  async function judgeLoad(
    id: string,
    name: string,
    { HostConfig }: InspectedContainer,
    service: DeploymentService | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    let load = loads.get(name);
    if (load === undefined) {
      load = createContainerLoad(context.tightness);
      loads.set(name, load);
    }
    const limits = {
      processes: HostConfig.PidsLimit ?? 0,
      cpus: (HostConfig.NanoCpus ?? 0) / 1e9,
      busyIsUsual: service === undefined || service.role === 'model',
    };
    do {
      for (const found of load.add(await engine.stats(id), limits)) tell(name, found);
      if (load.isNear()) await new Promise<void>((resolve) => timers.after(soonMs, resolve));
    } while (load.isNear() && !signal.aborted);
  }

  return { event, look };
}
