// The drift of a running instance: its configuration file and its trusted models against the signed baseline, now and then.
import type { Log } from '../../../platform/base/log.ts';
import type { Signals } from '../../../platform/signals.ts';
import { compareBaseline, driftSignal, readBaseline } from './baseline.ts';

export interface DriftWatchParts {
  data: string;
  configFile: string;
  signals: Signals;
  log: Log;
  now: () => number;
  everyMs: number;
}

/** Looks at once, then at times; the same drift is told once. Without a baseline there is nothing to depart from. */
export function watchDrift({ data, configFile, signals, log, now, everyMs }: DriftWatchParts): { close(): void } {
  let told = '';
  const look = () => {
    try {
      const drift = compareBaseline(readBaseline(data), { data, configFile }, now());
      const signal = driftSignal(drift, now());
      const state = JSON.stringify([drift.baseline.state, drift.changes]);
      if (signal !== undefined && state !== told) signals.emit(signal);
      told = state;
    } catch (err) {
      log.error({ err }, 'the baseline could not be compared');
    }
  };
  look();
  const timer = setInterval(look, everyMs).unref();
  return { close: () => clearInterval(timer) };
}
