// What is signalled while an instance starts, kept for the detectors that begin to listen only once it runs.
import type { Signal, Signals } from '../platform/signals.ts';

const most = 1_000;

/** The first who subscribes to what is returned hears first what was signalled before. */
export function keepEarly(signals: Signals): Signals {
  const early: Signal[] = [];
  const end = signals.subscribe((signal) => {
    if (early.push(signal) >= most) end();
  });
  return {
    emit: signals.emit,
    subscribe(listener) {
      end();
      const ends = signals.subscribe(listener);
      for (const signal of early.splice(0)) listener(signal);
      return ends;
    },
  };
}
