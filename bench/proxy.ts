// What the fault proxy adds to a round trip (TCP) and to an event of a stream (SSE-aware), beside the direct way in the
// same run; and how true an asked duration is while every core burns.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttp, get } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { availableParallelism, constants, setPriority } from 'node:os';
import { join } from 'node:path';

const forMs = Number(process.argv[2] ?? 4_000);
const askedMs = 5_000;
const rounds = 12;
const root = join(import.meta.dirname, '..');

interface Line {
  samples: number[];
}
const at = ({ samples }: Line, share: number) => {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
};
const shown = (ms: number) => `${ms.toFixed(3)} ms`;

const echo = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {}).pipe(socket);
});
/** Sends one event for each byte that its request's body brings, with the time at which it left. */
const events = createHttp((req, res) => {
  if (req.url === '/plain') return void req.resume().on('end', () => res.end('{"ok":true}'));
  res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  const timer = setInterval(() => {
    const payload = { at: performance.now(), choices: [{ delta: { content: 'word ' } }] };
    res.write(`data: ${JSON.stringify(payload)}\n\n`);
  }, 2);
  res.once('close', () => clearInterval(timer));
});
for (const server of [echo, events]) await once(server.listen(0, '127.0.0.1'), 'listening');
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

const proxy = spawn(process.execPath, [join(root, 'bin/rempart.js'), 'proxy', '--admin', '127.0.0.1:0', '--json'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.once('exit', () => proxy.kill());
const [hello] = (await once(proxy.stdout, 'data')) as [Buffer];
const { url } = JSON.parse(hello.toString()) as { url: string };

const call = async (method: string, path: string, body?: object): Promise<unknown> => {
  const response = await fetch(url + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text === '' ? null : JSON.parse(text);
};
const made = async (name: string, upstream: number): Promise<number> => {
  const body = { name, listen: '127.0.0.1:0', upstream: `127.0.0.1:${upstream}` };
  const { listen } = (await call('POST', '/proxies', body)) as { listen: string };
  return Number(listen.split(':').at(-1));
};

/** One byte there and back, again and again, on one connection. */
async function roundTrips(port: number, line: Line, ms: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const message = Buffer.alloc(64, 'x');
  for (const end = performance.now() + ms; performance.now() < end; ) {
    const began = performance.now();
    socket.write(message);
    await once(socket, 'data');
    line.samples.push(performance.now() - began);
  }
  socket.destroy();
}

/** How long each event was under way; one event in one chunk, else something was held back or joined. */
async function eventTimes(port: number, line: Line, ms: number): Promise<{ joined: number }> {
  const request = get({ port, host: '127.0.0.1', path: '/events' });
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  let joined = 0;
  response.on('data', (chunk: Buffer) => {
    const now = performance.now();
    const found = [...chunk.toString().matchAll(/"at":([\d.]+)/g)];
    if (found.length !== 1) joined++;
    for (const [, left] of found) line.samples.push(now - Number(left));
  });
  await new Promise((resolve) => setTimeout(resolve, ms));
  request.destroy();
  return { joined };
}

const [tcp, sse, aware] = [
  await made('tcp', portOf(echo)),
  await made('sse-tcp', portOf(events)),
  await made('sse-aware', portOf(events)),
];
await call('PUT', '/rempart/proxies/sse-aware/protocol', { protocol: 'http' });

const lines = {
  tcpDirect: { samples: [] as number[] },
  tcp: { samples: [] as number[] },
  sseDirect: { samples: [] as number[] },
  sse: { samples: [] as number[] },
  aware: { samples: [] as number[] },
};
let joined = 0;
await roundTrips(portOf(echo), { samples: [] }, 300);
await roundTrips(tcp, { samples: [] }, 300);
await eventTimes(aware, { samples: [] }, 500);
// In turn and in short slices, so that whatever else the machine does falls on all of them.
for (let round = 0; round < rounds; round++) {
  const slice = forMs / rounds;
  await roundTrips(portOf(echo), lines.tcpDirect, slice);
  await roundTrips(tcp, lines.tcp, slice);
  await eventTimes(portOf(events), lines.sseDirect, slice);
  await eventTimes(sse, lines.sse, slice);
  joined += (await eventTimes(aware, lines.aware, slice)).joined;
}

const row = (line: Line, floor?: Line) => ({
  p50: shown(at(line, 0.5)),
  p99: shown(at(line, 0.99)),
  'added p50': floor === undefined ? '' : shown(at(line, 0.5) - at(floor, 0.5)),
  'added p99': floor === undefined ? '' : shown(at(line, 0.99) - at(floor, 0.99)),
  samples: line.samples.length,
});
console.table({
  'round trip, direct (floor)': row(lines.tcpDirect),
  'round trip, proxy': row(lines.tcp, lines.tcpDirect),
  'event, direct (floor)': row(lines.sseDirect),
  'event, proxy as TCP': row(lines.sse, lines.sseDirect),
  'event, proxy SSE-aware': row(lines.aware, lines.sseDirect),
});
console.log(`events joined or split by the SSE-aware proxy: ${joined}`);

/** An asked latency, measured on the clock of this process, while burners take every core. */
async function timerTruth(): Promise<number[]> {
  await call('POST', '/proxies/tcp/toxics', { type: 'latency', attributes: { latency: askedMs } });
  const socket = connect({ port: tcp, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const sent: number[] = [];
  const off: number[] = [];
  socket.on('data', (bytes: Buffer) => {
    // One byte each: two that came in one chunk are two.
    for (const _ of bytes) off.push(performance.now() - (sent.shift() ?? 0) - askedMs);
  });
  for (let i = 0; i < 20; i++) {
    sent.push(performance.now());
    socket.write('x');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  while (off.length < 20) await once(socket, 'data');
  socket.destroy();
  await call('DELETE', '/proxies/tcp/toxics/latency_downstream');
  return off;
}

function raisePriority(): boolean {
  try {
    setPriority(0, constants.priority.PRIORITY_HIGH);
    return true;
  } catch {
    return false;
  }
}

function burn(): ChildProcess {
  const threads = String(availableParallelism() * 2);
  const file = join(root, 'src/simulate/faults/resource/burner.ts');
  return spawn(process.execPath, [file, threads, '20000'], { stdio: ['pipe', 'ignore', 'ignore'] });
}

const truth: Record<string, object> = {};
const situations = [
  ['idle', false, false],
  ['CPU burners', true, false],
  ['CPU burners, proxy at normal priority', true, true],
] as const;
for (const [name, burning, lowered] of situations) {
  if (lowered && proxy.pid !== undefined) setPriority(proxy.pid, constants.priority.PRIORITY_NORMAL);
  const burner = burning ? burn() : null;
  if (burning) await new Promise((resolve) => setTimeout(resolve, 1000));
  // After the burners began, since they would inherit it: this process is the clock, and its own lateness is not the proxy's.
  const clock = raisePriority();
  const off = await timerTruth();
  burner?.kill('SIGKILL');
  if (clock) setPriority(0, constants.priority.PRIORITY_NORMAL);
  const line = { samples: off };
  const row = { least: shown(Math.min(...off)), p50: shown(at(line, 0.5)), most: shown(Math.max(...off)) };
  truth[`5 s asked, off by: ${name}`] = row;
}
console.table(truth);
proxy.kill('SIGTERM');
await once(proxy, 'exit');
for (const server of [echo, events]) server.close();
process.exitCode = 0;
