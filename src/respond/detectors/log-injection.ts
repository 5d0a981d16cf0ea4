// The detector of forged entries in the profile's log files.
import type { Detector } from './detector.ts';
import { fingerprint } from './harmless.ts';
import { createHabits, type Habits, type InjectionSign, signsIn, weights } from './injection-signs.ts';
import type { LogFollower, LogLine } from './log-follower.ts';

const lookedAt = 4_096;
const windowMs = 120_000;
const enough = 3;

interface Watched {
  habits: Habits;
  found: { at: number; signs: readonly InjectionSign[] }[];
}

export function logInjectionDetector(follower: LogFollower): Detector {
  return {
    name: 'log-injection',
    types: ['log-injection'],
    deadAfterMs: 60_000,
    start(context) {
      const files = new Map<string, Watched>();

      function take({ text, file, path, cutBytes }: LogLine): void {
        let watched = files.get(path);
        if (watched === undefined) {
          watched = { habits: createHabits(), found: [] };
          files.set(path, watched);
        }
        const line = text.slice(0, lookedAt);
        const at = context.now();
        const signs = [...signsIn(line), ...watched.habits.add(line, at)];
        if (signs.length === 0) return;
        watched.found = watched.found.filter((one) => one.at > at - windowMs);
        watched.found.push({ at, signs });
        const score = scoreOf(watched.found.flatMap((one) => one.signs));
        if (score < enough * context.tightness()) return;
        const all = [...new Set(watched.found.flatMap((one) => one.signs))].sort();
        watched.found = [];
        context.report({
          type: 'log-injection',
          subject: file,
          occurredAt: at,
          severity: all.some((sign) => weights[sign] >= enough) ? 'high' : 'medium',
          facts: { file, signs: all.join(' '), score, line: fingerprint(text), length: text.length + cutBytes },
        });
      }
      return follower.follow(context, take);
    },
  };
}

/** Lines in another format alone, as a new library writes them, never are enough. */
function scoreOf(signs: readonly InjectionSign[]): number {
  const foreign = signs.filter((sign) => sign === 'foreign-format').length;
  const others = signs.filter((sign) => sign !== 'foreign-format').reduce((sum, sign) => sum + weights[sign], 0);
  return others + Math.min(foreign, 1.5);
}
