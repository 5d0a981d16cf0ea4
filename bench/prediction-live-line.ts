// One provider in the live measure of prediction: the requests that come for it, what it is like from one moment to the next, the fault that grows, and when its breaker opened.
import { setTimeout as wait } from 'node:timers/promises';
import type { Chance } from './detect-day-random.ts';
import { type Breakable, clientKeys, type Instance, type Standin, type Told } from './prediction-live-rig.ts';

export type Kind = 'latency' | 'errors' | 'killed' | 'silent' | 'calm';

interface Spell {
  from: number;
  to: number;
  strength: number;
}

/** What only looks like trouble: bursts of requests, slow spells, errors for some seconds. */
export interface Noise {
  bursts: readonly Spell[];
  slow: readonly Spell[];
  blips: readonly Spell[];
}

export interface Line {
  /** Of its provider, and of the model that calls go to it by. */
  name: string;
  kind: Kind;
  /** How long its fault takes until it is there. */
  overMs: number;
  /** Requests per second. */
  rate: number;
  random: Chance;
  /** What its answers usually take. */
  baseMs: number;
  /** What they may take. */
  firstByteMs: number;
  /** When its fault begins. */
  onset: number;
  noise: Noise;
  provider: Breakable;
  instance: Instance;
  standin: Standin;
  /** Logarithms of how slow it happens to be, and how busy. */
  wander: { slow: number; busy: number };
  /** How much of its slowness is there. */
  slowed: number;
  told: Told[];
  /** When its breaker opened. */
  opened: number[];
  isOver: boolean;
  asked: number;
  answered: number;
}

/** Milliseconds since all began, and when all ends. */
export interface Clock {
  now(): number;
  endMs: number;
}

export const noNoise: Noise = { bursts: [], slow: [], blips: [] };
const stepMs = 2_000;
const lookMs = 500;
/** In so many steps answers come to take as long as they may. */
const growthSteps = 20;

export const between = ({ next }: Chance, from: number, to: number) => from + (to - from) * next();
const normal = ({ next }: Chance) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
const during = (spells: readonly Spell[], at: number) =>
  spells.find(({ from, to }) => at >= from && at < to)?.strength ?? 0;

export function noiseOf(random: Chance, fromMs: number, toMs: number, minuteMs: number): Noise {
  const spell = (least: number, most: number, strength: number): Spell => {
    const from = between(random, fromMs, toMs - most);
    return { from, to: from + between(random, least, most), strength };
  };
  return {
    bursts: [0, 1].map(() => spell(0.5 * minuteMs, 2 * minuteMs, between(random, 2, 4))),
    slow: [0, 1].map(() => spell(minuteMs, 3 * minuteMs, between(random, 1.3, 2.2))),
    blips: [spell(3_000, 12_000, between(random, 0.15, 0.4))],
  };
}

const subjects =
  'tides,bread,chess,bridges,photosynthesis,volcanoes,cheese,comets,knots,owls,glaciers,violins,maps,bees,salt,kites'.split(
    ',',
  );
const questions: readonly ((subject: string) => string)[] = [
  (subject) => `Explain ${subject} to a class of ten-year-olds in two short sentences.`,
  (subject) => `What should somebody read first who wants to know more about ${subject}?`,
  (subject) => `Peux-tu m'expliquer en quelques mots ce qu'il faut savoir sur « ${subject} » ?`,
  (subject) => `Write a limerick on ${subject} and then say which of its rhymes is the weakest.`,
  (subject) => `List three things about ${subject} that most people believe and that are wrong.`,
];

async function ask(line: Line): Promise<void> {
  const { random, name } = line;
  const content = random.one(questions)(random.one(subjects));
  line.asked++;
  try {
    const response = await fetch(`${line.instance.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${random.one(clientKeys)}` },
      body: JSON.stringify({ model: name, messages: [{ role: 'user', content }], stream: random.happens(0.5) }),
    });
    await response.text();
    if (response.ok) line.answered++;
  } catch {
    // What callers meet is not what is measured here.
  }
}

/** Requests as they come: each by chance, at a pace that wanders and has bursts. */
async function traffic(line: Line, { now, endMs }: Clock): Promise<void> {
  const { random, rate, noise } = line;
  while (!line.isOver && now() < endMs) {
    const pace = rate * Math.exp(line.wander.busy) * Math.max(1, during(noise.bursts, now()));
    await wait((-1_000 * Math.log(1 - random.next())) / pace);
    void ask(line);
  }
}

/** How much of its fault there is: 1 when its time is over, and more after that. */
function partOf({ onset, overMs }: Line, at: number): number {
  return at < onset || overMs === 0 ? 0 : (at - onset) / overMs;
}

/** What the provider is like now. */
async function step(line: Line, at: number): Promise<void> {
  const { random, wander, provider, kind, noise } = line;
  for (const which of ['slow', 'busy'] as const) wander[which] = 0.97 * wander[which] + 0.05 * normal(random);
  const usual = line.baseMs * Math.exp(wander.slow) * Math.max(1, during(noise.slow, at));
  const part = partOf(line, at);
  if (kind !== 'latency' || part === 0) await provider.slow(usual);
  for (; kind === 'latency' && line.slowed < part; line.slowed += 1 / growthSteps)
    await provider.slower(line.firstByteMs / growthSteps);
  await provider.fail(kind === 'errors' ? Math.min(0.95, 0.9 * part) : during(noise.blips, at));
}

async function live(line: Line, { now, endMs }: Clock): Promise<void> {
  let isStruck = false;
  while (!line.isOver && now() < endMs) {
    if (!isStruck && now() >= line.onset) {
      isStruck = true;
      if (line.kind === 'killed') line.standin.kill();
      if (line.kind === 'silent') await line.provider.silence();
    }
    await step(line, now());
    await wait(stepMs);
  }
}

/** Of answers that grow slow hardly one is too slow before this part of the time: an opening before it has another cause. */
const leastPart = 0.6;

export function isByFault(line: Line, at: number): boolean {
  if (line.kind === 'calm' || at < line.onset) return false;
  return line.kind !== 'latency' || partOf(line, at) >= leastPart;
}

/** Looks twice a second whose breaker is open; one that its fault opened is at its end. */
async function watch(lines: readonly Line[], { now, endMs }: Clock): Promise<void> {
  const open = new Set<Line>();
  while (now() < endMs && lines.some(({ isOver }) => !isOver)) {
    const away = (await lines[0]?.instance.away()) ?? [];
    for (const line of lines) {
      const isAway = away.includes(line.name);
      if (isAway && !open.has(line)) line.opened.push(now());
      if (isAway) open.add(line);
      else open.delete(line);
      if (isAway && isByFault(line, now())) line.isOver = true;
    }
    await wait(lookMs);
  }
}

/** How long at a stretch this process got no turn, where that was more than a second: those it starts got none either. */
async function standstills(clock: Clock): Promise<number[]> {
  const found: number[] = [];
  for (let from = clock.now(); from < clock.endMs; from = clock.now()) {
    await wait(100);
    const late = clock.now() - from - 100;
    if (late > 1_000) found.push(late);
  }
  return found;
}

/** All of them side by side, to the end of their time. What is given back are the standstills of the machine. */
export async function runLines(lines: readonly Line[], clock: Clock): Promise<number[]> {
  const instances = new Set(lines.map(({ instance }) => instance));
  const stood = standstills(clock);
  await Promise.all([
    ...lines.flatMap((line) => [traffic(line, clock), live(line, clock)]),
    ...[...instances].map((instance) =>
      watch(
        lines.filter((line) => line.instance === instance),
        clock,
      ),
    ),
  ]);
  return stood;
}
