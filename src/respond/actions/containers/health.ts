// Whether a service is well: what its container's engine says, and what it answers on the profile's health address.
import { setTimeout as wait } from 'node:timers/promises';
import { RempartError } from '../../../platform/base/errors.ts';
import type { ContainerEngine } from '../../../platform/containers/container-engine.ts';
import type { DeploymentService } from '../../../platform/documents/deployment.ts';

export interface HealthParts {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** For one question. */
  timeoutMs?: number;
}

/** A 2xx, from that address itself. */
export async function answersWell(url: string, { fetch, timeoutMs = 5_000 }: HealthParts, signal: AbortSignal) {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Running, not unhealthy in the engine's eyes, and answering where the profile says that it answers. */
export async function isWell(
  { container, service }: { container: string | undefined; service: DeploymentService | undefined },
  engine: ContainerEngine | undefined,
  parts: HealthParts,
  signal: AbortSignal,
): Promise<boolean> {
  if (container !== undefined && engine !== undefined) {
    const { State } = await engine.inspect(container).catch((error: unknown) => {
      if (error instanceof RempartError && error.code === 'ERR_ENGINE_CONTAINER') return { State: undefined };
      throw error;
    });
    if (State?.Running !== true || State.Paused === true) return false;
    if (['unhealthy', 'starting'].includes(State.Health?.Status ?? '')) return false;
  }
  return service?.health === undefined || answersWell(service.health.url, parts, signal);
}

/** Asked again until it is true or the time is over. */
export async function within(
  ms: number,
  question: () => Promise<boolean>,
  signal: AbortSignal,
  everyMs = 500,
): Promise<boolean> {
  const end = performance.now() + ms;
  for (;;) {
    if (await question()) return true;
    const left = end - performance.now();
    if (left <= 0) return false;
    await wait(Math.min(everyMs, left), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time as the profile writes it: 500ms, 30s, 5m. */
export function durationMs(text: string): number {
  const [, count = '0', unit = 'ms'] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  return Number(count) * (units[unit] ?? 1);
}
