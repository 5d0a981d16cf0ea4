// How early failures are foreseen, and how often one is foreseen that does not come: days and failures replayed against the real predictor and the real breaker, on a clock of their own.
//
//   node bench/prediction.ts [--days N] [--runs N] [--seed N]
import { parseArgs } from 'node:util';
import { createSignals, type Signal } from '../src/platform/signals.ts';
import { createPredictor, type Foreseen, spanMs } from '../src/protect/prediction/predictor.ts';
import { createProviderHealth } from '../src/protect/resilience/provider-health.ts';

const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '10' },
    runs: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
  },
});
const [days, runs, firstSeed] = [Number(values.days), Number(values.runs), Number(values.seed)];
const secondMs = 1_000;
const minuteMs = 60_000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const settings = { breakerFailures: 5, firstByteMs: 10_000, horizonMs: 600_000 };
const queueLimit = 256;

/** xorshift32: the same numbers on every machine. */
function createRandom(seed: number) {
  let state = (seed * 2_654_435_761) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 4_294_967_296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  /** How many of a Poisson process. */
  const poisson = (mean: number) => {
    let count = 0;
    for (let left = Math.exp(-mean), product = next(); product > left; product *= next()) count++;
    return count;
  };
  return { next, normal, poisson, between: (from: number, to: number) => from + (to - from) * next() };
}
type Random = ReturnType<typeof createRandom>;

/** What the world is like at a moment. */
interface World {
  requestsPerSecond: number;
  /** Median milliseconds to the first word. */
  latencyMs: number;
  /** Share of attempts that fail at once. */
  errors: number;
  queue: number;
  databaseMs: number;
  memory: number;
}

type Course = (at: number, world: World) => World;

/** An ordinary day: its hours, its bursts, and all that only looks like trouble. */
function ordinary(random: Random, lengthMs: number): Course {
  const base = random.between(500, 1_500);
  const load = random.between(0.5, 5);
  const slow = random.between(0, dayMs);
  const spells = (perDay: number, from: number, to: number, strength: () => number) =>
    Array.from({ length: random.poisson((perDay * lengthMs) / dayMs) }, () => ({
      at: random.between(0, lengthMs),
      ms: random.between(from, to),
      strength: strength(),
    }));
  const bursts = spells(6, minuteMs, 6 * minuteMs, () => random.between(2, 5));
  const slowSpells = spells(5, 2 * minuteMs, 10 * minuteMs, () => random.between(1.3, 2.2));
  const releases = spells(2, 20 * minuteMs, 2 * hourMs, () => random.between(0.7, 1.5));
  const blips = spells(10, 3 * secondMs, 20 * secondMs, () => random.between(0.2, 0.6));
  const jams = spells(4, 10 * secondMs, 90 * secondMs, () => random.between(10, 60));
  const backup = random.between(0, dayMs);
  const caches = random.between(0.35, 0.55);
  let wander = 0;
  let wanderAt = 0;
  const during = (list: { at: number; ms: number; strength: number }[], at: number, otherwise: number) =>
    list.find((one) => at >= one.at && at < one.at + one.ms)?.strength ?? otherwise;
  return (at) => {
    if (at - wanderAt >= 10 * secondMs) {
      wanderAt = at;
      wander = 0.95 * wander + 0.05 * random.normal();
    }
    const hour = 0.6 + 0.4 * Math.sin((2 * Math.PI * (at + slow)) / dayMs);
    const collected = (at % (7 * minuteMs)) / (7 * minuteMs);
    return {
      requestsPerSecond: load * hour * during(bursts, at, 1),
      latencyMs: base * (0.8 + 0.4 * hour) * Math.exp(wander) * during(slowSpells, at, 1) * during(releases, at, 1),
      errors: during(blips, at, 0.003),
      queue: during(jams, at, random.next() < 0.02 ? random.between(0, 6) : 0),
      databaseMs: (0.6 + 0.3 * random.next()) * ((at + backup) % dayMs < 12 * minuteMs ? random.between(3, 6) : 1),
      // Fills its caches for two hours and then stays; each collection gives some back.
      memory: caches + 0.18 * (1 - Math.exp(-at / hourMs)) + 0.03 * collected + 0.004 * random.normal(),
    };
  };
}

interface Fault {
  name: string;
  what: Foreseen;
  isSudden: boolean;
  overMs: number;
  /** `part` grows from 0 to 1 over its time, and further on. */
  change(world: World, part: number): World;
}

