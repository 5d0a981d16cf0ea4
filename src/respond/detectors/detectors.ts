// All detectors of an instance, as its configuration and its deployment profile ask for them.
import type { Signals } from '../../platform/signals.ts';
import type { Detector } from './detector.ts';
import type { DetectorsSettings } from './detectors-config.ts';
import { signalsDetector } from './signals.ts';
import { realTimers, type Timers } from './timers.ts';

export interface DetectorsParts {
  settings: DetectorsSettings;
  signals: Pick<Signals, 'subscribe'>;
  timers?: Timers;
}

export function createDetectors(parts: DetectorsParts): Detector[] {
  const { settings, signals, timers = realTimers } = parts;
  return [...(settings.signals.on ? [signalsDetector({ signals, timers }, settings.signals.often)] : [])];
}
