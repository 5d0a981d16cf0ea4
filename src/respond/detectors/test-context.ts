// A context for tests: what a detector says is kept, its clock is given.
import { createLog } from '../../platform/base/log.ts';
import type { Detection, DetectorContext } from './detector.ts';

export interface TestContext extends DetectorContext {
  told: Omit<Detection, 'detector' | 'detectedAt'>[];
  lives: number;
  failures: unknown[];
}

export function testContext(now: () => number = Date.now, tightness = 1): TestContext {
  const context: TestContext = {
    told: [],
    lives: 0,
    failures: [],
    report: (detection) => context.told.push(detection),
    alive: () => {
      context.lives++;
    },
    failed: (error) => context.failures.push(error),
    now,
    log: createLog('silent'),
    tightness: () => tightness,
  };
  return context;
}

/** Waits until something holds; says what it waited for when it never does. */
export async function until(holds: () => boolean, what: string, withinMs = 120_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