const minutes = (n: number) => n * minuteMs;
const gradual = (name: string, what: Foreseen, overs: number[], change: Fault['change']): Fault[] =>
  overs.map((over) => ({ name: `${name} over ${over} min`, what, isSudden: false, overMs: minutes(over), change }));
const faults: Fault[] = [
  ...gradual('answers ever slower', 'latency', [4, 10, 30], (w, p) => ({ ...w, latencyMs: w.latencyMs + 12_000 * p })),
  ...gradual('ever more errors', 'errors', [3, 10, 30], (w, p) => ({
    ...w,
    errors: Math.min(0.97, w.errors + 0.9 * p),
  })),
  ...gradual('a queue that fills', 'queue', [3, 10, 30], (w, p) => ({ ...w, queue: w.queue + queueLimit * p })),
  ...gradual('a database ever slower', 'database', [4, 10, 30], (w, p) => ({
    ...w,
    databaseMs: w.databaseMs + 1_000 * p,
  })),
  ...gradual('memory that leaks', 'memory', [20, 60, 180], (w, p) => ({ ...w, memory: w.memory + 0.5 * p })),
  {
    name: 'a provider that dies at once',
    what: 'errors',
    isSudden: true,
    overMs: 0,
    change: (w) => ({ ...w, errors: 1 }),
  },
  {
    name: 'a provider that falls silent at once',
    what: 'latency',
    isSudden: true,
    overMs: 0,
    change: (w) => ({ ...w, latencyMs: 1e7 }),
  },
  {
    name: 'a database that is gone at once',
    what: 'database',
    isSudden: true,
    overMs: 0,
    change: (w) => ({ ...w, databaseMs: 5_000 }),
  },
];

interface Replay {
  /** When it failed: the breaker open, the limit reached. */
  failedAt: number | undefined;
  told: Signal[];
  /** Whenever the breaker opened. */
  opened: number[];
}

/** Second by second: arrivals, answers in the order in which they come, gauges once a second as a running instance does. */
function replay(seed: number, lengthMs: number, course: Course, failsBy?: Foreseen): Replay {
  const random = createRandom(seed ^ 0x5bd1e995);
  let at = 0;
  const signals = createSignals();
  const told: Signal[] = [];
  const predictor = createPredictor({ now: () => at, signals: { emit: (signal) => void told.push(signal) } }, settings);
  const health = createProviderHealth(
    { now: () => at, signals },
    { name: 'p', keys: 1, breaker: { failures: settings.breakerFailures, halfOpenMs: 2_000 } },
  );
  const open: { at: number; outcome: 'done' | 'timeout'; ms: number; sentAt: number }[] = [];
  const opened: number[] = [];
  let wasOpen = false;
  let failedAt: number | undefined;
  for (; at < lengthMs && failedAt === undefined; at += secondMs) {
    const world = course(at, {} as World);
    for (let n = random.poisson(world.requestsPerSecond); n > 0; n--) {
      const picked = health.pick();
      if (picked.kind !== 'key') continue;
      if (random.next() < world.errors) {
        health.failed(0, { kind: 'server-error', heals: true });
        predictor.attempted('p', 'server-error');
        continue;
      }
      const ms = world.latencyMs * Math.exp(0.5 * random.normal());
      const outcome = ms > settings.firstByteMs ? 'timeout' : 'done';
      open.push({ at: at + Math.min(ms, settings.firstByteMs), outcome, ms, sentAt: at });
    }
    open.sort((a, b) => a.at - b.at);
    while (open[0] !== undefined && open[0].at <= at + secondMs) {
      const { outcome, ms, sentAt } = open.shift()!;
      predictor.attempted('p', outcome);
      if (outcome === 'done') {
        health.succeeded(0, sentAt);
        predictor.answered('p', ms);
      } else health.failed(0, { kind: 'timeout', heals: true });
    }
    predictor.sample({ queue: world.queue / queueLimit, host: world.memory / 0.94 });
    if (world.databaseMs < 5_000) predictor.queried(world.databaseMs * Math.exp(0.2 * random.normal()));
    if (at % spanMs === 0) predictor.close();
    const isOpen = health.state().keys[0]?.breaker !== 'closed';
    if (isOpen && !wasOpen) opened.push(at);
    wasOpen = isOpen;
    const isOver =
      failsBy === 'queue'
        ? world.queue >= queueLimit
        : failsBy === 'database'
          ? world.databaseMs >= 1_000
          : failsBy === 'memory'
            ? world.memory >= 0.94
            : isOpen;
    if (isOver && failsBy !== undefined) failedAt = at;
  }
  health.close();
  return { failedAt, told, opened };
}

