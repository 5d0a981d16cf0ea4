// Detections that the store cannot take yet: each on disk before it is said to be kept, repeats counted in one.
import { readFileSync } from 'node:fs';
import { writeWhole } from '../../platform/base/write-whole.ts';
import type { Detection } from '../detectors/detector.ts';
import { harmlessDetection } from './harmless.ts';

export interface WaitingDetections {
  /** Returns once it is on disk. */
  keep(detection: Detection): void;
  count(): number;
  /** Hands them on, oldest first, each forgotten once it was taken; stops at the first that is not. */
  handOn(take: (detection: Detection) => Promise<unknown>): Promise<void>;
}

interface Waiting {
  detection: Detection;
  repeats: number;
}

/** Beyond these, detections of one type are kept as one. */
const mostApart = 500;

export function openWaitingDetections(file: string, now: () => number): WaitingDetections {
  const waiting = new Map<string, Waiting>(read(file, now).map((one) => [keyOf(one.detection), one]));
  const write = () => writeWhole(file, [JSON.stringify([...waiting.values()])]);

  return {
    count: () => waiting.size,
    keep(given) {
      let detection = harmlessDetection(given, now());
      if (waiting.size >= mostApart && !waiting.has(keyOf(detection))) detection = { ...detection, subject: 'several' };
      const key = keyOf(detection);
      const before = waiting.get(key);
      waiting.set(key, before === undefined ? { detection, repeats: 0 } : { ...before, repeats: before.repeats + 1 });
      try {
        write();
      } catch (error) {
        if (before === undefined) waiting.delete(key);
        else waiting.set(key, before);
        throw error;
      }
    },
    async handOn(take) {
      for (const [key, { detection, repeats }] of [...waiting]) {
        await take(repeats === 0 ? detection : { ...detection, facts: { ...detection.facts, repeats } });
        const after = waiting.get(key);
        // What came again while it was handed on is handed on by itself.
        if (after !== undefined && after.repeats > repeats)
          waiting.set(key, { ...after, repeats: after.repeats - repeats - 1 });
        else waiting.delete(key);
        write();
      }
    },
  };
}

function keyOf({ type, subject, detector }: Detection): string {
  return [type, subject, detector].join('\n');
}

function read(file: string, now: () => number): Waiting[] {
  try {
    const entries = JSON.parse(readFileSync(file, 'utf8')) as Waiting[];
    return entries.map(({ detection, repeats }) => ({
      detection: harmlessDetection(detection, now()),
      repeats: Number(repeats) || 0,
    }));
  } catch {
    // Not there, or nothing that was ever acknowledged: it is written whole or not at all.
    return [];
  }
}
