// A clock that goes as fast as it is told to: for tests and for the simulated day.
import type { Timers } from './timers.ts';

export interface SimulatedTimers extends Timers {
  now(): number;
  /** Does, in order, what falls due meanwhile. */
  advance(ms: number): void;
  /** The same, and lets what was begun come to its end before the next. */
  pass(ms: number): Promise<void>;
}

interface Due {
  at: number;
  every: number | undefined;
  act: () => void;
}

export function simulatedTimers(start: number): SimulatedTimers {
  const due = new Set<Due>();
  let time = start;

  function add(ms: number, act: () => void, every: number | undefined): () => void {
    const one = { at: time + ms, every, act };
    due.add(one);
    return () => due.delete(one);
  }

  /** Undefined when nothing falls due until then. */
  function next(until: number): Due | undefined {
    let first: Due | undefined;
    for (const one of due) if (one.at <= until && (first === undefined || one.at < first.at)) first = one;
    return first;
  }

  function perform(one: Due): void {
    time = Math.max(time, one.at);
    if (one.every === undefined) due.delete(one);
    else one.at += one.every;
    one.act();
  }

  return {
    now: () => time,
    every: (ms, act) => add(ms, act, ms),
    after: (ms, act) => add(ms, act, undefined),
    advance(ms) {
      const until = time + ms;
      for (let one = next(until); one !== undefined; one = next(until)) perform(one);
      time = until;
    },
    async pass(ms) {
      const until = time + ms;
      await new Promise((resolve) => setImmediate(resolve));
      for (let one = next(until); one !== undefined; one = next(until)) {
        perform(one);
        await new Promise((resolve) => setImmediate(resolve));
      }
      time = until;
    },
  };
}