function median(list: readonly number[]): number {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
}

const seconds = (ms: number) => (Number.isFinite(ms) ? `${Math.round(ms / 1_000)} s` : '–');

function calmDays(): void {
  const found = new Map<string, number>();
  let wrong = 0;
  let right = 0;
  let opened = 0;
  for (let day = 0; day < days; day++) {
    const seed = firstSeed * 1_000 + day;
    const seen = replay(seed, dayMs, ordinary(createRandom(seed), dayMs));
    opened += seen.opened.length;
    for (const { time, facts } of seen.told) {
      const what = String(facts['what']);
      const came = what === 'errors' && seen.opened.some((at) => at >= time && at - time <= settings.horizonMs);
      if (came) right++;
      else {
        wrong++;
        found.set(what, (found.get(what) ?? 0) + 1);
      }
    }
  }
  const each = (['latency', 'errors', 'queue', 'database', 'memory'] as const).map(
    (what) => `${what} ${((found.get(what) ?? 0) / days).toFixed(2)}`,
  );
  console.log(
    `\nCalm days: ${days}, with bursts, slow spells, releases, blips of errors, jams, a backup, caches that fill`,
  );
  console.log(`False alarms a day: ${(wrong / days).toFixed(2)} (${each.join(', ')})`);
  console.log(`The breaker opened ${opened} times in blips of errors; ${right} alarms were about one that did.`);
}

function failures(): void {
  console.log(
    '\n| Failure | Foreseen | Lead, median | Lead, least | Lead, share of its time | Said against came, median |',
  );
  console.log('|---|---|---|---|---|---|');
  for (const fault of faults) {
    const leads: number[] = [];
    const ratios: number[] = [];
    let happened = 0;
    for (let run = 0; run < runs; run++) {
      const seed = firstSeed * 10_000 + run;
      const random = createRandom(seed);
      const beginsAt = 2 * hourMs + random.between(0, hourMs);
      const lengthMs = beginsAt + Math.max(10 * minuteMs, 3 * fault.overMs);
      const calm = ordinary(random, lengthMs);
      const course: Course = (at, world) => {
        const usual = calm(at, world);
        if (at < beginsAt) return usual;
        return fault.change(usual, fault.isSudden ? 1 : (at - beginsAt) / fault.overMs);
      };
      const guarded: Course = (at, world) => ({
        ...course(at, world),
        ...(at < beginsAt ? quiet(course(at, world)) : {}),
      });
      const { failedAt, told } = replay(seed, lengthMs, guarded, fault.what);
      if (failedAt === undefined) continue;
      happened++;
      // What was told before it began was about something else.
      const first = told.find(
        ({ time, facts }) => time >= beginsAt && time < failedAt && isAbout(String(facts['what']), fault.what),
      );
      if (first === undefined) continue;
      leads.push(failedAt - first.time);
      ratios.push((Number(first.facts['leadSeconds']) * 1_000) / (failedAt - first.time));
    }
    const share = fault.isSudden ? '–' : `${Math.round((100 * median(leads)) / fault.overMs)} %`;
    console.log(
      `| ${fault.name} | ${leads.length} of ${happened} | ${seconds(median(leads))} | ${seconds(Math.min(...leads))} | ${leads.length === 0 ? '–' : share} | ${leads.length === 0 ? '–' : `${median(ratios).toFixed(1)} ×`} |`,
    );
  }
}

/** Slow answers end in attempts that fail: either tells of it. */
function isAbout(told: string, what: Foreseen): boolean {
  return told === what || (what === 'latency' && told === 'errors');
}

/** Before the failure nothing may open the breaker or reach a limit by chance. */
function quiet(world: World): Partial<World> {
  return { errors: Math.min(world.errors, 0.003), latencyMs: Math.min(world.latencyMs, 2_500) };
}

console.log(
  `Prediction of failures, replayed: seed ${firstSeed}, a breaker of ${settings.breakerFailures}, first word within ${settings.firstByteMs / 1_000} s, horizon ${settings.horizonMs / 60_000} min`,
);
failures();
calmDays();
