// What providers tell of their limits, known to all threads: each answer's word counts, whichever thread it came to.
import type { Bus } from '../../platform/shared/bus.ts';
import type { ProviderHeaders } from '../../platform/wire/provider-errors.ts';
import type { Foresight, Foresights } from '../../protect/resilience/foresight.ts';

/** Of words that come with every answer, one in so many milliseconds tells the others enough. */
const tellEveryMs = 50;
const topic = 'foresight';

export interface SharedForesightsParts {
  bus: Pick<Bus, 'publish' | 'subscribe'>;
  /** The last word on each: for a thread that begins later. */
  past: Map<string, ProviderHeaders>;
  /** Milliseconds. */
  now: () => number;
}

/** Returns what ends it, too. */
export function shareForesights(
  inner: Foresights,
  { bus, past, now }: SharedForesightsParts,
): Foresights & { close(): void } {
  const shared = new Map<string, Foresight>();
  const late = new Map<string, NodeJS.Timeout>();
  for (const [workspace, headers] of past) inner.of(workspace).learn(headers);
  const end = bus.subscribe(topic, (data, { own }) => {
    const [workspace, headers] = data as [string, ProviderHeaders];
    past.set(workspace, headers);
    if (!own) inner.of(workspace).learn(headers);
  });

  function share(workspace: string): Foresight {
    const one = inner.of(workspace);
    let toldAt = 0;
    let untold: ProviderHeaders | undefined;
    const tell = (headers: ProviderHeaders) => {
      toldAt = now();
      untold = undefined;
      clearTimeout(late.get(workspace));
      late.delete(workspace);
      bus.publish(topic, [workspace, headers]);
    };
    return {
      ...one,
      learn(headers) {
        const before = one.stage();
        one.learn(headers);
        const limits = limitHeadersOf(headers);
        if (limits === undefined) return;
        // What changes who is served, every thread knows before its next request.
        if (one.stage() !== before || now() - toldAt >= tellEveryMs) return tell(limits);
        untold = limits;
        if (late.has(workspace)) return;
        const timer = setTimeout(() => untold !== undefined && tell(untold), tellEveryMs).unref();
        late.set(workspace, timer);
      },
    };
  }

  return {
    ...inner,
    of(workspace) {
      const met = shared.get(workspace) ?? share(workspace);
      shared.set(workspace, met);
      return met;
    },
    close() {
      end();
      for (const timer of late.values()) clearTimeout(timer);
    },
  };
}

/** Undefined where nothing is told of limits, as most providers do. */
function limitHeadersOf(headers: ProviderHeaders): ProviderHeaders | undefined {
  let found: Record<string, string> | undefined;
  for (const name in headers) {
    const value = headers[name];
    if (!name.startsWith('x-ratelimit-') || typeof value !== 'string') continue;
    found ??= {};
    found[name] = value;
  }
  return found;
}
