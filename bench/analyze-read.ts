// Reads a synthetic ChatGPT export of any size: megabytes per second of cutting and parsing on one core beside readFile +
// JSON.parse of the same bytes, and the resident memory; then the whole pipeline of threads.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { analyseExports } from '../src/analyze/pipeline.ts';
import { cutExports } from '../src/analyze/read/cut-exports.ts';
import { readPiece } from '../src/analyze/read/read-piece.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '200MB' },
    analyse: { type: 'boolean', default: false },
    workers: { type: 'string', default: '2' },
  },
});
const bytes = Number.parseFloat(values.size) * (/g/i.test(values.size) ? 1e9 : 1e6);
/** One text can hold no more (V8, 512 MiB): above it the floor is measured on a part. */
const floorBytes = 200e6;

const words =
  'the server reads a request and writes the answer to its log while a client waits for data of the session'.split(' ');
let seed = 7;
const random = (below: number) => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed % below;
};
const sentence = (count: number) => Array.from({ length: count }, () => words[random(words.length)]).join(' ');

function conversation(n: number): string {
  const mapping: Record<string, unknown> = { root: { id: 'root', parent: null, children: ['m0'], message: null } };
  const count = 6 + random(30);
  for (let i = 0; i < count; i++) {
    const code = `\n\`\`\`python\ndef f${i}(name):\n    cursor.execute("SELECT * FROM t WHERE n = '" + name + "'")\n    return cursor.fetchall()\n\`\`\`\n`;
    mapping[`m${i}`] = {
      id: `m${i}`,
      parent: i === 0 ? 'root' : `m${i - 1}`,
      children: i + 1 < count ? [`m${i + 1}`] : [],
      message: {
        id: `m${i}`,
        author: { role: i % 2 === 0 ? 'user' : 'assistant', name: null, metadata: {} },
        create_time: 1.7e9 + n * 1_000 + i,
        content: { content_type: 'text', parts: [sentence(40 + random(200)) + (i % 4 === 1 ? code : '')] },
        status: 'finished_successfully',
        metadata: { model_slug: 'gpt-4o', citations: [], request_id: `${n}-${i}` },
        recipient: 'all',
      },
    };
  }
  return JSON.stringify({
    title: `Conversation ${n}`,
    id: `c${n}`,
    create_time: 1.7e9 + n,
    current_node: `m${count - 1}`,
    mapping,
  });
}

function write(file: string, upTo: number): number {
  const fd = openSync(file, 'w');
  let written = writeSync(fd, '[');
  let n = 0;
  for (; written < upTo; n++) written += writeSync(fd, (n === 0 ? '' : ',') + conversation(n));
  writeSync(fd, ']');
  closeSync(fd);
  return n;
}

const megabytes = (n: number) => Math.round(n / 1e6);
const rss = () => process.memoryUsage().rss;

async function cutAndParse(file: string, convert: boolean) {
  const before = rss();
  let peak = before;
  let count = 0;
  const began = performance.now();
  const cpu = process.cpuUsage();
  for await (const cut of cutExports([file], {})) {
    if (cut.kind !== 'piece') throw new Error('the export is whole');
    if (convert) count += readPiece(cut.piece, 'en').length;
    else {
      JSON.parse(Buffer.from(cut.piece.texts[0]!.buffer).toString());
      count++;
    }
    peak = Math.max(peak, rss());
  }
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuSeconds: (user + system) / 1e6, count, peak, before };
}

const folder = mkdtempSync(join(tmpdir(), 'rempart-bench-'));
try {
  const load = loadavg()[0]!.toFixed(2);
  const file = join(folder, 'conversations.json');
  const conversations = write(file, bytes);
  const size = statSync(file).size;
  const row = (name: string, of: number, seconds: number, cpuSeconds: number, peak: number) => [
    name,
    {
      'MB/s': Math.round(of / 1e6 / seconds),
      'MB/s of processor time': Math.round(of / 1e6 / cpuSeconds),
      'peak RSS, MB': megabytes(peak),
    },
  ];
  const rows: ReturnType<typeof row>[] = [];
  const cutting = await cutAndParse(file, false);
  rows.push(row('splitter + JSON.parse', size, cutting.seconds, cutting.cpuSeconds, cutting.peak));
  const reading = await cutAndParse(file, true);
  rows.push(row('splitter + parse + format reader', size, reading.seconds, reading.cpuSeconds, reading.peak));
  if (values.analyse) {
    const began = performance.now();
    const cpu = process.cpuUsage();
    let peak = 0;
    let count = 0;
    for await (const _ of analyseExports([file], { context: { lang: 'en' }, workers: Number(values.workers) })) {
      count++;
      if (count % 50 === 0) peak = Math.max(peak, rss());
    }
    const used = process.cpuUsage(cpu);
    rows.push(
      row(
        `whole analysis, ${values.workers} threads`,
        size,
        (performance.now() - began) / 1_000,
        (used.user + used.system) / 1e6,
        peak,
      ),
    );
  }
  const part = size > floorBytes ? join(folder, 'part.json') : file;
  if (part !== file) write(part, floorBytes);
  const began = performance.now();
  const cpu = process.cpuUsage();
  const floor = JSON.parse(readFileSync(part, 'utf8')) as unknown[];
  const seconds = (performance.now() - began) / 1_000;
  const used = process.cpuUsage(cpu);
  rows.push(
    row(
      `floor: readFile + JSON.parse of ${megabytes(statSync(part).size)} MB`,
      statSync(part).size,
      seconds,
      (used.user + used.system) / 1e6,
      rss(),
    ),
  );
  console.log(
    `${megabytes(size)} MB, ${conversations} conversations; RSS before: ${megabytes(cutting.before)} MB; load ${load}; ${floor.length} in the floor`,
  );
  console.table(Object.fromEntries(rows));
  const ratio = size / cutting.seconds / (statSync(part).size / seconds);
  console.log(`splitter + JSON.parse runs at ${ratio.toFixed(2)} times the floor`);
  if (cutting.count !== conversations || reading.count !== conversations) throw new Error('a conversation was lost');
} finally {
  rmSync(folder, { recursive: true });
}
