// Faults on the way to the upstream below HTTP: the listener closed, or present and never answering a connection.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { dropPackets, type FirewallUndo, firewallTool, restorePackets } from '../faults/process/firewall.ts';
import { type BeginParts, type Begun, logChild } from './begun.ts';

export async function refuse({ proxy, now }: BeginParts): Promise<Begun> {
  await proxy.refuse();
  const refused = await isRefused(proxy.url);
  const end = async () => {
    await proxy.listen();
    return {
      t: now(),
      proved: refused,
      proof: refused ? 'a connection of our own was refused' : 'a connection of our own went through',
    };
  };
  return { proved: refused, proof: 'the listener is closed', end };
}

async function isRefused(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(1000) });
    return false;
  } catch (error) {
    return ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED';
  }
}

/**
 * The machine's firewall drops every packet to the fault proxy, so that open connections fall silent too. The kernel
 * keeps the lease: should we all die, it passes packets again by itself. Null where there is no firewall that we may use.
 */
export async function dropByFirewall(parts: BeginParts): Promise<Begun | null> {
  const { proxy, now, leaseMs } = parts;
  const { hostname, port } = new URL(proxy.url);
  const tool = firewallTool();
  if (tool === null) return null;
  const deadline = new Date(Date.now() + leaseMs + 1000);
  const name = `rempart_${randomUUID().replaceAll('-', '')}`;
  const place = { host: hostname, port: Number(port) };
  const undo: FirewallUndo = { kind: 'firewall', tool, name, ...place, until: deadline.toISOString() };
  const undone = parts.undoLog.write(undo, deadline);
  const on = dropPackets(undo, leaseMs) && (await isUnanswered(place.port, hostname, 700));
  const end = async () => {
    const held = await isUnanswered(place.port, hostname, 300);
    restorePackets(undo);
    undone();
    const proof = held ? `${tool} dropped a packet of our own` : `${tool} stopped dropping too early`;
    return { t: now(), proved: held, proof };
  };
  if (on)
    return { proved: true, proof: `${tool} drops packets to the provider, a connection of our own among them`, end };
  await end();
  return null;
}

const mostFillers = 8;

/**
 * In the proxy's place a process listens that accepts nobody. A few connections of our own fill its queue; from then on
 * connecting neither succeeds nor fails, which a probe of our own proves. Needs no rights and no firewall, but Linux.
 */
export async function blackhole(parts: BeginParts): Promise<Begun> {
  const { proxy, now } = parts;
  const { hostname, port } = new URL(proxy.url);
  await proxy.refuse();
  const deaf = spawn(
    process.execPath,
    [join(import.meta.dirname, '../faults/process/deaf-listener.ts'), hostname, port, String(parts.leaseMs)],
    { stdio: ['ignore', 'pipe', 'ignore'], detached: true, env: {} },
  );
  const undone = logChild(deaf, 'listener that accepts nobody', parts);
  const fillers: Socket[] = [];
  const ended = new Promise<void>((resolve) => deaf.once('exit', () => resolve()));
  const end = async () => {
    const alive = deaf.exitCode === null && deaf.signalCode === null;
    for (const socket of fillers) socket.destroy();
    deaf.kill('SIGKILL');
    await ended;
    undone();
    await proxy.listen();
    return {
      t: now(),
      proved: alive,
      proof: alive ? 'a connection of our own was never answered' : 'the listener that accepts nobody ended too early',
    };
  };
  const listening = await Promise.race([
    new Promise<boolean>((resolve) => deaf.stdout.once('data', () => resolve(true))),
    ended.then(() => false),
  ]);
  if (
    listening &&
    (await fill(Number(port), hostname, fillers)) &&
    (await isUnanswered(Number(port), hostname, 1000))
  ) {
    return { proved: true, proof: 'a connection of our own is not answered', end };
  }
  await end();
  return { impossible: 'connecting could not be made to hang on this system' };
}

/** True once a connection is left waiting. */
async function fill(port: number, host: string, fillers: Socket[]): Promise<boolean> {
  while (fillers.length < mostFillers) if (await isUnanswered(port, host, 300, fillers)) return true;
  return false;
}

/** With `keep` the socket stays open in it. */
function isUnanswered(port: number, host: string, withinMs: number, keep?: Socket[]): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const end = (unanswered: boolean) => {
      clearTimeout(timer);
      if (keep === undefined) socket.destroy();
      else keep.push(socket);
      resolve(unanswered);
    };
    const timer = setTimeout(() => end(true), withinMs);
    socket.on('error', () => end(false)).once('connect', () => end(false));
  });
}
