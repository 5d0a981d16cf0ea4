// The fault proxy: what the target believes to be its provider. Relays to the stand-in or a real upstream, breaks calls as told, keeps the ledger.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Pool } from 'undici';
import type { Dialect } from '../../platform/wire/dialect.ts';
import { decideCalls, faultName } from '../faults/call-faults.ts';
import type { Call, CallAction, CallDecider, CallFault } from '../faults/fault.ts';
import { type CallOutcome, playCall } from '../faults/llm/play-call.ts';
import type { EvidenceOf } from '../scenarios/evidence.ts';
import { lastMarker } from '../targets/marker.ts';
import { createAuthority } from './certificate.ts';
import { createInterception } from './intercept.ts';

export interface FaultProxyOptions {
  host: string;
  port: number;
  /** Origin of what lies behind. */
  upstream: string;
  dialect: Dialect;
  /** Hosts that a target reaches through CONNECT and takes for its provider; none: every one. */
  hosts?: readonly string[];
  keys: { primary: string; spare: string };
  /** Milliseconds on the run's clock. */
  now: () => number;
  record: (call: Omit<EvidenceOf<'upstream'>, 'id'>) => void;
}

export interface FaultProxy {
  url: string;
  /** What a target must trust that comes by CONNECT, as PEM. */
  certificate: string;
  /** Every call from now on is decided by this fault; null relays untouched. */
  setFault(fault: CallFault | null): void;
  /** Closes the listener and every connection: connecting is refused until `listen`. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
  /** Calls touched by a fault since it was set. */
  touched(): number;
  close(): Promise<void>;
}

const maxBodyBytes = 16 * 1024 * 1024;

interface Current {
  decide: CallDecider;
  name: string;
}

export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const pool = new Pool(options.upstream, { connections: 64, headersTimeout: 120_000, bodyTimeout: 120_000 });
  const attempts = new Map<string, number>();
  const sockets = new Set<Socket>();
  const authority = createAuthority(Date.now());
  const interception = createInterception(authority, options.hosts ?? []);
  let current: Current | null = null;
  /** Callers that a silence keeps waiting. */
  const held = new Set<ServerResponse>();
  let touched = 0;
  let closed = false;

  const handle = async (req: IncomingMessage, res: ServerResponse) => {
    const t = options.now();
    // Who was told of a proxy for http names the whole address.
    if (req.url?.startsWith('http://')) req.url = req.url.replace(/^http:\/\/[^/]*/, '') || '/';
    const body = await readBody(req);
    const call = describeCall(req, body, options.keys, attempts);
    const fault = current;
    const action: CallAction = fault === null ? { act: 'relay' } : fault.decide(call, options.dialect);
    const name = action.act === 'relay' ? null : (fault?.name ?? null);
    if (name !== null) touched++;
    const done = (status: number | null, outcome: CallOutcome) =>
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
    // By RST only before any answer: an answer that breaks off does so as a provider's restart would.
    const cut = (how: 'close' | 'reset') =>
      void (how === 'reset' ? interception.under(req.socket).resetAndDestroy() : res.destroy());
    if (action.act === 'silence') {
      held.add(res);
      res.once('close', () => held.delete(res));
    }
    await playCall(action, { req, res, body, upstream: pool, cut, done });
  };

  const create = (): Server => {
    const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
      handle(req, res).catch(() => res.destroy());
    });
    server.on('connect', (req, socket, head) => interception.accept(server, req, socket, head));
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
    certificate: authority.certificate,
    setFault: (fault) => {
      current = fault === null ? null : { decide: decideCalls(fault), name: faultName(fault) };
      touched = 0;
      attempts.clear();
      // What was never answered is over with the fault, as where a network comes back and knows nothing of the connection.
      for (const { socket } of held) if (socket !== null) interception.under(socket).resetAndDestroy();
      held.clear();
    },
    refuse: stop,
    listen: async () => {
      // A fault that ends after everything was closed must not open it again: nothing would ever close it.
      if (closed) return;
      server = create();
      await listenOn(server, options.host, port);
    },
    touched: () => touched,
    close: async () => {
      closed = true;
      await stop();
      await pool.destroy();
    },
  };
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

async function listenOn(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
