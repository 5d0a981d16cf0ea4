// Failures that grow in front of running instances: whether each is foreseen, how long before its breaker opens, and how often one is foreseen that does not come.
//
//   node bench/prediction-live.ts [--only latency,errors,…] [--rounds N] [--seed N] [--minutes N] [--first-byte-ms N]
//
// Each round takes --minutes: 15, since what is usual is learned for five and a fault grows for up to eight.
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chance } from './detect-day-random.ts';
import { between, isByFault, type Kind, type Line, noiseOf, noNoise, runLines } from './prediction-live-line.ts';
import { startFaultProxy, startInstance, startStandin, stopAll, type Told } from './prediction-live-rig.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '15' },
    only: { type: 'string', default: 'latency,errors,killed,silent,calm' },
    'first-byte-ms': { type: 'string', default: '10000' },
  },
});
const firstByteMs = Number(values['first-byte-ms']);
const minuteMs = 60_000;
const learnMs = 5 * minuteMs;
const endMs = Number(values.minutes) * minuteMs;

type Planned = readonly [kind: Kind, over: number, rate: number];
/** Fault, minutes that it grows over, requests per second: each is a provider, each three in a row are one instance's. */
const everything: readonly Planned[] = [
  ['latency', 4, 1],
  ['errors', 3, 4],
  ['calm', 0, 2],
  ['latency', 4, 3],
  ['errors', 5, 1],
  ['calm', 0, 4],
  ['latency', 5, 2],
  ['errors', 5, 3],
  ['killed', 0, 2],
  ['latency', 5, 4],
  ['errors', 3, 1.5],
  ['calm', 0, 1],
  ['latency', 6, 1.5],
  ['errors', 8, 4],
  ['silent', 0, 3],
  ['latency', 6, 3],
  ['errors', 8, 2],
  ['calm', 0, 3],
];
const perInstance = 3;
const wanted = new Set(values.only.split(','));
const plan = everything.filter(([kind]) => wanted.has(kind));
const instances = Math.ceil(plan.length / perInstance);

/** As late as a fault can begin and still come to its end, so that calm comes before it. */
function onsetOf(kind: Kind, over: number): number {
  if (kind === 'calm') return endMs;
  const spare = over === 0 ? 3 * minuteMs : (1.5 + 1.05 * over) * minuteMs;
  return Math.max(learnMs + 10_000, endMs - spare);
}

interface Round {
  lines: Line[];
  /** What was told of an instance as a whole: its queue, its database, its memory. */
  others: Told[];
  standstills: number[];
}

async function round(seed: number): Promise<Round> {
  const root = mkdtempSync(join(tmpdir(), 'rempart-prediction-'));
  const standin = await startStandin();
  const proxied = await startFaultProxy(seed);
  const lines: Line[] = [];
  const others: Told[] = [];
  let begun = performance.now();

  function heard(signal: Told): void {
    const told = { ...signal, at: signal.at - begun };
    const line = lines.find(({ name }) => name === told.target);
    (line?.told ?? others).push(told);
    const about = line === undefined ? '' : `, ${line.kind} from ${(line.onset / 60_000).toFixed(1)} min on`;
    const { what, target, leadSeconds } = told;
    process.stderr.write(`${(told.at / 60_000).toFixed(1)} min: ${what} of ${target} in ${leadSeconds} s${about}\n`);
  }

  for (let row = 0; row < instances; row++) {
    const made: Omit<Line, 'instance'>[] = [];
    for (const planned of plan.slice(row * perInstance, (row + 1) * perInstance)) {
      const [kind, over, rate] = planned;
      const nth = everything.indexOf(planned);
      const name = `p${nth}`;
      const behind = kind === 'killed' ? await startStandin() : standin;
      const random = chance(seed * 1_000 + nth);
      made.push({
        ...{ name, kind, rate, random, firstByteMs, standin: behind, provider: await proxied(name, behind.port) },
        ...{ overMs: over * minuteMs, onset: onsetOf(kind, over), baseMs: between(random, 200, 450) },
        ...{ noise: kind === 'calm' ? noiseOf(random, learnMs, endMs, minuteMs) : noNoise },
        ...{ wander: { slow: 0, busy: 0 }, slowed: 0, told: [], opened: [], isOver: false, asked: 0, answered: 0 },
      });
    }
    const ports = made.map(({ name, provider: { port } }) => ({ name, port }));
    const instance = await startInstance(join(root, `instance-${row}`), ports, { firstByteMs, told: heard });
    lines.push(...made.map((one) => ({ ...one, instance })));
  }
  begun = performance.now();
  const standstills = await runLines(lines, { now: () => performance.now() - begun, endMs });
  await stopAll();
  rmSync(root, { recursive: true, force: true });
  return { lines, others, standstills };
}

const seconds = (ms: number | undefined) => (ms === undefined ? '–' : `${Math.round(ms / 1_000)} s`);

/** Slow answers end in attempts that fail: either tells of it. */
const isAbout = ({ what }: Told, kind: Kind) => what === kind || kind !== 'errors';

