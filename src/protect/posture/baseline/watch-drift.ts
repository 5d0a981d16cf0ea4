// The drift of a running instance: its configuration file and its trusted models against the signed baseline, at once when a file changes and now and then.
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
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
  const files = onChange([configFile], look);
  return {
    close() {
      clearInterval(timer);
      files.close();
    },
  };
}

/** Several changes that follow one another are one. */
const settleMs = 200;

/** The folder is watched, since an editor puts a new file in the place of the old. Where that cannot be, the timer looks. */
function onChange(paths: readonly string[], look: () => void): { close(): void } {
  let settling: NodeJS.Timeout | undefined;
  const watchers: FSWatcher[] = [];
  for (const path of paths)
    try {
      const watcher = watch(dirname(path), { persistent: false }, (_, name) => {
        if (name !== null && name !== basename(path)) return;
        clearTimeout(settling);
        settling = setTimeout(look, settleMs).unref();
      });
      watcher.on('error', () => watcher.close());
      watchers.push(watcher);
    } catch {
      // No folder, or no watches left.
    }
  return {
    close() {
      clearTimeout(settling);
      for (const watcher of watchers) watcher.close();
    },
  };
}
