// Starts the thread that serves the sinks, starts it again should it die, and tells how each sink is doing.
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Log } from '../../base/log.ts';
import { smallThread, threadUrl } from '../../base/thread.ts';
import type { StoreLocation } from '../../store/store.ts';
import type { DeliveryState } from './deliver.ts';
import { offsetsFile } from './offsets.ts';
import type { SinksSettings } from './sinks-config.ts';
import type { FromSinks, SinksData } from './sinks-thread.ts';

export interface Sinks {
  /** By name; a sink is missing until it has been heard of. */
  states(): Readonly<Record<string, DeliveryState>>;
  /** What is under way is finished or will be repeated at the next start. */
  close(): Promise<void>;
}

export interface SinksParts {
  data: string;
  store: StoreLocation;
  log: Pick<Log, 'info' | 'warn' | 'error'>;
}

const restartMs = 1_000;
const closeMs = 3_000;

/** On SQLite the index has a file of its own: it can be thrown away, and the conversations' file is not touched by it. */
export function indexLocation(data: string, store: StoreLocation): StoreLocation {
  return 'url' in store ? store : { path: join(data, 'search.sqlite') };
}

export function searchPlace(data: string, store: StoreLocation) {
  return {
    journal: join(data, 'journal'),
    offsets: offsetsFile(join(data, 'sinks'), 'search'),
    index: indexLocation(data, store),
  };
}

export function startSinks({ data, store, log }: SinksParts, settings: SinksSettings): Sinks {
  const states = new Map<string, DeliveryState>();
  let closing = false;
  let worker: Worker | undefined;
  let timer: NodeJS.Timeout | undefined;
  let ended: Promise<void> = Promise.resolve();
  if (!settings.search && settings.to.length === 0) return { states: () => ({}), close: async () => undefined };

  const workerData: SinksData = {
    journal: join(data, 'journal'),
    folder: join(data, 'sinks'),
    index: settings.search ? indexLocation(data, store) : null,
    settings: structuredClone(settings),
  };

  function heard({ name, state }: FromSinks): void {
    const before = states.get(name);
    states.set(name, state);
    const { cause, delivered } = state;
    if (state.state === 'away' && before?.state !== 'away')
      log.warn({ sink: name, cause }, 'a sink is away; its records wait in the journal');
    if (state.state === 'ok' && before?.state === 'away') log.info({ sink: name, delivered }, 'a sink is back');
    if (state.refused > (before?.refused ?? 0))
      log.error({ sink: name, refused: state.refused }, 'a sink refuses a record; it is listed beside its place');
  }

  function start(): void {
    const own = new Worker(threadUrl('sinks-thread', import.meta.url), { workerData, resourceLimits: smallThread });
    worker = own;
    own.unref();
    own.on('message', heard);
    own.on('error', (err) => log.error({ err }, 'the thread of the sinks ended; it is started again'));
    ended = new Promise((resolve) => own.once('exit', () => resolve()));
    void ended.then(() => {
      if (closing) return;
      timer = setTimeout(start, restartMs);
      timer.unref();
    });
  }
  start();

  return {
    states: () => Object.fromEntries(states),
    async close() {
      closing = true;
      clearTimeout(timer);
      worker?.ref();
      worker?.postMessage('close');
      const late = setTimeout(() => void worker?.terminate(), closeMs);
      await ended;
      clearTimeout(late);
    },
  };
}