interface Came {
  line: Line;
  openedAt: number | undefined;
  first: Told | undefined;
}

function cameOf(line: Line): Came {
  const openedAt = line.opened.find((at) => isByFault(line, at));
  const first = line.told.find((told) => told.at >= line.onset && isAbout(told, line.kind));
  const isBefore = first !== undefined && (openedAt === undefined || first.at < openedAt);
  return { line, openedAt, first: isBefore ? first : undefined };
}

const names: Readonly<Record<Kind, string>> = {
  latency: 'answers ever slower',
  errors: 'ever more errors',
  killed: 'the stand-in is killed',
  silent: 'the provider falls silent at once',
  calm: 'calm',
};

function nameOf({ kind, overMs }: Line): string {
  return overMs === 0 ? names[kind] : `${names[kind]} over ${Math.round(overMs / minuteMs)} min`;
}

function row({ line, openedAt, first }: Came): string {
  const came = first === undefined || openedAt === undefined ? undefined : openedAt - first.at;
  return [
    ...[`| ${nameOf(line)}`, line.rate, openedAt === undefined ? 'not opened' : seconds(openedAt - line.onset)],
    ...[first === undefined ? 'no' : 'yes', seconds(came), first === undefined ? '–' : `${first.leadSeconds} s`],
    `${came === undefined ? '–' : `${(((first?.leadSeconds ?? 0) * 1_000) / came).toFixed(1)} ×`} |`,
  ].join(' | ');
}

const median = (list: readonly number[]) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

function summary(name: string, all: readonly Came[]): string {
  const happened = all.filter(({ openedAt }) => openedAt !== undefined);
  const leads = happened.flatMap(({ openedAt, first }) => (first === undefined ? [] : [(openedAt ?? 0) - first.at]));
  const least = leads.length === 0 ? undefined : Math.min(...leads);
  return `| ${name} | ${leads.length} of ${happened.length} | ${seconds(median(leads))} | ${seconds(least)} |`;
}

function report(rounds: readonly Round[]): void {
  const lines = rounds.flatMap((one) => one.lines);
  const all = lines.filter(({ kind }) => kind !== 'calm').map(cameOf);
  const ordered = all.toSorted((a, b) => nameOf(a.line).localeCompare(nameOf(b.line)) || a.line.rate - b.line.rate);
  console.log('\n| Failure | Requests/s | Breaker open after | Foreseen | Lead | Said | Said against came |');
  console.log(`|---|---|---|---|---|---|---|\n${ordered.map(row).join('\n')}`);
  console.log('\n| Failure | Foreseen | Lead, median | Lead, least |\n|---|---|---|---|');
  for (const name of new Set(ordered.map(({ line }) => nameOf(line))))
    console.log(
      summary(
        name,
        ordered.filter(({ line }) => nameOf(line) === name),
      ),
    );

  const calmMs = lines.reduce((sum, { onset }) => sum + Math.max(0, Math.min(onset, endMs) - learnMs), 0);
  const wrong = lines.flatMap(({ told, onset }) => told.filter(({ at }) => at < onset));
  const opened = lines.flatMap((line) => line.opened.filter((at) => !isByFault(line, at)));
  const others = rounds.flatMap((one) => one.others);
  const list = (of: readonly Told[]) =>
    of.length === 0
      ? ''
      : ` (${of.map(({ what, target, at }) => `${what} of ${target} at ${(at / 60_000).toFixed(1)} min`).join(', ')})`;
  console.log(
    `\nCalm, after the five minutes of learning: ${Math.round(calmMs / 60_000)} provider-minutes, of them ${Math.round((lines.filter(({ kind }) => kind === 'calm').length * (endMs - learnMs)) / 60_000)} with bursts, slow spells and blips of errors. False alarms: ${wrong.length}${list(wrong)}. Breakers that opened without a fault: ${opened.length}.`,
  );
  const hours = (rounds.length * instances * endMs) / 3_600_000;
  console.log(
    `Told of queue, database and memory in ${hours.toFixed(1)} instance-hours: ${others.length}${list(others)}.`,
  );
  const asked = lines.reduce((sum, line) => sum + line.asked, 0);
  const answered = lines.reduce((sum, line) => sum + line.answered, 0);
  const stood = rounds.flatMap(({ standstills }) => standstills);
  console.log(
    `Requests: ${asked}, answered ${answered}. Load of this machine: ${loadavg()[0]?.toFixed(1)}; it stood still for more than a second ${stood.length} times, at most ${seconds(Math.max(0, ...stood))}.`,
  );
}

console.log(
  `Prediction, live: ${instances} instances with ${perInstance} providers each behind the fault proxy, first word within ${firstByteMs / 1_000} s, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the start, seed ${values.seed}`,
);
const done: Round[] = [];
for (let nth = 0; nth < Number(values.rounds); nth++) done.push(await round(Number(values.seed) + nth));
report(done);
process.exit(0);
