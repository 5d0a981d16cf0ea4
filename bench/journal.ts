// Appends per second to the journal with 64 writers at once, beside the floor of the rig: one write and one fsync each.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournals } from '../src/platform/journal/journals.ts';
import { apiActivity } from '../src/platform/journal/ocsf.ts';

const writers = 64;
const forMs = 2_000;
const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'rempart-bench-'));
const journals = await openJournals({ dir: join(root, 'journal'), keyFile: join(root, 'journal.key') });
const journal = await journals.stream('gateway');
const event = (correlation: string) =>
  apiActivity({
    activity: 'create',
    operation: 'chat.completions',
    actor: { subject: 'bench', credential: 'key-1' },
    sourceIp: '127.0.0.1',
    time: Date.now(),
    correlation,
    unmapped: { phase: 'received', promptHmac: 'f'.repeat(64), promptLength: 1_000 },
  });
const latencies: number[] = [];
const began = performance.now();
await Promise.all(
  Array.from({ length: writers }, async (_, writer) => {
    for (let i = 0; performance.now() - began < forMs; i++) {
      const at = performance.now();
      await journal.append(event(`${writer}-${i}`));
      latencies.push(performance.now() - at);
    }
  }),
);
const seconds = (performance.now() - began) / 1_000;
await journals.close();
latencies.sort((a, b) => a - b);
const at = (share: number) => `${(latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2)} ms`;

const fd = openSync(join(root, 'floor'), 'w');
const line = Buffer.alloc(600, 'x');
let synced = 0;
const floorBegan = performance.now();
for (; performance.now() - floorBegan < 500; synced++) {
  writeSync(fd, line);
  fdatasyncSync(fd);
}
const floor = synced / ((performance.now() - floorBegan) / 1_000);
closeSync(fd);
rmSync(root, { recursive: true });

console.table({
  [`journal, ${writers} writers`]: {
    'per second': Math.round(latencies.length / seconds),
    p50: at(0.5),
    p99: at(0.99),
  },
  'floor: one write + fdatasync each': { 'per second': Math.round(floor), p50: '', p99: '' },
});
