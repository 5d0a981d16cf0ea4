// Analyses a synthetic export as the command does, thread by thread: megabytes per second and resident memory, each row in
// a process of its own, beside the floor of readFile + JSON.parse. --file takes an export of one's own instead.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type TalkFacts, writeTalk } from './analyze-talk.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '60MB' },
    dense: { type: 'string', default: '20MB' },
    file: { type: 'string' },
    /** How one row is measured in its own process. */
    row: { type: 'string' },
    workers: { type: 'string', default: '2' },
  },
});
const bytesOf = (size: string) => Number.parseFloat(size) * (/g/i.test(size) ? 1e9 : 1e6);

interface Measured {
  seconds: number;
  cpuSeconds: number;
  /** Of the process that did it, in bytes. */
  peak: number;
  conversations: number;
  findings: number;
}

/** One text can hold no more: above it the floor is not measured. */
const floorBytes = 400e6;

async function measure(row: string, file: string): Promise<Measured> {
  // As bin/rempart.js does, before it reads the program: for this thread, and for those that it starts.
  enableCompileCache();
  const cache = getCompileCacheDir();
  if (cache !== undefined) process.env['NODE_COMPILE_CACHE'] ??= dirname(cache);
  const { analyse } = await import('../src/analyze/analyse.ts');
  const began = performance.now();
  const cpu = process.cpuUsage();
  let conversations = 0;
  let findings = 0;
  if (row === 'floor') conversations = (JSON.parse(readFileSync(file, 'utf8')) as unknown[]).length;
  else {
    const result = await analyse({
      paths: [file],
      lang: 'en',
      date: '2026-01-01T00:00:00Z',
      version: 'bench',
      workers: Number(values.workers),
    });
    conversations = result.source.statistics.conversations;
    findings = Object.values(result.open).reduce((sum, count) => sum + count, 0);
    result.close();
  }
  const { user, system } = process.cpuUsage(cpu);
  return {
    seconds: (performance.now() - began) / 1_000,
    cpuSeconds: (user + system) / 1e6,
    peak: process.resourceUsage().maxRSS * 1_024,
    conversations,
    findings,
  };
}

function inItsOwnProcess(row: string, file: string, workers: number): Measured {
  const args = [import.meta.filename, '--row', row, '--file', file, '--workers', String(workers)];
  const { stdout, status } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the row "${row}" ended with ${status}`);
  return JSON.parse(stdout) as Measured;
}

function table(file: string, empty: Readonly<Record<number, Measured>>): Record<string, unknown> {
  const size = statSync(file).size;
  const told = (measured: Measured, own: Measured | undefined) => ({
    'MB/s': (size / 1e6 / measured.seconds).toFixed(1),
    'MB/s behind the start': (size / 1e6 / (measured.seconds - (own?.seconds ?? 0))).toFixed(1),
    'MB/s of processor time': (size / 1e6 / measured.cpuSeconds).toFixed(1),
    'peak RSS, MB': Math.round(measured.peak / 1e6),
    'above the engines': Math.round((measured.peak - (own?.peak ?? 0)) / 1e6),
    conversations: measured.conversations,
    'open findings': measured.findings,
  });
  const rows: Record<string, unknown> = {};
  for (const workers of [1, 2]) {
    const own = empty[workers]!;
    rows[`${workers} thread${workers > 1 ? 's' : ''}`] = told(inItsOwnProcess('analysis', file, workers), own);
  }
  if (size <= floorBytes) rows['floor: readFile + JSON.parse'] = told(inItsOwnProcess('floor', file, 1), undefined);
  return rows;
}

/** The corpus in a line: sentences of made-up talk and of this project's pages, code of bench/ and of the rules' examples. */
function toldOf({ conversations, messages, bytes, textBytes, codeBytes, blocks, repeated }: TalkFacts): string {
  const share = (part: number, whole: number) => `${Math.round((100 * part) / Math.max(1, whole))} %`;
  return [
    `made up: ${conversations} conversations, ${messages} messages in English and French`,
    `${share(textBytes, bytes)} of the bytes are what is said, the rest what a ChatGPT export says about it`,
    `${share(codeBytes, textBytes)} of what is said is code, in ${blocks} blocks, of which ${share(repeated, blocks)} came before as they are`,
  ].join('; ');
}

if (values.row !== undefined && values.file !== undefined) {
  console.log(JSON.stringify(await measure(values.row, values.file)));
} else {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-bench-'));
  try {
    const few = join(folder, 'few.json');
    writeTalk(few, { bytes: 1e5, codeEvery: 1, weak: 0.3 });
    // What is compiled is kept from the second run on.
    inItsOwnProcess('analysis', few, 2);
    const empty = { 1: inItsOwnProcess('analysis', few, 1), 2: inItsOwnProcess('analysis', few, 2) };
    const start = (n: 1 | 2) =>
      `${Math.round(empty[n].peak / 1e6)} MB, ${empty[n].seconds.toFixed(2)} s (${empty[n].cpuSeconds.toFixed(2)} s of processor time)`;
    console.log(`a small export (start-up, rules, vocabularies): 1 thread ${start(1)}; 2 threads ${start(2)}`);
    const cases: [string, () => string][] =
      values.file !== undefined
        ? [[values.file, () => values.file!]]
        : [
            ['talk, code in a third of the answers', () => written(bytesOf(values.size), 3, 0.15)],
            ['code in every answer, weak in every one', () => written(bytesOf(values.dense), 1, 1)],
          ];
    for (const [name, make] of cases) {
      const file = make();
      console.log(`${name}: ${Math.round(statSync(file).size / 1e6)} MB; load ${loadavg()[0]!.toFixed(1)}`);
      console.table(table(file, empty));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }

  function written(bytes: number, codeEvery: number, weak: number): string {
    const file = join(folder, `conversations-${codeEvery}.json`);
    console.log(`\n${toldOf(writeTalk(file, { bytes, codeEvery, weak }))}`);
    return file;
  }
}
