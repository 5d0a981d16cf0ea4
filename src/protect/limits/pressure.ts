// How many calls may be worked on at once just now: all that are configured, fewer while the event loop is late or answers take much longer than they did.
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface PressureSettings {
  total: number;
  lagMs: number;
  slower: number;
}

export interface Pressure {
  /** Never over `total`, never under the floor. */
  allowed(): number;
  /** An answer of this kind began after so many milliseconds; only those of one kind are compared. */
  answered(kind: string, ms: number): void;
  /** Four times a second: how late the event loop is, and how many are at work. */
  look(lagMs: number, running: number): void;
  replace(settings: PressureSettings): void;
}

/** So many are always let in: who lets in nobody never learns that it is over. */
const floor = 8;
/** Slow answers alone, which may be long ones, leave this share of the places. */
const slowFloor = 0.1;
const shrink = 0.7;
const growth = 0.05;
/** Answers of a kind before any is judged by the others. */
const warm = 50;
const maxKinds = 200;
/** What is quicker than this is not slow, however much quicker it was before. */
const quickMs = 200;

export function createPressure(first: PressureSettings): Pressure {
  let settings = first;
  let allowed = first.total;
  /** Of each kind the mean of some five hundred answers. */
  const usual = new Map<string, { count: number; ms: number }>();
  /** How many times as long as usual some ten answers took. */
  let times = 1;

  function judge(ms: number, kind: { count: number; ms: number }): void {
    if (kind.count < warm) return;
    const now = ms <= quickMs ? Math.min(1, ms / kind.ms) : ms / Math.max(1, kind.ms);
    times += (now - times) / 10;
  }

  return {
    allowed: () => allowed,
    answered(name, ms) {
      let kind = usual.get(name);
      if (kind === undefined) {
        if (usual.size >= maxKinds) usual.clear();
        kind = { count: 0, ms };
        usual.set(name, kind);
      }
      judge(ms, kind);
      kind.count++;
      kind.ms += (ms - kind.ms) / Math.min(kind.count, 500);
    },
    look(lagMs, running) {
      const { total } = settings;
      const isLate = lagMs > settings.lagMs;
      const isSlow = times > settings.slower;
      const least = Math.min(total, isLate ? floor : Math.max(floor, Math.ceil(total * slowFloor)));
      // From what is at work, not from what would be allowed: a limit that nobody meets would take long to be one.
      if (isLate || isSlow)
        allowed = Math.min(allowed, Math.max(least, Math.floor(Math.min(allowed, Math.max(running, least)) * shrink)));
      else allowed = Math.min(total, allowed + Math.max(1, Math.ceil(total * growth)));
    },
    replace(next) {
      settings = next;
      allowed = Math.min(allowed, next.total);
    },
  };
}

const lookMs = 250;
const resolutionMs = 20;

/** Looks at this thread's event loop until it is closed. */
export function watchPressure(pressure: Pressure, running: () => number): () => void {
  const loop = monitorEventLoopDelay({ resolution: resolutionMs });
  loop.enable();
  const timer = setInterval(() => {
    const lag = Number.isNaN(loop.mean) ? 0 : Math.max(0, loop.mean / 1e6 - resolutionMs);
    loop.reset();
    pressure.look(lag, running());
  }, lookMs).unref();
  return () => {
    clearInterval(timer);
    loop.disable();
  };
}
