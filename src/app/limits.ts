// The limits of a running instance: what outlives the gateway that asks them, so that a new configuration forgets no count.
import { join } from 'node:path';
import { Gauge, type Registry } from 'prom-client';
import type { Config } from '../config.ts';
import type { Log } from '../platform/base/log.ts';
import type { Journal } from '../platform/journal/journal.ts';
import type { Signals } from '../platform/signals.ts';
import { type KeptCounts, openKeptCounts } from '../protect/limits/kept-counts.ts';
import { createLimiter, type Limiter } from '../protect/limits/limiter.ts';
import { createPlaces, type Places } from '../protect/limits/places.ts';
import { createTellLimits } from '../protect/limits/tell-limits.ts';
import { createForesights, type Foresights } from '../protect/resilience/foresight.ts';
import type { AtEnd } from './options.ts';
import type { Crew } from './workers/crew.ts';
import { shareForesights } from './workers/shared-foresights.ts';

export interface InstanceLimits {
  /** Counts in the same memory as the one before. */
  limiterFor(settings: Config['limits']): Limiter;
  places: Places;
  /** What is left of the limits of providers. */
  foresights: Foresights;
  /** Lowers all limits to this share of what is configured, 0 to 1, at once and over reloads; 1 ends it. */
  tighten(factor: number): void;
  share(): number;
}

export interface ThreadLimitsParts {
  memory: SharedArrayBuffer;
  log: Log;
  journal: Journal;
  signals: Signals;
  metrics: { rateLimited(scope: string): void };
  /** Told of what is kept over a restart whenever it was counted. */
  touched: KeptCounts['touched'];
  /** With it, the same limits hold on several threads together. */
  crew?: Crew | undefined;
}

export interface InstanceLimitsParts extends Omit<ThreadLimitsParts, 'touched'> {
  /** The data directory: counts of days and months are kept there. */
  data: string;
  registry: Registry;
}

export interface OpenLimits extends InstanceLimits {
  touched: KeptCounts['touched'];
}

export async function openLimits(
  parts: InstanceLimitsParts,
  { concurrency }: Config['limits'],
  atEnd: AtEnd,
): Promise<OpenLimits> {
  const { data, memory, log } = parts;
  const kept = await openKeptCounts({ file: join(data, 'limits.jsonl'), memory, now: Date.now, log });
  atEnd(kept.close);
  const { touched } = kept;
  const limits = limitsOfThread({ ...parts, touched }, concurrency, atEnd);
  registerPlaces(parts.registry, limits.places);
  registerForesights(parts.registry, limits.foresights);
  return { ...limits, touched };
}

const shareTopic = 'limits.share';

export function limitsOfThread(
  parts: ThreadLimitsParts,
  concurrency: Config['limits']['concurrency'],
  atEnd: AtEnd,
  firstShare = 1,
): InstanceLimits {
  const now = Date.now;
  const { memory, touched, crew } = parts;
  const refused = createTellLimits({ ...parts, now });
  let share = firstShare;
  const unsubscribe = crew?.bus.subscribe(shareTopic, (factor) => {
    share = factor as number;
  });
  const places = createPlaces(concurrency, (scope) => refused({ scope }), crew?.places);
  const own = createForesights({ now, signals: parts.signals });
  const shared = crew && shareForesights(own, { bus: crew.bus, past: crew.past.limits, now });
  const foresights = shared ?? own;
  atEnd(async () => {
    unsubscribe?.();
    shared?.close();
    places.close();
  });
  return {
    places,
    foresights,
    limiterFor: (settings) => createLimiter({ now, memory, refused, touched, share: () => share }, settings),
    tighten(factor) {
      if (!(factor > 0 && factor <= 1))
        throw new RangeError(`limits are tightened to a share of 0 to 1, not ${factor}`);
      share = factor;
      crew?.bus.publish(shareTopic, factor);
    },
    share: () => share,
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
