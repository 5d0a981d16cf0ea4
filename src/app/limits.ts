// The limits of a running instance: what outlives the gateway that asks them, so that a new configuration forgets no count.
import { join } from 'node:path';
import { Gauge, type Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Log } from '../platform/base/log.ts';
import type { Journal } from '../platform/journal/journal.ts';
import type { Signals } from '../platform/signals.ts';
import { openKeptCounts } from '../protect/limits/kept-counts.ts';
import { createLimiter, type Limiter } from '../protect/limits/limiter.ts';
import { createPlaces, type Places } from '../protect/limits/places.ts';
import { createTellLimits } from '../protect/limits/tell-limits.ts';
import { createForesights, type Foresights } from '../protect/resilience/foresight.ts';
import type { AtEnd } from './options.ts';

export interface InstanceLimits {
  /** Counts in the same memory as the one before. */
  limiterFor(settings: Config['limits']): Limiter;
  places: Places;
  /** What is left of the limits of providers. */
  foresights: Foresights;
  /** Lowers all limits to this share of what is configured, 0 to 1, at once and over reloads; 1 ends it. */
  tighten(factor: number): void;
}

export interface InstanceLimitsParts {
  /** The data directory: counts of days and months are kept there. */
  data: string;
  memory: SharedArrayBuffer;
  log: Log;
  journal: Journal;
  signals: Signals;
  metrics: { rateLimited(scope: string): void };
  registry: Registry;
}

export async function openLimits(
  parts: InstanceLimitsParts,
  { concurrency }: Config['limits'],
  atEnd: AtEnd,
): Promise<InstanceLimits> {
  const now = Date.now;
  const { data, memory, log } = parts;
  const kept = await openKeptCounts({ file: join(data, 'limits.jsonl'), memory, now, log });
  atEnd(kept.close);
  const refused = createTellLimits({ ...parts, now });
  let share = 1;
  const places = createPlaces(concurrency, (scope) => refused({ scope }));
  atEnd(async () => places.close());
  registerPlaces(parts.registry, places);
  const foresights = createForesights({ now, signals: parts.signals });
  registerForesights(parts.registry, foresights);
  return {
    places,
    foresights,
    limiterFor: (settings) =>
      createLimiter({ now, memory, refused, touched: kept.touched, share: () => share }, settings),
    tighten(factor) {
      if (!(factor > 0 && factor <= 1))
        throw new RangeError(`limits are tightened to a share of 0 to 1, not ${factor}`);
      share = factor;
    },
  };
}

function registerPlaces(registry: Registry, places: Places): void {
  new Gauge({
    name: 'rempart_gateway_places',
    help: 'Calls worked on now, calls waiting for a place, and how many may be worked on at once just now',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(places.state())) this.set({ state }, count);
    },
  });
}

function registerForesights(registry: Registry, foresights: Foresights): void {
  new Gauge({
    name: 'rempart_provider_quota_used_ratio',
    help: 'Share of the limit used most that a provider tells of, 0 to 1',
    labelNames: ['workspace'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [workspace, foresight] of foresights.all()) {
        const state = foresight.state();
        if (state !== undefined) this.set({ workspace }, state.used);
      }
    },
  });
}
