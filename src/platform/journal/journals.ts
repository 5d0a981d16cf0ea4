// Opens the journal directory: several streams, one writer thread, one line of checkpoints over them all.
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { RempartError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { smallThread, threadUrl } from '../base/thread.ts';
import type { Head } from './chain.ts';
import type { Journal, Receipt } from './journal.ts';
import type { FromWriter, ToWriter, WriterData } from './writer-thread.ts';

export interface Journals {
  /** The stream's chain, recovered if a crash tore its end. Names: a-z, 0-9 and hyphens. */
  stream(name: string): Promise<Journal>;
  /** Signs all heads now. */
  checkpoint(): Promise<void>;
  /** For joinJournal() on another thread, which appends to the same chains: hand it over by transfer. */
  door(): MessagePort;
  /** Waits for what was appended, signs, ends the thread. */
  close(): Promise<void>;
}

export interface JournalsOptions {
  dir: string;
  /** Private Ed25519 key (PKCS#8 PEM, 0600), made on first use; best kept outside `dir`. */
  keyFile: string;
  now?: () => number;
  /** Told of each failed write or checkpoint; the callers of append() are told as well. */
  onError?: (error: RempartError) => void;
  checkpointEveryMs?: number;
  segmentBytes?: number;
}

const maxEventBytes = 1_048_576;

export async function openJournals(options: JournalsOptions): Promise<Journals> {
  const now = options.now ?? Date.now;
  const link = await startWriter(options, now());
  let changed = false;
  /** Another thread may have appended; heads that are signed are not signed again. */
  let joined = false;
  const checkpoint = async (): Promise<void> => {
    changed = false;
    try {
      await link.ask((id) => ({ kind: 'checkpoint', id, now: now() }));
    } catch (error) {
      changed = true;
      throw error;
    }
  };
  const timer = setInterval(() => {
    // A failure is told through onError, and `changed` stays set, so the next tick tries again.
    if (changed || joined) checkpoint().catch(() => undefined);
  }, options.checkpointEveryMs ?? 10_000);
  timer.unref();

  const stream = (name: string): Promise<Journal> =>
    openStream(link, name, now, {
      checkpoint,
      appending: () => {
        changed = true;
      },
    });
  let closing: Promise<void> | undefined;
  return {
    stream,
    checkpoint,
    door() {
      const { port1, port2 } = new MessageChannel();
      link.join(port1);
      joined = true;
      return port2;
    },
    close: () => {
      clearInterval(timer);
      closing ??= link.end(now());
      return closing;
    },
  };
}

/** One stream of a journal that another thread has open, over what its `door` gave. */
export async function joinJournal(
  door: MessagePort,
  name: string,
  { now = Date.now, onError = () => {} }: Pick<JournalsOptions, 'now' | 'onError'> = {},
): Promise<Journal> {
  const link = linkOver(door, onError);
  door.once('close', () => link.lost(unwritable('closed')));
  const checkpoint = () => link.ask((id) => ({ kind: 'checkpoint', id, now: now() }));
  return openStream(link, name, now, { checkpoint, appending() {} });
}

async function openStream(
  link: WriterLink,
  name: string,
  now: () => number,
  { checkpoint, appending }: { checkpoint: () => Promise<void>; appending: () => void },
): Promise<Journal> {
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) throw new TypeError(`a stream is not named ${JSON.stringify(name)}`);
  await link.ask((id) => ({ kind: 'open', id, stream: name, now: now() }));
  return {
    async append(event): Promise<Receipt> {
      appending();
      const head = await link.append(name, frozenText(event), now());
      return { stream: name, ...head };
    },
    checkpoint,
    // Appends are in the thread's queue before this question: its answer comes after theirs.
    close: checkpoint,
  };
}

/** The event's text as it is now, without `undefined` and the like; the writer's thread puts it in its canonical form. */
function frozenText(event: JsonObject): string {
  const text = JSON.stringify(event);
  if (text.length > maxEventBytes)
    throw new TypeError(`an event has ${text.length} characters, above ${maxEventBytes}`);
  return text;
}

