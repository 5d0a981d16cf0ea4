// One worker beside several, in turn and in short windows of one run: requests in a second, and CPU of the whole process for each.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  cpuSeconds,
  rssMegabytes,
  type Server,
  startLoad,
  startRelay,
  startRempart,
  startUpstream,
} from './gateway-rig.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    /** Instances to compare, by their workers. */
    workers: { type: 'string', default: '1,2' },
    connections: { type: 'string', default: '64' },
  },
});
const text =
  'Please explain tides to a class of ten-year-olds in two short sentences, without numbers, and add one question that they can answer by looking out of the window of a train along the coast today.';
const body = JSON.stringify({ model: 'bench-model', messages: [{ role: 'user', content: text }] });

const root = mkdtempSync(join(tmpdir(), 'rempart-bench-'));
const upstream = await startUpstream();
const relay = await startRelay(upstream);
const load = await startLoad();
const lines: { name: string; server: Server; perSecond: number[]; cpuMicros: number[] }[] = [
  { name: 'bare undici-dispatch relay', server: relay, perSecond: [], cpuMicros: [] },
];
for (const workers of values.workers.split(',').map(Number)) {
  const server = await startRempart(upstream, join(root, `workers-${workers}`), { workers });
  lines.push({ name: `Rempart, ${workers} worker${workers === 1 ? '' : 's'}`, server, perSecond: [], cpuMicros: [] });
}

async function run({ port, headers }: Server, seconds: number) {
  return load.run({ port, headers, bodies: [body], connections: Number(values.connections), seconds });
}

for (const { server } of lines) await run(server, 12);
for (let round = 0; round < Number(values.rounds); round++)
  for (const { name, server, perSecond, cpuMicros } of lines) {
    const before = cpuSeconds(server.pid) ?? Number.NaN;
    const measured = await run(server, Number(values.seconds));
    const used = (cpuSeconds(server.pid) ?? Number.NaN) - before;
    if (measured.failed > 0) throw new Error(`${name}: ${measured.failed} requests failed: ${measured.why ?? ''}`);
    perSecond.push(measured.ok / measured.seconds);
    cpuMicros.push((used * 1_000_000) / measured.ok);
  }

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
console.log('| | requests/s | CPU µs per request | RSS MB |\n| --- | --- | --- | --- |');
for (const { name, server, perSecond, cpuMicros } of lines)
  console.log(
    `| ${name} | ${Math.round(median(perSecond))} | ${Math.round(median(cpuMicros))} | ${Math.round(rssMegabytes(server.pid) ?? 0)} |`,
  );

load.stop();
for (const { server } of lines) server.stop();
upstream.stop();
rmSync(root, { recursive: true, force: true });
