// The fault proxy: what the target believes to be its provider. Relays to the stand-in or a real upstream, breaks calls as told, keeps the ledger.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Dispatcher, Pool } from 'undici';
import type { Dialect } from '../../platform/wire/dialect.ts';
import { decideCalls, faultName } from '../faults/call-faults.ts';
import type { Call, CallAction, CallDecider, CallFault } from '../faults/fault.ts';
import type { EvidenceOf } from '../scenarios/evidence.ts';
import { lastMarker } from '../targets/marker.ts';

export interface FaultProxyOptions {
  host: string;
  port: number;
  /** Origin of what lies behind. */
  upstream: string;
  dialect: Dialect;
  keys: { primary: string; spare: string };
  /** Milliseconds on the run's clock. */
  now: () => number;
  record: (call: Omit<EvidenceOf<'upstream'>, 'id'>) => void;
}

export interface FaultProxy {
  url: string;
  /** Every call from now on is decided by this fault; null relays untouched. */
  setFault(fault: CallFault | null): void;
  /** Closes the listener and every connection: connecting is refused until `listen`. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
  /** Calls touched by a fault since it was set. */
  touched(): number;
  close(): Promise<void>;
}

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'expect',
]);
const maxBodyBytes = 16 * 1024 * 1024;

interface Current {
  decide: CallDecider;
  name: string;
}

export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const pool = new Pool(options.upstream, { connections: 64, headersTimeout: 120_000, bodyTimeout: 120_000 });
  const attempts = new Map<string, number>();
  const sockets = new Set<Socket>();
  let current: Current | null = null;
  let touched = 0;

  const handle = async (req: IncomingMessage, res: ServerResponse) => {
    const t = options.now();
    const body = await readBody(req);
    const call = describeCall(req, body, options.keys, attempts);
    const fault = current;
    const action: CallAction = fault === null ? { act: 'relay' } : fault.decide(call, options.dialect);
    const name = action.act === 'relay' ? null : (fault?.name ?? null);
    if (name !== null) touched++;
    const done = (status: number | null, outcome: 'passed' | 'faulted' | 'aborted') =>
      options.record({
        kind: 'upstream',
        t,
        endT: options.now(),
        marker: call.marker,
        key: call.key,
        stream: isStreamed(body, options.dialect),
        fault: name,
        status,
        outcome,
        ...(action.act === 'relay' && action.quotaUsed !== undefined ? { quotaUsed: action.quotaUsed } : {}),
      });
    await act(action, { req, res, body, pool, done });
  };

  const create = (): Server => {
    const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
      handle(req, res).catch(() => res.destroy());
    });
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    return server;
  };
  let server = create();
  await listenOn(server, options.host, options.port);
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: `http://${options.host}:${port}`,
    setFault: (fault) => {
      current = fault === null ? null : { decide: decideCalls(fault), name: faultName(fault) };
      touched = 0;
      attempts.clear();
    },
    refuse: stop,
    listen: async () => {
      server = create();
      await listenOn(server, options.host, port);
    },
    touched: () => touched,
    close: async () => {
      await stop();
      await pool.destroy();
    },
  };
}

interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  body: Buffer;
  pool: Pool;
  done: (status: number | null, outcome: 'passed' | 'faulted' | 'aborted') => void;
}

async function act(action: CallAction, exchange: Exchange): Promise<void> {
  const { res, req, done } = exchange;
  switch (action.act) {
    case 'relay':
      return relay(exchange, null, action.headers);
    case 'cut-answer':
      return relay(exchange, action.afterEvents);
    case 'answer':
      res.writeHead(action.status, action.headers).end(action.body);
      return done(action.status, 'faulted');
    case 'silence':
      // Held until the caller gives up or the fault ends and takes its connections along.
      res.once('close', () => done(null, 'faulted'));
      return;
    case 'cut-request':
      req.socket.resetAndDestroy();
      return done(null, 'faulted');
  }
}

/** What of the next frame is still let through: the cut falls inside it. */
const bytesOfNextFrame = 7;

