// containers.audit: what a container holds and may do: its rights, mounts, processes, changed files, sockets.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { RempartError } from '../../../platform/base/errors.ts';
import type { JsonObject } from '../../../platform/base/json.ts';
import type { ContainerEngine, InspectedContainer } from '../../../platform/containers/container-engine.ts';
import { mountsHere, processOf } from '../../../platform/host/processes.ts';
import { socketsHere } from '../../../platform/host/sockets.ts';
import type { Action } from '../../engine/action.ts';
import { scrubLine } from '../scrub.ts';
import { type ContainerParts, engineOf } from './parts.ts';
import { type Chosen, choose, leftOut, selectSchema } from './select.ts';

const args = z.strictObject({ select: selectSchema });
const maxChanges = 5_000;
const maxProcesses = 2_000;

export function containersAuditAction(parts: ContainerParts): Action<z.output<typeof args>> {
  const name = 'containers.audit';
  const looking = { ...parts, protected: [], hostname: '' };
  return {
    name,
    class: 'observe',
    args,
    plan: async () => ({ effects: [], reversible: true, before: {} }),
    async probe(_args, context) {
      const kept = parts.evidence.finished(context);
      return kept === undefined ? { state: 'not-done' } : { state: 'done', done: { evidence: kept } };
    },
    async act({ select }, context) {
      const engine = engineOf(parts, context);
      const choice = await choose(looking, engine, select, name);
      const audits: JsonObject[] = [];
      for (const one of choice.chosen) {
        const { report, counts } = await auditOf(engine, one);
        const text = `${JSON.stringify({ at: new Date(context.now()).toISOString(), ...report }, null, 2)}\n`;
        audits.push({
          name: one.name,
          ...counts,
          ...parts.evidence.keep(context, `audit-${one.container}`, 'json', text),
        });
      }
      const evidence: JsonObject = { audits, ...leftOut(choice) };
      parts.evidence.finish(context, evidence);
      return { evidence };
    },
  };
}

/** What could not be seen stands there with why, so that its absence is not read as nothing found. */
async function auditOf(engine: ContainerEngine, one: Chosen): Promise<{ report: JsonObject; counts: JsonObject }> {
  const inspected = await engine.inspect(one.id);
  const processes = await seen(async () =>
    (await engine.top(one.id)).slice(0, maxProcesses).map((process) => ({
      ...process,
      user: scrubLine(process.user),
      command: scrubLine(process.command),
    })),
  );
  const changes = await seen(async () => {
    const all = await engine.changes(one.id);
    const shown = all.slice(0, maxChanges).map(({ path, kind }) => ({ path: scrubLine(path), kind }));
    return { total: all.length, shown };
  });
  const pid = pidHere(one.id, inspected.State?.Pid ?? 0);
  const sockets = pid > 0 ? socketsOf(pid) : null;
  const report: JsonObject = {
    container: one.container,
    id: one.id,
    state: one.state,
    startedAt: one.startedAt,
    rights: rightsOf(inspected, pid),
    mounts: (inspected.Mounts ?? []).map(({ Type, Source, Destination, RW }) => ({
      type: Type,
      source: scrubLine(Source),
      target: scrubLine(Destination),
      writable: RW ?? true,
    })),
    seenMounts:
      pid > 0
        ? (mountsHere('/proc', pid)?.map(({ target, type }) => ({ target: scrubLine(target), type })) ?? null)
        : null,
    processes,
    changes,
    sockets,
  };
  const counts = {
    processes: Array.isArray(processes) ? processes.length : null,
    asRoot: Array.isArray(processes)
      ? processes.filter(({ user }) => ['root', '0'].includes(String(user))).length
      : null,
    changes: 'total' in changes ? changes.total : null,
    sockets: sockets?.length ?? null,
    privileged: inspected.HostConfig.Privileged === true,
  };
  return { report, counts };
}

async function seen<T>(look: () => Promise<T>): Promise<T | { unseen: string }> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof RempartError) return { unseen: error.code };
    throw error;
  }
}

function rightsOf({ HostConfig, Config, Image }: InspectedContainer, pid: number): JsonObject {
  const list = (texts: readonly string[] | null | undefined) => (texts ?? []).map((text) => scrubLine(text));
  return {
    image: scrubLine(Config.Image ?? ''),
    imageId: Image ?? '',
    user: Config.User ?? '',
    privileged: HostConfig.Privileged === true,
    readOnly: HostConfig.ReadonlyRootfs === true,
    capAdd: list(HostConfig.CapAdd),
    capDrop: list(HostConfig.CapDrop),
    effective: effectiveOf(pid),
    security: list(HostConfig.SecurityOpt),
    network: HostConfig.NetworkMode ?? '',
    pid: HostConfig.PidMode ?? '',
    ipc: HostConfig.IpcMode ?? '',
    userns: HostConfig.UsernsMode ?? '',
    devices: (HostConfig.Devices ?? []).map(({ PathOnHost }) => scrubLine(PathOnHost)),
  };
}

/** 0 when the container's first process is none of this kernel's, as with an engine on another machine. */
function pidHere(id: string, pid: number): number {
  try {
    return pid > 0 && readFileSync(`/proc/${pid}/cgroup`, 'latin1').includes(id) ? pid : 0;
  } catch {
    return 0;
  }
}

/** Of its first process, as the kernel says; null where that is not this kernel's. */
function effectiveOf(pid: number): string | null {
  try {
    return pid > 0 ? processOf('/proc', pid).capabilities : null;
  } catch {
    return null;
  }
}

/** Of the container's own network; null when the engine runs elsewhere, or may not be looked at. */
function socketsOf(pid: number): JsonObject[] | null {
  const sockets = socketsHere(`/proc/${pid}/net`);
  if (sockets === undefined) return null;
  return sockets
    .filter(({ state }) => state !== 'other')
    .map(({ state, local, remote }) => ({ state, local: ends(local), remote: state === 'listen' ? '' : ends(remote) }));
}

const ends = ({ address, port }: { address: string; port: number }) =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;
