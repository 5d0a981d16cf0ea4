// How a second command reaches the running instance: one line of JSON each way over a socket that only its owner can open.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { type ErrorCode, errorCatalogue, type Facts, RempartError } from './errors.ts';
import type { Json, JsonObject } from './json.ts';

export type ControlHandlers = Readonly<Record<string, (args: JsonObject) => Promise<Json> | Json>>;

type Answer = { ok: true; result: Json } | { ok: false; code: ErrorCode; facts: Facts };

/** sun_path holds 104 bytes on macOS and 108 on Linux, the final zero among them. */
const maxSocketPath = 103;
const maxLine = 1_048_576;

/** Answers commands until close(). Only the holder of the data directory's lock may call it. */
export async function serveControl(dir: string, handlers: ControlHandlers): Promise<{ close(): Promise<void> }> {
  const place = choosePlace(resolve(dir));
  const server = createServer((socket) => serve(socket, handlers));
  // The lock is held, so a socket that is already there belongs to a dead process.
  if (process.platform !== 'win32' && existsSync(place.address)) unlinkSync(place.address);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(place.address, done);
  });
  if (process.platform !== 'win32') chmodSync(place.address, 0o600);
  return {
    close: () =>
      new Promise((done) => {
        server.close(() => {
          place.remove();
          done();
        });
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Whether somebody answers commands for this directory. */
export async function answersControl(dir: string): Promise<boolean> {
  const socket = createConnection(addressOf(resolve(dir)));
  try {
    await connected(socket);
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function connected(socket: Socket): Promise<void> {
  return new Promise((done, failed) => {
    socket.once('connect', done);
    socket.once('error', failed);
  });
}

/** Asks the running instance; throws the instance's own RempartError, or ERR_CONTROL_UNREACHABLE when none answers. */
export async function callControl(dir: string, command: string, args: JsonObject = {}): Promise<Json> {
  const socket = createConnection(addressOf(resolve(dir)));
  try {
    await connected(socket);
    socket.write(`${JSON.stringify({ command, args })}\n`);
    for await (const line of createInterface({ input: socket })) {
      const answer = JSON.parse(line) as Answer;
      if (answer.ok) return answer.result;
      throw isKnownCode(answer.code)
        ? new RempartError(answer.code, answer.facts)
        : new RempartError('ERR_INTERNAL', { code: String(answer.code) });
    }
  } catch (error) {
    if (error instanceof RempartError) throw error;
    throw new RempartError('ERR_CONTROL_UNREACHABLE', { dir }, error);
  } finally {
    socket.destroy();
  }
  throw new RempartError('ERR_CONTROL_UNREACHABLE', { dir });
}

function serve(socket: Socket, handlers: ControlHandlers): void {
  let held = '';
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    held += chunk;
    for (let at = held.indexOf('\n'); at >= 0; at = held.indexOf('\n')) {
      const line = held.slice(0, at);
      held = held.slice(at + 1);
      answer(line, handlers).then((reply) => {
        if (socket.writable) socket.write(`${JSON.stringify(reply)}\n`);
      });
    }
    if (held.length > maxLine) socket.destroy();
  });
}

async function answer(line: string, handlers: ControlHandlers): Promise<Answer> {
  try {
    const { command, args } = readCommand(line);
    const handler = Object.hasOwn(handlers, command) ? handlers[command] : undefined;
    if (handler === undefined) return { ok: false, code: 'ERR_CONTROL_COMMAND', facts: { command } };
    return { ok: true, result: await handler(args) };
  } catch (error) {
    if (error instanceof RempartError) return { ok: false, code: error.code, facts: error.facts };
    return { ok: false, code: 'ERR_INTERNAL', facts: {} };
  }
}

function readCommand(line: string): { command: string; args: JsonObject } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new RempartError('ERR_BODY_JSON', {}, error);
  }
  const { command, args = {} } = (value ?? {}) as { command?: unknown; args?: unknown };
  if (typeof command !== 'string' || typeof args !== 'object' || args === null || Array.isArray(args)) {
    throw new RempartError('ERR_BODY_INVALID', { what: 'command' });
  }
  return { command, args: args as JsonObject };
}

interface Place {
  address: string;
  remove(): void;
}

function choosePlace(dir: string): Place {
  const ordinary = ordinaryAddress(dir);
  const note = join(dir, 'control.path');
  rmSync(note, { force: true });
  if (process.platform === 'win32' || Buffer.byteLength(ordinary) <= maxSocketPath) {
    return { address: ordinary, remove: () => undefined };
  }
  // mkdtemp makes the directory 0700: nobody else can put a socket there.
  const address = join(mkdtempSync(join(tmpdir(), 'rempart-')), 'control.sock');
  writeFileSync(note, address, { mode: 0o600 });
  return {
    address,
    remove: () => {
      rmSync(note, { force: true });
      rmSync(dirname(address), { recursive: true, force: true });
    },
  };
}

function ordinaryAddress(dir: string): string {
  if (process.platform !== 'win32') return join(dir, 'control.sock');
  return `\\\\.\\pipe\\rempart-${createHash('sha256').update(dir.toLowerCase()).digest('hex').slice(0, 32)}`;
}

function addressOf(dir: string): string {
  const note = join(dir, 'control.path');
  return existsSync(note) ? readFileSync(note, 'utf8') : ordinaryAddress(dir);
}

/** A newer instance may know more codes than this program. */
function isKnownCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}
