// An HTTP server that a slow, idle, greedy or malformed client cannot hold: bounds on time, size and number, and an answer of ours to what the parser refuses.
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Socket } from 'node:net';
import { ownSeats, type Seats } from '../shared/seats.ts';
import { RempartError } from './errors.ts';

export interface ServerLimits {
  /** From the first byte of a request to the end of its headers. */
  headersMs: number;
  /** … and to the end of its body. How long the answer takes is another matter. */
  requestMs: number;
  /** A connection on which nothing moves for so long is closed; 0: never. */
  idleMs: number;
  /** Those beyond are closed at once. */
  connections: number;
  /** Of one source. */
  connectionsPerSource: number;
  /** Bytes of a request's first line and headers together. */
  headerBytes: number;
  /** How often the times are looked at. */
  checkEveryMs: number;
}

export const ordinaryLimits: ServerLimits = {
  headersMs: 20_000,
  requestMs: 60_000,
  idleMs: 0,
  connections: 2_000,
  connectionsPerSource: 2_000,
  headerBytes: 16_384,
  checkEveryMs: 5_000,
};

export interface ServerManners {
  /** What stands for one source; undefined: not counted, as a proxy that speaks for many. */
  sourceOf?: (address: string) => string | undefined;
  /** The body for what was refused before it was a request; `target` is what can be told of its address. */
  refusal?: (error: RempartError, target: string) => { body: object; headers: Readonly<Record<string, string>> };
  /** Told of each connection or request that was refused here. */
  onRefused?: (reason: 'connections' | 'headers' | 'timeout' | 'malformed' | 'method') => void;
  /** Where connections are counted when several threads listen at one address; default: each for itself. */
  seats?: Seats;
}

/** Answers 408 to a request that takes too long to arrive, 431 to one with too large headers, 400 to one that is not well-formed, and closes. */
export function createLimitedServer(
  listener: RequestListener,
  limits: Partial<ServerLimits> = {},
  manners: ServerManners = {},
): Server {
  const bounds = { ...ordinaryLimits, ...limits };
  const { headersMs, requestMs, idleMs, headerBytes, checkEveryMs } = bounds;
  const { refusal = plainRefusal, onRefused = () => {} } = manners;
  const options = {
    keepAliveTimeout: 60_000,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkEveryMs,
    maxHeaderSize: headerBytes,
    // Two readers of one message must agree on where it ends (RFC 9112 §11.2).
    insecureHTTPParser: false,
    // Who has manners refuses a request without Host by itself, in its own words.
    requireHostHeader: manners.refusal === undefined,
  };
  const answering = new WeakMap<Socket, ServerResponse>();
  const server = createServer(options, (req, res) => {
    answering.set(req.socket, res);
    listener(req, res);
  });
  // Left to itself the server answers 417 and goes on with a body that it has not read.
  server.on('checkExpectation', (req, res) => server.emit('request', req, res));
  // Left to itself it asks for every body, also for those of requests that are then refused for what their headers say.
  server.on('checkContinue', (req, res) => {
    continueWhenRead(req, res);
    server.emit('request', req, res);
  });
  server.timeout = idleMs;
  countConnections(server, bounds, manners);
  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, duplex) => {
    const socket = duplex as Socket;
    const known = errorOf(error);
    const answer = answering.get(socket);
    const isHalfSent = answer?.headersSent === true && !answer.writableFinished;
    if (known === undefined || !socket.writable || isHalfSent) {
      socket.destroy();
      return;
    }
    onRefused(reasons[known.code] ?? 'malformed');
    const [, target = ''] = /^[A-Z]+ (\S{1,200})/.exec(error.rawPacket?.toString('latin1', 0, 300) ?? '') ?? [];
    refuseRaw(socket, known, refusal(known, target));
  });
  // Without a listener the connection would be dropped without a word.
  server.on('connect', (_, duplex) => {
    const error = new RempartError('ERR_METHOD_NOT_ALLOWED', { method: 'CONNECT' });
    onRefused('method');
    refuseRaw(duplex as Socket, error, refusal(error, ''));
  });
  return server;
}

/** `100 Continue` is said to who waits for it once somebody begins to read the body, and not at all after the answer. */
function continueWhenRead(req: IncomingMessage, res: ServerResponse): void {
  const read = req._read;
  req._read = (size) => {
    req._read = read;
    if (!res.headersSent) res.writeContinue();
    req._read(size);
  };
}

function countConnections(
  server: Server,
  { connections, connectionsPerSource: limit }: ServerLimits,
  { sourceOf = (address) => address, onRefused, seats = ownSeats() }: ServerManners,
): void {
  server.maxConnections = connections;
  server.on('connection', (socket: Socket) => {
    // One thread alone leaves the number of all to the server.
    if (seats.isShared) {
      if (!seats.sit(connections)) {
        socket.destroy();
        return;
      }
      socket.once('close', seats.rise);
    }
    const source = sourceOf(socket.remoteAddress ?? '');
    if (source === undefined) return;
    if (!seats.hold(source, limit)) {
      onRefused?.('connections');
      socket.destroy();
      return;
    }
    socket.once('close', () => seats.free(source));
  });
}

const reasons: Readonly<Record<string, 'headers' | 'timeout'>> = {
  ERR_HEADERS_TOO_LARGE: 'headers',
  ERR_REQUEST_TIMEOUT: 'timeout',
};

/** Undefined for a connection that broke, which nobody is there to be told of. */
function errorOf({ code = '' }: NodeJS.ErrnoException): RempartError | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return new RempartError('ERR_HEADERS_TOO_LARGE');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new RempartError('ERR_REQUEST_TIMEOUT');
  return code.startsWith('HPE_') ? new RempartError('ERR_REQUEST_MALFORMED') : undefined;
}

function plainRefusal({ code, message }: RempartError) {
  return { body: { error: { code, message } }, headers: {} };
}

const lingerMs = 1_000;
const lingerBytes = 1_048_576;

/** Written by hand, since there is no response to write it with. */
function refuseRaw(
  socket: Socket,
  { http }: RempartError,
  { body, headers }: { body: object; headers: Readonly<Record<string, string>> },
): void {
  const text = JSON.stringify(body);
  const lines = Object.entries({
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    ...headers,
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${http} ${STATUS_CODES[http] ?? ''}\r\n${lines.join('')}\r\n${text}`);
  // Closing on unread bytes resets the connection, and the answer is lost with it.
  let read = 0;
  socket.on('data', (chunk: Buffer) => {
    read += chunk.length;
    if (read > lingerBytes) socket.destroy();
  });
  socket.resume();
  setTimeout(() => socket.destroy(), lingerMs).unref();
}
