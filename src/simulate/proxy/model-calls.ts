// The HTTP side of one proxy: every call is read, judged by the faults in their order, carried out and written down.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Pool } from 'undici';
import type { CallAction } from '../faults/fault.ts';
import { type CallOutcome, playCall } from '../faults/llm/play-call.ts';
import { parseUpstream } from './address.ts';
import { type CallFacts, callFacts } from './call-facts.ts';
import { type CallFault, playOf } from './call-fault.ts';
import { createLease, type Lease } from './lease.ts';
import { draw } from './random.ts';
import { Refusal } from './refusal.ts';
import { parseScript } from './script.ts';

export interface ActiveFault {
  name: string;
  fault: CallFault;
  lease: Lease;
  /** Calls that it concerned, and calls that it hit. */
  seen: number;
  hits: number;
}

/** One line of the ledger. */
export interface CallRecord extends Omit<CallFacts, 'dialect'> {
  proxy: string;
  /** The call's number on its proxy, from 1. */
  ordinal: number;
  at: string;
  ms: number | null;
  fault: string | null;
  status: number | null;
  outcome: CallOutcome | 'open';
}

export interface ModelCalls {
  list(): ActiveFault[];
  /** Throws a Refusal (404). */
  find(name: string): ActiveFault;
  /** Throws a Refusal (400, 409). */
  add(fault: CallFault): ActiveFault;
  remove(name: string): void;
  clear(): void;
  serve(client: Duplex, end: (how: 'close' | 'reset') => void): void;
  records(): CallRecord[];
  /** The upstream changed. */
  moved(): void;
  close(): Promise<void>;
}

export interface ModelCallsParts {
  name: string;
  upstream: () => string;
  seed: () => number;
  now: () => number;
}

interface Armed extends ActiveFault {
  fails: (ordinal: number) => boolean;
  counts: Map<string, number>;
  lifted: AbortController;
}

const maxBodyBytes = 16 * 1024 * 1024;
const keptRecords = 1000;

export function createModelCalls({ name: proxy, upstream, seed, now }: ModelCallsParts): ModelCalls {
  let armed: Armed[] = [];
  let pool: { of: string; pool: Pool } | null = null;
  let ordinal = 0;
  let records: CallRecord[] = [];
  const ends = new WeakMap<object, (how: 'close' | 'reset') => void>();
  const silenced = new Map<ServerResponse, string>();

  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0, highWaterMark: 65_536 }, (req, res) => {
    handle(req, res).catch(() => ends.get(req.socket)?.('close'));
  });

  function upstreamPool(): Pool {
    const target = upstream();
    if (pool?.of === target) return pool.pool;
    void pool?.pool.close().catch(() => {});
    const address = parseUpstream(target);
    if (address === null) throw new Refusal(500, 'the upstream is no address');
    const { host, port, tls } = address;
    const origin = `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
    // A long answer of a slow model is no failure: how long to wait is the caller's decision.
    pool = { of: target, pool: new Pool(origin, { headersTimeout: 0, bodyTimeout: 0, connectTimeout: 30_000 }) };
    return pool.pool;
  }

  /** The first fault, in the order in which they came, that hits this call. */
  function decide(call: CallFacts, text: Buffer): { fault: Armed; play: CallAction } | null {
    for (const fault of armed) {
      if (!concerns(fault.fault, call, text)) continue;
      fault.seen++;
      const group = groupOf(fault.fault, call);
      const nth = (fault.counts.get(group) ?? 0) + 1;
      fault.counts.set(group, nth);
      if (!fault.fails(nth)) continue;
      if (fault.fault.share < 1 && draw(seed(), 'share', proxy, fault.name, group, nth) >= fault.fault.share) continue;
      fault.hits++;
      return { fault, play: playOf(fault.fault, call) };
    }
    return null;
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const began = now();
    const at = new Date().toISOString();
    const body = await readBody(req);
    if (body === null) {
      res.writeHead(413, { connection: 'close' }).end();
      return;
    }
    const { dialect, ...facts } = callFacts(req, body, undefined);
    const decided = decide({ ...facts, dialect }, body);
    const record: CallRecord = {
      proxy,
      ordinal: ++ordinal,
      at,
      ...facts,
      ms: null,
      fault: decided?.fault.name ?? null,
      status: null,
      outcome: 'open',
    };
    if (records.length >= 2 * keptRecords) records = records.slice(-keptRecords);
    records.push(record);
    if (decided?.play.act === 'silence') {
      silenced.set(res, decided.fault.name);
      res.once('close', () => silenced.delete(res));
    }
    await playCall(decided?.play ?? { act: 'relay' }, {
      req,
      res,
      body,
      upstream: upstreamPool(),
      lifted: decided?.fault.lifted.signal,
      cut: (how) => ends.get(req.socket)?.(how),
      done: (status, outcome) => Object.assign(record, { status, outcome, ms: Math.round(now() - began) }),
    });
  }

  /** A call that was held is never answered; its connection must not outlive the fault. */
  function letGo(fault: string): void {
    for (const [res, by] of silenced) if (by === fault && res.socket !== null) ends.get(res.socket)?.('close');
  }

  function remove(fault: Armed): void {
    fault.lease.end();
    fault.lifted.abort();
    armed = armed.filter((it) => it !== fault);
    letGo(fault.name);
  }

  const find = (name: string): Armed => {
    const found = armed.find((fault) => fault.name === name);
    if (found === undefined) throw new Refusal(404, 'fault not found');
    return found;
  };

  return {
    list: () => armed,
    find,
    add(fault) {
      const name = fault.name ?? fault.type;
      if (armed.some((it) => it.name === name)) throw new Refusal(409, 'fault already exists');
      const fails = fault.script === undefined ? () => true : parseScript(fault.script);
      const made: Armed = {
        name,
        fault,
        fails,
        counts: new Map(),
        lifted: new AbortController(),
        seen: 0,
        hits: 0,
        lease: createLease(() => remove(made)),
      };
      made.lease.set(fault.ttlMs);
      armed.push(made);
      return made;
    },
    remove: (name) => remove(find(name)),
    clear() {
      for (const fault of [...armed]) remove(fault);
    },
    serve(client, end) {
      ends.set(client, end);
      server.emit('connection', client);
    },
    records: () => records.slice(-keptRecords),
    moved() {
      void pool?.pool.close().catch(() => {});
      pool = null;
    },
    async close() {
      for (const fault of [...armed]) remove(fault);
      server.close();
      await pool?.pool.destroy();
    },
  };
}

function concerns({ match }: CallFault, call: CallFacts, body: Buffer): boolean {
  return (
    (match.marker === undefined || call.marker === match.marker) &&
    (match.conversation === undefined || call.conversation === match.conversation) &&
    (match.keyHash === undefined || call.keyHash?.startsWith(match.keyHash) === true) &&
    (match.path === undefined || call.path.startsWith(match.path)) &&
    (match.method === undefined || call.method === match.method.toUpperCase()) &&
    (match.contains === undefined || body.includes(match.contains))
  );
}

function groupOf({ per }: CallFault, call: CallFacts): string {
  switch (per) {
    case 'all':
      return '';
    case 'marker':
      return call.marker ?? '';
    case 'conversation':
      return call.conversation ?? '';
    case 'key':
      return call.keyHash ?? '';
  }
}

/** Null when it is larger than a call may be. */
async function readBody(req: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    size += (chunk as Buffer).length;
    // Read to its end all the same: whoever still writes does not hear an answer.
    if (size <= maxBodyBytes) chunks.push(chunk as Buffer);
  }
  if (size > maxBodyBytes) return null;
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