interface WriterLink {
  append(stream: string, event: string, time: number): Promise<Head>;
  ask(message: (id: number) => ToWriter): Promise<void>;
  join(port: MessagePort): void;
  /** Nobody answers any more. */
  lost(error: RempartError): void;
  /** From now on what waits for an answer keeps the process alive. */
  keepAlive(): void;
}

async function startWriter(
  options: JournalsOptions,
  now: number,
): Promise<WriterLink & { end(now: number): Promise<void> }> {
  const { dir, keyFile, segmentBytes = 67_108_864, onError = () => {} } = options;
  const workerData: WriterData = { dir, keyFile, segmentBytes, now };
  const worker = new Worker(threadUrl('writer-thread', import.meta.url), { workerData, resourceLimits: smallThread });
  const link = linkOver(worker, onError);
  worker.on('error', (error) => {
    const dead = unwritable((error as NodeJS.ErrnoException).code ?? error.name, error);
    onError(dead);
    link.lost(dead);
  });
  // Not events.once(): it would reject on `error`, which is already told.
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve())).then(() =>
    link.lost(unwritable('closed')),
  );
  // The first answer says that the directory, the key and the chains could be opened.
  await link.ask((id) => ({ kind: 'checkpoint', id, now }));
  return {
    ...link,
    async end(at) {
      link.keepAlive();
      try {
        await link.ask((id) => ({ kind: 'close', id, now: at }));
      } catch (error) {
        // The last checkpoint could not be written: the thread must not outlive its journal for that.
        await worker.terminate();
        throw error;
      }
      await ended;
    },
  };
}

function linkOver(port: Worker | MessagePort, onError: (error: RempartError) => void): WriterLink {
  const owed = createOwed(port);
  let lastId = 0;
  let entries: Extract<ToWriter, { kind: 'append' }>['entries'] = [];

  port.on('message', (message: FromWriter) => {
    if (message.kind === 'done') return owed.settle(message.results);
    const error = unwritable(message.code);
    onError(error);
    owed.fail(message.ids, error);
  });
  const flush = (): void => {
    if (entries.length === 0) return;
    port.postMessage({ kind: 'append', entries } satisfies ToWriter);
    entries = [];
  };
  return {
    async ask(message) {
      const id = ++lastId;
      const answered = owed.wait(id);
      flush();
      port.postMessage(message(id));
      await answered;
    },
    async append(stream, event, time) {
      const id = ++lastId;
      const answered = owed.wait(id);
      // All that one turn of the event loop brings goes to the thread as one message.
      if (entries.length === 0) setImmediate(flush);
      entries.push({ id, stream, event, time });
      return (await answered)!;
    },
    join: (one) => port.postMessage({ kind: 'join', port: one } satisfies ToWriter, [one]),
    lost: owed.failAll,
    keepAlive: owed.keepAlive,
  };
}

/** The answers that the thread owes. An idle journal keeps no process alive; one that owes an answer does. */
function createOwed(worker: Worker | MessagePort) {
  const waiting = new Map<number, { resolve: (head: Head | null) => void; reject: (error: RempartError) => void }>();
  let dead: RempartError | null = null;
  let ending = false;
  const forget = (id: number): void => {
    waiting.delete(id);
    if (waiting.size === 0 && !ending) worker.unref();
  };
  const fail = (ids: Iterable<number>, error: RempartError): void => {
    for (const id of [...ids]) {
      waiting.get(id)?.reject(error);
      forget(id);
    }
  };
  return {
    fail,
    wait(id: number): Promise<Head | null> {
      if (dead !== null) return Promise.reject(dead);
      if (waiting.size === 0) worker.ref();
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
    settle(results: readonly { id: number; head: Head | null }[]): void {
      for (const { id, head } of results) {
        waiting.get(id)?.resolve(head);
        forget(id);
      }
    },
    failAll(error: RempartError): void {
      dead ??= error;
      fail(waiting.keys(), dead);
    },
    keepAlive(): void {
      ending = true;
      worker.ref();
    },
  };
}

function unwritable(code: string, cause?: unknown): RempartError {
  return new RempartError('ERR_JOURNAL_UNWRITABLE', { cause: code }, cause);
}
