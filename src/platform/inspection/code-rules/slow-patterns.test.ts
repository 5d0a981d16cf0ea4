// No pattern of any rule may be slowed down by a prepared text: how it grows is measured on texts made to hurt it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuOf } from '../../base/test-time.ts';
import { attacksOn } from './regex-attacks.ts';
import { loadRules } from './rule-set.ts';

/** A text twice as long may take three times as long, no more. */
const steepest = 1.6;
const longest = 6000;
/** Faster than this nothing is measured but the clock. */
const quickMs = 2.5;
/** For so short a text more is too much, however it grows. On a busy machine 58 ms were seen for what stays under 40 on an idle one. */
const slowMs = 80;
const seeds = [
  'a',
  ' ',
  '\n',
  'a ',
  '(',
  '"',
  '=',
  'a.',
  'a(',
  'a=',
  '<a ',
  '${',
  'a, ',
  'x = a\n',
  'x=x[x]',
  'password',
];

test('no pattern of a rule or a flow grows much faster than its text', (t) => {
  const { patterns } = loadRules();
  const slow = new Map<string, string>();
  let tried = 0;
  for (const { rule, pattern, reach } of patterns) {
    const once = new RegExp(pattern.source, pattern.flags.replace('g', ''));
    const attacks = [...attacksOn(pattern), ...seeds.map((pump) => ({ lead: '', pump }))];
    for (const { lead, pump } of attacks) {
      const ways = [
        (length: number) => `${lead}${fill(pump, length)}\u0000`,
        (length: number) => fill(`${lead}${pump}`, length),
      ];
      for (const make of lead === '' ? ways.slice(0, 1) : ways) {
        tried++;
        const length = Math.min(longest, reach);
        // A busy machine is slow now and then; a slow pattern is slow each time.
        let exponent = growth(once, make, length);
        for (let again = 0; again < 20 && exponent > steepest; again++)
          exponent = Math.min(exponent, growth(once, make, length));
        let ms = exponent > 0 ? timeOf(once, make(length)) : 0;
        for (let again = 0; again < 20 && ms > slowMs; again++) ms = Math.min(ms, timeOf(once, make(length)));
        if (exponent > steepest || ms > slowMs) {
          const attack = `${JSON.stringify(lead)} ${JSON.stringify(pump)}`;
          slow.set(
            pattern.source,
            `${rule}: ${exponent.toFixed(2)}, ${ms.toFixed()} ms on ${attack} /${pattern.source}/`,
          );
        }
      }
      if (slow.has(pattern.source)) break;
    }
  }
  t.diagnostic(`${patterns.length} patterns, ${tried} texts`);
  assert.deepEqual([...slow.values()], []);
});

test('attacksOn() makes a text that slows a slow pattern', () => {
  for (const bad of [/a*b/, /^(?:a|a)*b/, /<a[^>]*>x/, /\s+$/, /\w+\s*=\s*\w+\s*;/]) {
    const worst = attacksOn(bad).flatMap(({ lead, pump }) => [
      growth(bad, (length) => `${lead}${fill(pump, length)}\u0000`, 4 * longest),
      growth(bad, (length) => `${fill(lead + pump, length)}\u0000`, 4 * longest),
    ]);
    assert.ok(Math.max(...worst) > steepest, String(bad));
  }
});

function fill(pump: string, length: number): string {
  return pump.repeat(Math.ceil(length / pump.length));
}

/** The exponent with which the time grows over the last two steps; 0 for what is quick to the end. */
function growth(pattern: RegExp, make: (length: number) => string, most: number): number {
  for (let length = 16; ; length = Math.min(most, Math.ceil(length * (length < 60 ? 1.25 : 2)))) {
    const ms = timeOf(pattern, make(length));
    if (ms < quickMs && length < most) continue;
    if (ms < quickMs) return 0;
    const whole = Math.min(ms, ...(ms > 50 ? [] : [1, 2, 3].map(() => timeOf(pattern, make(length)))));
    if (whole < quickMs) {
      if (length === most) return 0;
      continue;
    }
    const part = Math.ceil(length / 3);
    const less = Math.min(...[1, 2, 3].map(() => timeOf(pattern, make(part))));
    return Math.log(whole / Math.max(less, 0.005)) / Math.log(length / part);
  }
}

function timeOf(pattern: RegExp, text: string): number {
  return cpuOf(() => pattern.test(text));
}
