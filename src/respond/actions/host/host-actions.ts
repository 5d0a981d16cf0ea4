// host.audit: what this machine shows of itself: changed files of what is protected, sockets, processes, open files, mounts.
import { z } from 'zod';
import type { JsonObject } from '../../../platform/base/json.ts';
import type { Deployment } from '../../../platform/documents/deployment.ts';
import { mountsHere, openFilesOf, processesHere } from '../../../platform/host/processes.ts';
import { socketsHere } from '../../../platform/host/sockets.ts';
import type { Action, ActionContext } from '../../engine/action.ts';
import type { Evidence } from '../evidence.ts';
import { scrubLine } from '../scrub.ts';
import { changedFiles, pathsOf } from './changed-files.ts';

export interface HostParts {
  deployment: Deployment | undefined;
  /** What the profile's relative paths begin at. */
  folder: string;
  evidence: Evidence;
  /** Default `/proc`. */
  proc?: string;
}

export function hostActions(parts: HostParts): Action[] {
  return [auditAction(parts)] as Action[];
}

const args = z.strictObject({
  /** How far back changed files are looked for. */
  sinceMinutes: z.number().positive().max(525_600).default(60),
});

const limits = { maxEntries: 200_000, maxShown: 5_000 };
const maxProcesses = 5_000;
const maxSockets = 5_000;

function auditAction(parts: HostParts): Action<z.output<typeof args>> {
  return {
    name: 'host.audit',
    class: 'observe',
    args,
    plan: async () => ({ effects: [], reversible: true, before: {} }),
    async probe(_args, context) {
      const kept = parts.evidence.finished(context);
      return kept === undefined ? { state: 'not-done' } : { state: 'done', done: { evidence: kept } };
    },
    async act({ sinceMinutes }, context) {
      const { report, counts } = await audit(parts, sinceMinutes, context);
      const kept = parts.evidence.keep(context, 'host', 'json', `${JSON.stringify(report, null, 2)}\n`);
      const evidence: JsonObject = { ...counts, report: kept };
      parts.evidence.finish(context, evidence);
      return { evidence };
    },
  };
}

/** A null stands for what this system does not show. */
async function audit(
  { deployment, folder, proc = '/proc' }: HostParts,
  sinceMinutes: number,
  { now, signal }: ActionContext,
): Promise<{ report: JsonObject; counts: JsonObject }> {
  const at = now();
  const paths = pathsOf(deployment, folder);
  const changes = await changedFiles(paths, at - sinceMinutes * 60_000, { ...limits, signal });
  const open = openHere(proc, paths);
  const sockets = socketsOf(proc, open.owners);
  const report: JsonObject = {
    at: new Date(at).toISOString(),
    sinceMinutes,
    paths: paths.map((path) => scrubLine(path)),
    changed: {
      ...changes,
      files: changes.files.map((file) => ({ ...file, path: scrubLine(file.path) })),
      unseen: changes.unseen.map((path) => scrubLine(path)),
    },
    processes: open.processes,
    // Their file is gone while they run: what was started and then removed.
    deletedFiles: open.deleted,
    openUnderPaths: open.underPaths,
    sockets,
    mounts:
      mountsHere(proc)?.map((mount) => ({
        type: mount.type,
        target: scrubLine(mount.target),
        source: scrubLine(mount.source),
        options: scrubLine(mount.options),
      })) ?? null,
  };
  const counts = {
    changed: changes.files.length,
    setuid: changes.files.filter(({ setuid }) => setuid).length,
    processes: open.processes.length,
    deletedFiles: open.deleted.length,
    listening: sockets?.filter(({ state }) => state === 'listen').length ?? null,
    connected: sockets?.filter(({ state }) => state === 'established').length ?? null,
    ...(changes.cut ? { cut: true } : {}),
  };
  return { report, counts };
}

interface OpenHere {
  processes: JsonObject[];
  deleted: JsonObject[];
  underPaths: JsonObject[];
  /** Process by the number of its socket. */
  owners: Map<number, { pid: number; name: string }>;
}

function openHere(proc: string, paths: readonly string[]): OpenHere {
  const found: OpenHere = { processes: [], deleted: [], underPaths: [], owners: new Map() };
  for (const { pid, parent, uid, name: given, command, capabilities } of processesHere(proc).slice(0, maxProcesses)) {
    const name = scrubLine(given, 64);
    const files = openFilesOf(proc, pid);
    found.processes.push({
      pid,
      parent,
      uid,
      name,
      command: scrubLine(command),
      capabilities,
      open: files?.length ?? null,
    });
    for (const file of files ?? []) {
      const socket = /^socket:\[(\d+)\]$/.exec(file)?.[1];
      if (socket !== undefined) found.owners.set(Number(socket), { pid, name });
      else if (/ \(deleted\)$/.test(file) && file.startsWith('/') && !/^\/(memfd|dev\/|\[)/.test(file))
        found.deleted.push({ pid, name, file: scrubLine(file) });
      else if (paths.some((path) => file === path || file.startsWith(`${path}/`)))
        found.underPaths.push({ pid, name, file: scrubLine(file) });
    }
  }
  return found;
}

function socketsOf(proc: string, owners: OpenHere['owners']) {
  const sockets = socketsHere(`${proc}/net`);
  if (sockets === undefined) return null;
  const end = ({ address, port }: { address: string; port: number }) =>
    `${address.includes(':') ? `[${address}]` : address}:${port}`;
  return sockets
    .filter(({ state }) => state !== 'other')
    .slice(0, maxSockets)
    .map(({ state, local, remote, inode }) => ({
      state,
      local: end(local),
      remote: state === 'listen' ? '' : end(remote),
      process: owners.get(inode)?.name ?? null,
      pid: owners.get(inode)?.pid ?? null,
    }));
}
