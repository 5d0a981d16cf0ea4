// Opens the journal directory: several streams, one writer thread, one line of checkpoints over them all.
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { RempartError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import { smallThread, threadUrl } from '../base/thread.ts';
import type { Journal, Receipt, When } from './journal.ts';
import type { Batch, FromWriter, ToWriter, WriterData } from './writer-thread.ts';

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
/** How long a record that nobody waits for waits for company. */
const soonMs = 3;
/** Of SHA-256 in hex. */
const hashLength = 64;

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
    append(event, when = 'now') {
      appending();
      try {
        return link.append(name, frozenText(event), now(), when);
      } catch (error) {
        return Promise.reject(error);
      }
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
  append(stream: string, event: string, time: number, when: When): Promise<Receipt>;
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
  let batches: Batch[] = [];
  let batch: Batch | undefined;
  let posted = 0;
  let atTurnEnd = false;
  let soon = false;

  port.on('message', (message: FromWriter) => {
    if (message.kind === 'done') owed.settle(message);
    else {
      const error = unwritable(message.code);
      onError(error);
      owed.fail(message.first, message.count, error);
    }
    if (!message.isBatch) return;
    posted--;
    if (batches.length > 0) flush();
  });
  function flush(): void {
    if (batches.length === 0) return;
    const waiting = batches;
    batches = [];
    batch = undefined;
    for (const one of waiting) {
      posted++;
      port.postMessage(one satisfies ToWriter);
    }
  }
  /** While one batch is synced and the next one lies ready for it, a third would only make more messages of the same records. */
  function flushInTurn(): void {
    atTurnEnd = false;
    if (posted < 2) flush();
  }
  function flushSoon(): void {
    soon = false;
    if (posted < 2) flush();
  }
  return {
    async ask(message) {
      const id = ++lastId;
      const answered = owed.wait(id);
      flush();
      port.postMessage(message(id));
      await answered;
    },
    append(stream, event, time, when) {
      const id = ++lastId;
      const answered = owed.wait(id) as Promise<Receipt>;
      if (batch?.stream !== stream) {
        batch = { kind: 'append', first: id, stream, events: [], times: [] };
        batches.push(batch);
      }
      batch.events.push(event);
      batch.times.push(time);
      // One that nobody waits for begins no sync: the next request, alone, would wait for the disk to have done this one.
      if (when === 'soon') {
        if (!soon) setTimeout(flushSoon, soonMs).unref();
        soon = true;
      }
      // A thread that has nothing to do begins while this turn of the event loop goes on: a screening took longer than a sync.
      else if (posted === 0) flush();
      // Else all that the turn brings goes to it as one message.
      else if (!atTurnEnd) {
        atTurnEnd = true;
        setImmediate(flushInTurn);
      }
      return answered;
    },
    join: (one) => port.postMessage({ kind: 'join', port: one } satisfies ToWriter, [one]),
    lost: owed.failAll,
    keepAlive: owed.keepAlive,
  };
}

/** The answers that the thread owes. An idle journal keeps no process alive; one that owes an answer does. */
function createOwed(worker: Worker | MessagePort) {
  const waiting = new Map<
    number,
    { resolve: (receipt: Receipt | undefined) => void; reject: (error: RempartError) => void }
  >();
  let dead: RempartError | null = null;
  let ending = false;
  const forget = (id: number): void => {
    waiting.delete(id);
    if (waiting.size === 0 && !ending) worker.unref();
  };
  const fail = (first: number, count: number, error: RempartError): void => {
    for (let id = first; id < first + count; id++) {
      waiting.get(id)?.reject(error);
      forget(id);
    }
  };
  return {
    fail,
    wait(id: number): Promise<Receipt | undefined> {
      if (dead !== null) return Promise.reject(dead);
      if (waiting.size === 0) worker.ref();
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
    settle({ first, stream, seq, hashes }: Extract<FromWriter, { kind: 'done' }>): void {
      const count = Math.max(1, hashes.length / hashLength);
      for (let at = 0; at < count; at++) {
        const hash = hashes.slice(at * hashLength, (at + 1) * hashLength);
        waiting.get(first + at)?.resolve(hash === '' ? undefined : { stream, seq: seq + at, hash });
        forget(first + at);
      }
    },
    failAll(error: RempartError): void {
      dead ??= error;
      for (const id of [...waiting.keys()]) fail(id, 1, dead);
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
