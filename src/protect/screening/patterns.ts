// Patterns over sets of words with bounded gaps, matched by an automaton in one pass: each word costs the steps that wait for it, whatever came before.
import { z } from 'zod';

export const ruleSchema = z.strictObject({
  id: z.string().regex(/^[a-z]+(?:-[a-z]+)*$/),
  category: z.enum(['injection', 'jailbreak', 'code-execution', 'innocent']),
  /** Sequences, one a line: names of sets, between two of them how many other words may stand at most (none when nothing is said); ^ binds to the beginning. */
  says: z.string(),
  finds: z.array(z.string()).min(1),
  passes: z.array(z.string()).default([]),
});
export type Rule = z.infer<typeof ruleSchema>;

/** Steps of all sequences, one after the other. */
export interface Patterns {
  rules: readonly Rule[];
  /** Steps that wait for a set, by the set's number. */
  waiting: readonly Int32Array[];
  /** Words that may stand before a step, at most; -1 where the sequence must begin with the segment. */
  gaps: Int32Array;
  first: Uint8Array;
  /** The rule's number + 1 where a sequence ends, else 0. */
  ends: Int32Array;
}

const maxGap = 20;

/** Throws when a pattern names a set that there is not. */
export function readPatterns(rules: readonly Rule[], sets: readonly string[]): Patterns {
  const waiting: number[][] = sets.map(() => []);
  const gaps: number[] = [];
  const first: number[] = [];
  const ends: number[] = [];
  for (const [number, { id, says }] of rules.entries())
    for (const line of says.split('\n').filter((one) => one.trim() !== '')) {
      const words = line.trim().split(/\s+/);
      let gap = 0;
      let begins = true;
      for (const word of words) {
        if (word === '^') gap = -1;
        else if (/^\d+$/.test(word)) gap = Math.min(maxGap, Number(word));
        else {
          for (const name of word.split('|')) {
            const set = sets.indexOf(name);
            if (set === -1) throw new RangeError(`Pattern ${id}: no set of words is named ${name}`);
            waiting[set]!.push(gaps.length);
          }
          gaps.push(gap);
          first.push(begins ? 1 : 0);
          ends.push(0);
          begins = false;
          gap = 0;
        }
      }
      ends[ends.length - 1] = number + 1;
    }
  return {
    rules,
    waiting: waiting.map((steps) => Int32Array.from(steps)),
    gaps: Int32Array.from(gaps),
    first: Uint8Array.from(first),
    ends: Int32Array.from(ends),
  };
}

export interface Matcher {
  /** A new text: nothing is under way. */
  begin(): void;
  /** A new segment: sequences do not reach over. */
  open(): void;
  /** The next word with the sets it belongs to. */
  word(sets: Int32Array, at: number): void;
  /** Numbers of the rules met in the segment, each once, in the order of their ends. */
  met: Int32Array;
  /** How many of them. */
  count(): number;
}

export function createMatcher({ rules, waiting, gaps, first, ends }: Patterns, setInts: number): Matcher {
  // Where each step was reached last, and the time before: a word that is two steps at once must not follow itself.
  const last = new Int32Array(gaps.length);
  const before = new Int32Array(gaps.length);
  const seen = new Int32Array(rules.length);
  const met = new Int32Array(rules.length);
  let count = 0;
  let now = 0;
  let opened = 0;
  const reach = (set: number): void => {
    const steps = waiting[set];
    if (steps === undefined) return;
    for (let at = 0; at < steps.length; at++) {
      const step = steps[at]!;
      const gap = gaps[step]!;
      if (first[step] === 1) {
        if (gap === -1 && now !== opened + 1) continue;
      } else {
        const reached = last[step - 1] === now ? before[step - 1]! : last[step - 1]!;
        if (now - reached - 1 > gap) continue;
      }
      if (last[step] !== now) {
        before[step] = last[step]!;
        last[step] = now;
      }
      const rule = ends[step]!;
      if (rule !== 0 && seen[rule - 1] !== opened) {
        seen[rule - 1] = opened;
        met[count++] = rule - 1;
      }
    }
  };
  return {
    met,
    count: () => count,
    begin() {
      last.fill(-100);
      before.fill(-100);
      seen.fill(-100);
      now = 0;
    },
    open() {
      count = 0;
      now += maxGap + 2;
      opened = now;
    },
    word(sets, at) {
      now++;
      for (let int = 0; int < setInts; int++)
        for (let left = sets[at + int]!; left !== 0; left &= left - 1) reach(int * 32 + 31 - Math.clz32(left & -left));
    },
  };
}
