// What a detector is: it watches one kind of real signal and tells what it saw, and that it is still watching.
import type { Log } from '../../platform/base/log.ts';

/** Something that may be an incident. Facts are names and numbers; text from outside never stands in them as it came. */
export interface Detection {
  detector: string;
  /** An incident type of the taxonomy, e.g. `container-escape`. */
  type: string;
  /** What it happened to: the name that the profile or Rempart gives it. With the type it tells one incident from another. */
  subject: string;
  /** Milliseconds since the epoch, as the signal itself tells; the clock of the detector where it does not. */
  occurredAt: number;
  detectedAt: number;
  severity: 'low' | 'medium' | 'high' | 'critical';
  facts: Readonly<Record<string, string | number | boolean>>;
}

export interface DetectorContext {
  report(detection: Omit<Detection, 'detector' | 'detectedAt'>): void;
  /** Said after each look, also when nothing was found; a detector that is silent too long is itself told of. */
  alive(): void;
  /** It cannot go on by itself: it is closed and started anew after a while. */
  failed(error: unknown): void;
  now(): number;
  log: Log;
  /** While monitoring is heightened, thresholds are tighter: 1, or below 1 to multiply them with. */
  tightness(): number;
}

export interface Detector {
  name: string;
  types: readonly string[];
  /** Silence longer than this is told of; none for what only listens. */
  deadAfterMs?: number;
  start(context: DetectorContext): { close(): Promise<void> | void };
}
