// Which containers are attached to which networks, asked of the engine whenever it tells that something there changed.
import { setTimeout as pause } from 'node:timers/promises';
import { type ListedContainer, openContainerEngine } from '../../../platform/containers/container-engine.ts';
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

/** Only GET is ever sent. Asks again after a failure, and stays until the signal. */
export async function watchEngineNetworks(
  socketPath: string,
  { onChange, onError, signal, retryMs }: EngineWatchParts,
): Promise<void> {
  const opened = openContainerEngine({ socketPath });
  const engine = opened.within(signal);
  const look = async () => onChange(attachmentsOf(await engine.list()));
  while (!signal.aborted) {
    try {
      const events = await engine.events({ types: ['network', 'container'] });
      // The stream stands before the first look: what changes in between is not missed.
      await look();
      for await (const { type, action } of events) if (changesNetworks(type, action)) await look();
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    await pause(retryMs, undefined, { signal }).catch(() => {});
  }
  await opened.close();
}

/** A look too many does no harm. */
function changesNetworks(type: string, action: string): boolean {
  return type === 'network' || /connect|start|die/.test(action);
}

function attachmentsOf(listed: readonly ListedContainer[]): Attachment[] {
  return listed.flatMap(({ name: container, service, networks }) =>
    networks.flatMap(({ name: network, addresses }) =>
      addresses.map((address) => ({ container, service, network, address })),
    ),
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
