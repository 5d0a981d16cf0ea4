// Opens the journal directory: several streams, one writer thread, one line of checkpoints over them all.
import { Worker } from 'node:worker_threads';
import { RempartError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { threadUrl } from '../base/thread.ts';
import type { Head } from './chain.ts';
import type { Journal, Receipt } from './journal.ts';
import type { FromWriter, ToWriter, WriterData } from './writer-thread.ts';

export interface Journals {
  /** The stream's chain, recovered if a crash tore its end. Names: a-z, 0-9 and hyphens. */
  stream(name: string): Promise<Journal>;
  /** Signs all heads now. */
  checkpoint(): Promise<void>;
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
    if (changed) checkpoint().catch(() => undefined);
  }, options.checkpointEveryMs ?? 10_000);
  timer.unref();

  const stream = async (name: string): Promise<Journal> => {
    if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) throw new TypeError(`a stream is not named ${JSON.stringify(name)}`);
    await link.ask((id) => ({ kind: 'open', id, stream: name, now: now() }));
    return {
      async append(event): Promise<Receipt> {
        changed = true;
        const head = await link.append(name, frozenText(event), now());
        return { stream: name, ...head };
      },
      checkpoint,
      // Appends are in the thread's queue before this question: its answer comes after theirs.
      close: checkpoint,
    };
  };
  let closing: Promise<void> | undefined;
  return {
    stream,
    checkpoint,
    close: () => {
      clearInterval(timer);
      closing ??= link.end(now());
      return closing;
    },
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
  end(now: number): Promise<void>;
}

async function startWriter(options: JournalsOptions, now: number): Promise<WriterLink> {
  const { dir, keyFile, segmentBytes = 67_108_864 } = options;
  const workerData: WriterData = { dir, keyFile, segmentBytes, now };
  const worker = new Worker(threadUrl('writer-thread', import.meta.url), { workerData });
  const owed = createOwed(worker);
  let lastId = 0;
  let entries: Extract<ToWriter, { kind: 'append' }>['entries'] = [];

  worker.on('message', (message: FromWriter) => {
    if (message.kind === 'done') return owed.settle(message.results);
    const error = unwritable(message.code);
    options.onError?.(error);
    owed.fail(message.ids, error);
  });
  worker.on('error', (error) => {
    const dead = unwritable((error as NodeJS.ErrnoException).code ?? error.name, error);
    options.onError?.(dead);
    owed.failAll(dead);
  });
  // Not events.once(): it would reject on `error`, which is already told.
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve())).then(() =>
    owed.failAll(unwritable('closed')),
  );
  const flush = (): void => {
    if (entries.length === 0) return;
    worker.postMessage({ kind: 'append', entries } satisfies ToWriter);
    entries = [];
  };
  const ask = async (message: (id: number) => ToWriter): Promise<void> => {
    const id = ++lastId;
    const answered = owed.wait(id);
    flush();
    worker.postMessage(message(id));
    await answered;
  };
  // The first answer says that the directory, the key and the chains could be opened.
  await ask((id) => ({ kind: 'checkpoint', id, now }));
  return {
    ask,
    async append(stream, event, time) {
      const id = ++lastId;
      const answered = owed.wait(id);
      // All that one turn of the event loop brings goes to the thread as one message.
      if (entries.length === 0) setImmediate(flush);
      entries.push({ id, stream, event, time });
      return (await answered)!;
    },
    async end(at) {
      owed.keepAlive();
      try {
        await ask((id) => ({ kind: 'close', id, now: at }));
      } catch (error) {
        // The last checkpoint could not be written: the thread must not outlive its journal for that.
        await worker.terminate();
        throw error;
      }
      await ended;
    },
  };
}

/** The answers that the thread owes. An idle journal keeps no process alive; one that owes an answer does. */
function createOwed(worker: Worker) {
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
      worker.ref();
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
