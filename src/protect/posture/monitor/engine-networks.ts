// Which containers are attached to which networks, asked of the engine whenever it tells that something there changed.
import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from 'undici';
import type { Deployment, DeploymentZone } from '../../../platform/documents/deployment.ts';
import { type Crossing, type Zones, zoneOf } from './crossings.ts';

export interface Attachment {
  container: string;
  /** The compose file's name of it, where it was started from one. */
  service?: string | undefined;
  network: string;
  address: string;
}

export interface EngineWatchParts {
  /** Every attachment, at the start and after each event. */
  onChange: (all: readonly Attachment[]) => void;
  onError: (error: unknown) => void;
  signal: AbortSignal;
  retryMs: number;
}

interface Listed {
  Id: string;
  Names?: string[];
  Labels?: Record<string, string> | null;
  NetworkSettings?: { Networks?: Record<string, { IPAddress?: string; GlobalIPv6Address?: string }> | null };
}

/** Only GET is ever sent. Asks again after a failure, and stays until the signal. */
export async function watchEngineNetworks(
  socketPath: string,
  { onChange, onError, signal, retryMs }: EngineWatchParts,
): Promise<void> {
  const agent = new Agent({ connect: { socketPath }, bodyTimeout: 0 });
  const look = async () => onChange(await attachments(agent, signal));
  while (!signal.aborted) {
    try {
      const events = await openEvents(agent, signal);
      // The stream stands before the first look: what changes in between is not missed.
      await look();
      for await (const chunk of events) if (speaksOfNetworks(String(chunk))) await look();
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    await pause(retryMs, undefined, { signal }).catch(() => {});
  }
  await agent.destroy();
}

async function openEvents(agent: Agent, signal: AbortSignal): Promise<AsyncIterable<unknown>> {
  const filters = encodeURIComponent(JSON.stringify({ type: ['network', 'container'] }));
  const path = `/events?stream=true&filters=${filters}`;
  const { statusCode, body } = await agent.request({
    origin: 'http://engine',
    path,
    method: 'GET',
    signal,
    // An engine may not answer before its first event.
    headersTimeout: 0,
  });
  if (statusCode !== 200) throw new Error(`the engine answered ${statusCode}`);
  return body;
}

/** A word is enough: a look too many does no harm. */
function speaksOfNetworks(chunk: string): boolean {
  return /connect|start|die|"network"/.test(chunk);
}

async function attachments(agent: Agent, signal: AbortSignal): Promise<Attachment[]> {
  const { statusCode, body } = await agent.request({
    origin: 'http://engine',
    path: '/containers/json',
    method: 'GET',
    signal,
  });
  const listed = (await body.json()) as Listed[];
  if (statusCode !== 200 || !Array.isArray(listed)) throw new Error(`the engine answered ${statusCode}`);
  return listed.flatMap(({ Id, Names, Labels, NetworkSettings }) =>
    Object.entries(NetworkSettings?.Networks ?? {}).flatMap(([network, { IPAddress, GlobalIPv6Address }]) => {
      const container = (Names?.[0] ?? Id).replace(/^\//, '');
      const service = Labels?.['com.docker.compose.service'] ?? Labels?.['io.podman.compose.service'];
      return [IPAddress, GlobalIPv6Address].flatMap((address) =>
        address ? [{ container, service, network, address }] : [],
      );
    }),
  );
}

/** Containers in a zone that the profile does not put them in; one that it does not know comes from outside. */
export function judgeAttachments(all: readonly Attachment[], deployment: Deployment): Crossing[] {
  const place: Zones = { ...deployment, hostAddresses: [] };
  return all.flatMap(({ container, service, network, address }) => {
    const toZone = zoneOf(address, place);
    if (toZone === 'internet' || toZone === 'host') return [];
    const known = deployment.services.find(
      (one) => one.container === container || one.name === container || one.name === service,
    );
    if (known?.zones.includes(toZone) === true) return [];
    const fromZone: DeploymentZone | 'internet' = known?.zones[0] ?? 'internet';
    if (known === undefined && isOpen(deployment, toZone)) return [];
    return [{ kind: 'attachment', from: container, to: network, port: 0, fromZone, toZone }];
  });
}

function isOpen({ allowed }: Deployment, zone: DeploymentZone): boolean {
  return allowed.some(({ from, to, ports }) => from === 'internet' && to === zone && ports.length === 0);
}
