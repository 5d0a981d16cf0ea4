// The detector that reads the profile's log files: their levels and what the rules look for.
import type { Detector } from './detector.ts';
import { fingerprint, harmless } from './harmless.ts';
import type { LogFollower, LogLine } from './log-follower.ts';
import { type LogRule, levelOf, wordAfter } from './log-rules.ts';
import { createRecent, type Recent } from './recent.ts';
import { createUsual, type Usual } from './usual.ts';

/** Longer lines are looked at so far: what a program says of itself stands at the begin. */
const lookedAt = 1_024;
/** And so far while lines cost more than so many milliseconds of a second, as only lines made for it do. */
const lookedAtInHaste = 160;
const msOfSecond = 150;
const deadAfterMs = 60_000;
/** While nothing is known of what is usual for a file, so many times the rule's number. */
const cold = 5;

export function logFilesDetector(follower: LogFollower, rules: readonly LogRule[]): Detector {
  return {
    name: 'log-files',
    types: [...new Set(rules.map(({ type }) => type))],
    deadAfterMs,
    start(context) {
      const counts = new Map<LogRule, { recent: Recent; usual: Usual }>();

      function isEnough(rule: LogRule, name: string, at: number): { count: number } | undefined {
        const { often } = rule;
        if (often === undefined) return { count: 1 };
        let kept = counts.get(rule);
        if (kept === undefined) {
          kept = { recent: createRecent(often.withinSeconds * 1_000), usual: createUsual(often.withinSeconds * 1_000) };
          counts.set(rule, kept);
        }
        const count = kept.recent.add(name, at);
        const usual =
          often.above === undefined
            ? 0
            : (kept.usual.add(name, at) ?? (often.count * cold) / often.above) * often.above;
        if (count < Math.max(1, Math.ceil(Math.max(often.count, usual) * context.tightness()))) return undefined;
        kept.recent.forget(name);
        return { count };
      }

      const haste = createHaste(() => context.log.warn('lines of logs cost too much, and are looked at in part'));

      function take(given: LogLine): void {
        const begun = performance.now();
        judge(given, haste.isOn(begun) ? lookedAtInHaste : lookedAt);
        haste.spent(performance.now() - begun);
      }

      function judge({ text, file, cutBytes }: LogLine, most: number): void {
        const line = text.length > most ? text.slice(0, most) : text;
        const level = levelOf(line);
        const at = context.now();
        for (const rule of rules) {
          if (!rule.matches(line, level)) continue;
          const word = rule.subjectAfter === undefined ? undefined : wordAfter(line, rule.subjectAfter);
          const enough = isEnough(rule, word ?? file, at);
          if (enough === undefined) continue;
          context.report({
            type: rule.type,
            subject: harmless(word ?? file),
            occurredAt: at,
            severity: rule.severity,
            facts: {
              rule: rule.id,
              file,
              count: enough.count,
              ...(level === undefined ? {} : { level }),
              line: fingerprint(text),
              length: text.length + cutBytes,
            },
          });
        }
      }
      return follower.follow(context, take);
    },
  };
}

/** On for the rest of a second in which too much was spent. */
function createHaste(tell: () => void) {
  let since = 0;
  let ms = 0;
  return {
    isOn(at: number): boolean {
      if (at - since > 1_000) {
        since = at;
        ms = 0;
      }
      return ms > msOfSecond;
    },
    spent(more: number): void {
      if (ms <= msOfSecond && ms + more > msOfSecond) tell();
      ms += more;
    },
  };
}