/** Relays; with `cutAfter` the answer breaks off after that many events, or half-way when it is one body. */
async function relay(
  { req, res, body, pool, done }: Exchange,
  cutAfter: number | null,
  extra: Record<string, string> = {},
): Promise<void> {
  const abort = new AbortController();
  res.once('close', () => abort.abort());
  let answer: Dispatcher.ResponseData;
  try {
    answer = await pool.request({
      path: req.url ?? '/',
      method: (req.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: forwardable(req),
      body: body.length > 0 ? body : null,
      signal: abort.signal,
    });
  } catch {
    done(null, 'aborted');
    res.destroy();
    return;
  }
  const headers = { ...responseHeaders(answer.headers), ...extra };
  const streamed = /event-stream|ndjson/.test(String(answer.headers['content-type'] ?? ''));
  let events = 0;
  try {
    if (cutAfter !== null && !streamed) {
      const whole = Buffer.from(await answer.body.arrayBuffer());
      // The length of the whole is promised: that is how its reader can tell that half is missing.
      res.writeHead(answer.statusCode, { ...headers, 'content-length': String(whole.length) });
      res.write(whole.subarray(0, Math.max(1, whole.length >> 1)));
      return cut(res, () => done(answer.statusCode, 'faulted'));
    }
    res.writeHead(answer.statusCode, headers);
    res.flushHeaders();
    let within = false;
    for await (const chunk of answer.body) {
      const bytes = chunk as Buffer;
      if (within) {
        res.write(bytes.subarray(0, bytesOfNextFrame));
        return cut(res, () => done(answer.statusCode, 'faulted'));
      }
      const end = cutAfter === null ? null : endOfEvent(bytes, cutAfter - events);
      if (end !== null) {
        res.write(bytes.subarray(0, end + bytesOfNextFrame));
        if (end < bytes.length) return cut(res, () => done(answer.statusCode, 'faulted'));
        within = true; // the next frame comes in a chunk of its own
        continue;
      }
      events += countEvents(bytes);
      res.write(bytes);
    }
    if (within) return cut(res, () => done(answer.statusCode, 'faulted'));
    res.end();
    done(answer.statusCode, cutAfter === null ? 'passed' : 'faulted');
  } catch {
    done(answer.statusCode, 'aborted');
    res.destroy();
  }
}

/** Lets what was written leave before the connection is reset, so that the caller sees a part of the answer. */
function cut(res: ServerResponse, then: () => void): void {
  setTimeout(() => {
    res.socket?.destroy();
    then();
  }, 30);
}

function countEvents(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf('\n'); at !== -1; at = bytes.indexOf('\n', at + 1)) if (bytes[at + 1] !== 0x0a) count++;
  return count;
}

/** Where the n-th event (n ≥ 1) ends in these bytes; null when it does not. */
function endOfEvent(bytes: Buffer, n: number): number | null {
  let seen = 0;
  for (let at = bytes.indexOf('\n'); at !== -1; at = bytes.indexOf('\n', at + 1)) {
    if (bytes[at + 1] !== 0x0a && ++seen >= n) return at + 1;
  }
  return null;
}

function describeCall(
  req: IncomingMessage,
  body: Buffer,
  keys: FaultProxyOptions['keys'],
  attempts: Map<string, number>,
): Call {
  const marker = lastMarker(body.toString('utf8'));
  const earlierAttempts = marker === null ? 0 : (attempts.get(marker) ?? 0);
  if (marker !== null) attempts.set(marker, earlierAttempts + 1);
  return { key: whichKey(req, keys), marker, earlierAttempts, isChat: req.method === 'POST' && marker !== null };
}

/** By hash, so that the ledger never holds a key. */
function whichKey(req: IncomingMessage, keys: FaultProxyOptions['keys']): Call['key'] {
  const given = /^Bearer\s+(.+)$/i.exec(req.headers.authorization ?? '')?.[1] ?? req.headers['x-api-key'];
  if (typeof given !== 'string' || given === '') return 'none';
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  if (hash(given) === hash(keys.primary)) return 'primary';
  return hash(given) === hash(keys.spare) ? 'spare' : 'other';
}

function isStreamed(body: Buffer, dialect: Dialect): boolean {
  try {
    const stream = (JSON.parse(body.toString('utf8')) as { stream?: unknown } | null)?.stream;
    return dialect === 'ollama' ? stream !== false : stream === true;
  } catch {
    return false;
  }
}

async function readBody(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    size += (chunk as Buffer).length;
    if (size > maxBodyBytes) throw new Error('request body too large for the fault proxy');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function forwardable(req: IncomingMessage): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(req.headers).filter(
      (entry): entry is [string, string | string[]] => entry[1] !== undefined && !hopByHop.has(entry[0]),
    ),
  );
}

function responseHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] => entry[1] !== undefined && !hopByHop.has(entry[0]),
    ),
  );
}

async function listenOn(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
