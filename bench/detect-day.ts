// How often the detectors are wrong on ordinary days, and how many of a day's real troubles they see: simulated days from seeds.
//
//   node bench/detect-day.ts [DAYS] [SEED] [TRAFFIC]
//
// TRAFFIC multiplies the requests of a day, 12 a minute at its busiest.

import type { Detection } from '../src/respond/detectors/detector.ts';
import { type Attack, attacks } from './detect-day-attacks.ts';
import { busyness, type Chance, chance } from './detect-day-random.ts';
import { type DayRig, openDay } from './detect-day-rig.ts';
import { ordinaryMinute } from './detect-day-traffic.ts';

const days = Number(process.argv[2] ?? 3);
const firstSeed = Number(process.argv[3] ?? 1);
const traffic = Number(process.argv[4] ?? 1);
const minutes = 1_440;
const begin = Date.UTC(2026, 2, 14);

interface Fed {
  signals: number;
  lines: number;
  audit: number;
  records: number;
  containers: number;
}

/** Hands a minute to the detectors, each thing at its time. */
async function feed(rig: DayRig, random: Chance, minute: number, fed: Fed): Promise<void> {
  const at = rig.timers.now();
  const its = ordinaryMinute(random, at, minute, busyness(Math.floor(minute / 60)) * traffic);
  const due: { at: number; act: () => void }[] = [
    ...its.signals.map((one) => ({ at: one.time, act: () => rig.signals.emit(one) })),
    ...its.lines.map((one) => ({ at: one.at, act: () => rig.line(one.file, one.text) })),
    ...its.audit.map((text, index) => ({ at: at + index * 10, act: () => rig.audit(text) })),
    ...its.records.map(({ event, time }) => ({ at: time, act: () => rig.record(event, time) })),
    ...its.containers.map((one, index) => ({ at: at + index * 500, act: () => rig.container(one) })),
    ...Array.from({ length: its.requests }, () => ({
      at: at + random.below(60_000),
      act: () => answered(rig, random),
    })),
    ...Array.from({ length: its.errors }, () => ({
      at: at + random.below(60_000),
      act: () => void rig.counted.errors++,
    })),
  ].sort((one, other) => one.at - other.at);
  rig.counted.refused += its.refused;
  // While a service is made anew, one of its scrapes finds nobody.
  rig.counted.metricsAnswer = minute !== 630 && minute !== 910;
  rig.writeState();
  for (const one of due) {
    if (one.at > rig.timers.now()) await rig.timers.pass(one.at - rig.timers.now());
    one.act();
  }
  const left = at + 60_000 - rig.timers.now();
  if (left > 0) await rig.timers.pass(left);
  await rig.filesRead();
  fed.signals += its.signals.length;
  fed.lines += its.lines.length;
  fed.audit += its.audit.length;
  fed.records += its.records.length;
  fed.containers += its.containers.length;
}

function answered({ counted }: DayRig, random: Chance): void {
  counted.requests++;
  // Most answers are short, some are long.
  counted.latencyMs = 600 + random.next() ** 3 * 5_000;
}

async function ordinaryDay(seed: number): Promise<{ fed: Fed; rig: DayRig }> {
  const rig = openDay(begin);
  const fed: Fed = { signals: 0, lines: 0, audit: 0, records: 0, containers: 0 };
  const random = chance(seed);
  for (let minute = 0; minute < minutes; minute++) await feed(rig, random, minute, fed);
  await rig.close();
  return { fed, rig };
}

/** A day on which each attack comes once, at a time of its own in working hours. */
async function troubledDay(
  seed: number,
): Promise<{ seen: { attack: Attack; afterMs: number | null }[]; others: number }> {
  const rig = openDay(begin);
  const random = chance(seed + 1_000);
  const fed: Fed = { signals: 0, lines: 0, audit: 0, records: 0, containers: 0 };
  const waiting = [...attacks];
  const seen: { attack: Attack; afterMs: number | null }[] = [];
  const theirs = new Set<unknown>();
  for (let minute = 0; minute < minutes; minute++) {
    await feed(rig, random, minute, fed);
    if (minute < 300 || minute % 40 !== 0 || waiting.length === 0) continue;
    const [attack] = waiting.splice(random.below(waiting.length), 1) as [Attack];
    const since = rig.timers.now();
    const from = rig.taken.length;
    await attack.begin(rig);
    for (let second = 0; second < 180; second++) {
      await rig.timers.pass(1_000);
      // Files are read in real time.
      await new Promise((resolve) => setTimeout(resolve, attack.type === 'state-corruption' ? 20 : 1));
      if (rig.taken.slice(from).some(({ type }) => type === attack.type)) break;
    }
    const found = rig.taken.slice(from).find(({ type }) => type === attack.type);
    seen.push({ attack, afterMs: found === undefined ? null : found.detectedAt - since });
    for (const one of rig.taken)
      if (one.type === attack.type && one.detectedAt >= since) theirs.add(`${one.type} ${one.subject}`);
    rig.writeState();
    delete rig.containers['evil'];
  }
  await rig.close();
  const others = rig.taken.filter(({ type, subject }) => !theirs.has(`${type} ${subject}`));
  for (const one of others) console.log(`false, seed ${seed}: ${shown(one)}`);
  return { seen, others: others.length };
}

function shown({ detector, type, subject, facts, detectedAt }: Detection): string {
  return `${new Date(detectedAt).toISOString().slice(11, 19)} ${detector}: ${type} ${subject} ${JSON.stringify(facts)}`;
}

let events = 0;
let wrong = 0;
let wrongHours = 0;
for (let day = 0; day < days; day++) {
  const cpu = process.cpuUsage();
  const { fed, rig } = await ordinaryDay(firstSeed + day);
  const sum = Object.values(fed).reduce((total, count) => total + count, 0);
  events += sum;
  wrong += rig.taken.length;
  wrongHours += new Set(rig.taken.map(({ detectedAt }) => Math.floor((detectedAt - begin) / 3_600_000))).size;
  const { user } = process.cpuUsage(cpu);
  console.log(
    `ordinary day, seed ${firstSeed + day}: ${JSON.stringify(fed)}, ${rig.taken.length} false, ${(user / 1e6).toFixed(1)} s of CPU`,
  );
  for (const one of rig.taken) console.log(`  ${shown(one)}`);
}
let right = 0;
let missed = 0;
let beside = 0;
const slowest: Record<string, number> = {};
for (let day = 0; day < days; day++) {
  const { seen, others } = await troubledDay(firstSeed + day);
  beside += others;
  for (const { attack, afterMs } of seen) {
    if (afterMs === null) {
      missed++;
      console.log(`missed, seed ${firstSeed + day}: ${attack.name} (${attack.type})`);
    } else {
      right++;
      slowest[attack.name] = Math.max(slowest[attack.name] ?? 0, afterMs);
    }
  }
}
console.log('\nordinary days   events   false   per 100 events   hours with one');
console.log(
  `${String(days).padStart(13)} ${String(events).padStart(8)} ${String(wrong).padStart(7)} ${((wrong / events) * 100).toFixed(4).padStart(16)} ${`${wrongHours} of ${days * 24}`.padStart(16)}`,
);
console.log(
  `\ntroubled days: ${right} of ${right + missed} troubles seen; ${beside} of ${right + beside} detections false (${((beside / Math.max(1, right + beside)) * 100).toFixed(1)} %)`,
);
console.log('seen after at most, from the first sign of it, on the simulated clock:');
for (const [name, ms] of Object.entries(slowest))
  console.log(`  ${name.padEnd(32)} ${(ms / 1_000).toFixed(1).padStart(7)} s`);
