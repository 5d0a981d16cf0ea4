// What the tests of sinks have in common: a journal that is written by the real writer, and servers that take, refuse and go away.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Journal } from '../src/platform/journal/journal.ts';
import { type Journals, openJournals } from '../src/platform/journal/journals.ts';
import { apiActivity } from '../src/platform/journal/ocsf.ts';
import { type JournalRecord, parseLine } from '../src/platform/journal/record.ts';
import { type DeliveryState, deliver, usualPace } from '../src/platform/journal/sinks/deliver.ts';
import { openOffsets } from '../src/platform/journal/sinks/offsets.ts';
import type { Sink } from '../src/platform/journal/sinks/sink.ts';
import { makePlace } from './instance.ts';

export interface Written {
  data: string;
  journals: Journals;
  journal: Journal;
  /** Appends so many ordinary events; resolves once they are on disk. */
  write(count: number, more?: Record<string, string>): Promise<void>;
}

export async function openJournal(data: string, segmentBytes = 67_108_864): Promise<Written> {
  const journals = await openJournals({ dir: join(data, 'journal'), keyFile: join(data, 'key.pem'), segmentBytes });
  const journal = await journals.stream('gateway');
  let written = 0;
  return {
    data,
    journals,
    journal,
    async write(count, more = {}) {
      const appended = Array.from({ length: count }, () => journal.append(event(written++, more)));
      await Promise.all(appended);
    },
  };
}

/** A journal in a folder of its own, which goes when the test ends. */
export async function place(t: { after: (end: () => void) => void }, segmentBytes?: number) {
  const { dir, remove } = makePlace();
  t.after(remove);
  return openJournal(dir, segmentBytes);
}

function event(number: number, more: Record<string, string>) {
  return apiActivity({
    time: Date.now(),
    activity: 'create',
    operation: 'POST /v1/chat/completions',
    actor: { subject: `user-${number % 3}`, credential: 'rmp_abc' },
    sourceIp: '192.0.2.7',
    correlation: `req_${number}`,
    status: 'success',
    unmapped: { phase: 'outcome', number, ...more },
  });
}

export interface Delivery {
  states: DeliveryState[];
  last(): DeliveryState | undefined;
  stop(): Promise<void>;
}

/** Delivery in this process, quick to repeat. */
export function startDelivery(data: string, name: string, sink: Sink, records = 50): Delivery {
  const states: DeliveryState[] = [];
  const end = new AbortController();
  const work = deliver(
    {
      journal: join(data, 'journal'),
      offsets: openOffsets(join(data, 'sinks'), name, Date.now),
      sink,
      now: Date.now,
      random: Math.random,
      report: (state) => states.push(state),
      pause: (ms, signal) =>
        new Promise((resolve) => {
          const timer = setTimeout(resolve, ms);
          timer.unref();
          signal.addEventListener(
            'abort',
            () => {
              clearTimeout(timer);
              resolve();
            },
            { once: true },
          );
        }),
    },
    { ...usualPace, records, idleMs: 10, backoff: { firstMs: 5, mostMs: 40 } },
    end.signal,
  );
  return {
    states,
    last: () => states.at(-1),
    async stop() {
      end.abort();
      await work;
      await sink.close();
    },
  };
}

export interface HttpSide {
  url: string;
  port: number;
  requests: { path: string; method: string; headers: IncomingMessage['headers']; body: string }[];
  close(): Promise<void>;
}

export async function startHttp(
  answer: (req: IncomingMessage, res: ServerResponse, body: string) => void,
  port = 0,
): Promise<HttpSide> {
  const requests: HttpSide['requests'] = [];
  const server: Server = createServer((req, res) => {
    let body = '';
    req.on('data', (piece) => {
      body += piece;
    });
    req.on('end', () => {
      requests.push({ path: req.url ?? '', method: req.method ?? '', headers: req.headers, body });
      answer(req, res, body);
    });
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const at = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${at}`,
    port: at,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Elasticsearch's bulk endpoint as far as the client asks of it: documents by index and id, each created once. */
export interface BulkSide extends HttpSide {
  documents: Map<string, { index: string; source: Record<string, unknown> }>;
  /** How often each id was sent. */
  sent: Map<string, number>;
  templates: string[];
}

export async function startBulk(
  fault: (nth: number, id: string, attempt: number) => number | undefined = () => undefined,
  {
    port = 0,
    documents = new Map(),
    sent = new Map(),
    whole = () => undefined as number | undefined,
  }: {
    port?: number;
    documents?: BulkSide['documents'];
    sent?: BulkSide['sent'];
    whole?: () => number | undefined;
  } = {},
): Promise<BulkSide> {
  const templates: string[] = [];
  const reply = (res: ServerResponse, status: number, body: unknown) => {
    res.writeHead(status, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' });
    res.end(JSON.stringify(body));
  };
  const side = await startHttp((req, res, body) => {
    const refusal = whole();
    if (refusal !== undefined) return reply(res, refusal, { error: { type: 'x' }, status: refusal });
    if (req.url?.startsWith('/_index_template/')) {
      templates.push(body);
      return reply(res, 200, { acknowledged: true });
    }
    const lines = body.split('\n').filter((line) => line !== '');
    const items: object[] = [];
    for (let at = 0; at < lines.length; at += 2) {
      const { create } = JSON.parse(lines[at]!) as { create: { _index: string; _id: string } };
      const { _index: index, _id: id } = create;
      const attempt = (sent.get(id) ?? 0) + 1;
      sent.set(id, attempt);
      const status = fault(at / 2, id, attempt) ?? (documents.has(id) ? 409 : 201);
      if (status === 201) documents.set(id, { index, source: JSON.parse(lines[at + 1]!) as Record<string, unknown> });
      items.push({
        create: {
          _index: index,
          _id: id,
          status,
          ...(status < 300 ? {} : { error: { type: 'mapper_parsing_exception' } }),
        },
      });
    }
    reply(res, 200, { took: 1, errors: items.some((item) => JSON.stringify(item).includes('error')), items });
  }, port);
  return Object.assign(side, { documents, sent, templates });
}

export interface TcpSide {
  port: number;
  /** Octet-counted messages, whole ones only. */
  messages(): string[];
  drop(): void;
  close(): Promise<void>;
}

export async function startTcp(port = 0): Promise<TcpSide> {
  let held = Buffer.alloc(0);
  const sockets = new Set<Socket>();
  const found: string[] = [];
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    held = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (piece: Buffer) => {
      held = Buffer.concat([held, piece]);
      for (;;) {
        const space = held.indexOf(0x20);
        if (space < 0) return;
        const length = Number(held.subarray(0, space).toString());
        if (held.length < space + 1 + length) return;
        found.push(held.subarray(space + 1, space + 1 + length).toString('utf8'));
        held = held.subarray(space + 1 + length);
      }
    });
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    messages: () => found,
    drop() {
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

export function recordIn(syslog: string): JournalRecord {
  return parseLine(Buffer.from(syslog.slice(syslog.indexOf('\ufeff') + 1))) as JournalRecord;
}
