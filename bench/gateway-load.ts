// The load generator of the gateway bench, a process of its own: bare sockets, one request at a time on each, told what to do on stdin.
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface Task {
  port: number;
  /** Header lines beside host, type and length. */
  headers: Readonly<Record<string, string>>;
  /** Sent in turn; NNNNNNNN in one is replaced by a number that never comes again, in as many digits. */
  bodies: readonly string[];
  connections: number;
  seconds: number;
  /** Then each connection sends so many requests and stops. */
  requests?: number;
  /** Frames of a stream that come sooner after the one before count as merged, later as stalled. */
  gapMs?: { least: number; most: number };
  /** Requests per second over all connections; as fast as it goes when missing. */
  rate?: number;
}

export interface Measured {
  ok: number;
  failed: number;
  seconds: number;
  /** Milliseconds to the last byte, and to the first word of a stream. */
  p50: number;
  p99: number;
  firstP50: number;
  firstP99: number;
  frames: number;
  merged: number;
  stalled: number;
  /** The first thing that went wrong. */
  why?: string;
}

const mark = 'NNNNNNNN';
let counter = 0;

/** A request made ready once: only its number is written in anew. */
function prepare(task: Task, body: string): { bytes: Buffer; at: number } {
  const lines = Object.entries(task.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${task.port}\r\ncontent-type: application/json\r\n${lines.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const bytes = Buffer.from(head + body);
  return { bytes, at: bytes.indexOf(mark) };
}

interface Sink {
  first(): void;
  frames(count: number): void;
  end(ok: boolean, why?: string): void;
}

/** Reads one answer after another from the bytes of a connection: a length or chunks, and the frames of a stream. */
function createReader(sink: Sink) {
  let held = '';
  let length = -1;
  let status = 0;
  let chunked = false;
  let left = 0;
  let started = false;
  let seen = '';

  function head(): boolean {
    const end = held.indexOf('\r\n\r\n');
    if (end === -1) return false;
    status = Number(held.slice(9, 12));
    const lower = held.slice(0, end).toLowerCase();
    const at = lower.indexOf('content-length:');
    chunked = at === -1;
    length = chunked ? 0 : Number.parseInt(lower.slice(at + 15), 10);
    held = held.slice(end + 4);
    left = -1;
    started = true;
    seen = '';
    return true;
  }

  function finish(): void {
    started = false;
    const ok = status === 200;
    sink.end(ok, ok ? undefined : `${status} ${seen.slice(0, 120)}`);
  }

  /** True when an answer is complete. */
  function readChunks(): boolean {
    let frames = 0;
    let done = false;
    for (;;) {
      if (left === -1) {
        const end = held.indexOf('\r\n');
        if (end === -1) break;
        left = Number.parseInt(held.slice(0, end), 16);
        held = held.slice(end + 2);
      }
      if (held.length < left + 2) break;
      const piece = held.slice(0, left);
      held = held.slice(left + 2);
      if (left === 0) {
        done = true;
        break;
      }
      if (seen.length < 200) seen += piece;
      for (let at = piece.indexOf('"content":"'); at !== -1; at = piece.indexOf('"content":"', at + 1)) frames++;
      left = -1;
    }
    if (frames > 0) sink.frames(frames);
    return done;
  }

  return {
    push(bytes: Buffer): void {
      held = held === '' ? bytes.toString('latin1') : held + bytes.toString('latin1');
      while (held !== '') {
        if (!started) {
          if (!head()) return;
          sink.first();
        }
        if (chunked) {
          if (!readChunks()) return;
        } else {
          if (held.length < length) return;
          seen = held.slice(0, length);
          held = held.slice(length);
        }
        finish();
      }
    },
  };
}

async function run(task: Task): Promise<Measured> {
  const prepared = task.bodies.map((body) => prepare(task, body));
  const took: number[] = [];
  const firsts: number[] = [];
  const out = { ok: 0, failed: 0, frames: 0, merged: 0, stalled: 0 };
  let why: string | undefined;
  const began = performance.now();
  const until = began + task.seconds * 1_000;
  const everyMs = task.rate === undefined ? 0 : (task.connections * 1_000) / task.rate;

  await Promise.all(Array.from({ length: task.connections }, (_, position) => drive(position)));
  const seconds = (performance.now() - began) / 1_000;
  const at = (list: number[], share: number) => list.sort((a, b) => a - b)[Math.floor(list.length * share)] ?? 0;
  return {
    ...out,
    seconds,
    p50: at(took, 0.5),
    p99: at(took, 0.99),
    firstP50: at(firsts, 0.5),
    firstP99: at(firsts, 0.99),
    ...(why === undefined ? {} : { why }),
  };

  function drive(position: number): Promise<void> {
    return new Promise((resolve) => {
      let socket: Socket;
      let startedAt = 0;
      let lastFrame = 0;
      let left = task.requests ?? Number.POSITIVE_INFINITY;
      let atWork = false;
      let next = position;
      let dueAt = began + (everyMs * position) / task.connections;

      const send = (): void => {
        const now = performance.now();
        if (now >= until || left <= 0) {
          socket.destroy();
          resolve();
          return;
        }
        if (everyMs > 0 && dueAt > now) {
          setTimeout(send, dueAt - now);
          return;
        }
        dueAt += everyMs;
        left--;
        const { bytes, at } = prepared[next++ % prepared.length]!;
        if (at !== -1) bytes.write(String(++counter).padStart(mark.length, '0'), at, 'latin1');
        atWork = true;
        lastFrame = 0;
        startedAt = performance.now();
        socket.write(at === -1 ? bytes : Buffer.from(bytes));
      };
      const reader = createReader({
        first() {},
        frames(count) {
          const now = performance.now();
          out.frames += count;
          if (lastFrame === 0) firsts.push(now - startedAt);
          if (task.gapMs !== undefined) {
            if (count > 1) out.merged += count - 1;
            if (lastFrame !== 0 && now - lastFrame < task.gapMs.least) out.merged++;
            if (lastFrame !== 0 && now - lastFrame > task.gapMs.most) out.stalled++;
          }
          lastFrame = now;
        },
        end(ok, because) {
          atWork = false;
          if (ok) out.ok++;
          else {
            out.failed++;
            why ??= because;
          }
          took.push(performance.now() - startedAt);
          send();
        },
      });
      const open = (): void => {
        socket = connect({ port: task.port, host: '127.0.0.1', noDelay: true }, send);
        socket.on('data', (bytes) => reader.push(bytes));
        socket.on('error', (error) => {
          why ??= error.message;
        });
        socket.on('close', () => {
          if (atWork) out.failed++;
          atWork = false;
          if (performance.now() < until && left > 0) setTimeout(open, 20);
          else resolve();
        });
      };
      // A thousand at once would be refused by the backlog, not by the gateway.
      setTimeout(open, Math.floor(position / 50) * 10);
    });
  }
}

if (import.meta.main) {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    void run(JSON.parse(line) as Task).then((measured) => process.stdout.write(`${JSON.stringify(measured)}\n`));
  });
  lines.on('close', () => process.exit(0));
}
