// The thread in which sinks are served: reading the journal's files and waiting for other machines, far from any request.
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { StoreLocation } from '../../store/store.ts';
import { type DeliveryState, deliver, type Pace, usualPace } from './deliver.ts';
import { openOffsets } from './offsets.ts';
import { openOtlpLogs } from './otlp-logs.ts';
import type { Sink } from './sink.ts';
import type { SinkSettings, SinksSettings } from './sinks-config.ts';
import { openStoreIndex } from './store-index.ts';
import { openSyslog } from './syslog.ts';
import { openWebhook } from './webhook.ts';

export interface SinksData {
  journal: string;
  /** Where each sink's place is kept. */
  folder: string;
  index: StoreLocation | null;
  settings: SinksSettings;
}

export interface FromSinks {
  name: string;
  state: DeliveryState;
}

/** The index shares this machine with the requests: it may lag behind them, not slow them. */
const indexPace: Pace = { ...usualPace, records: 2_000, bytes: 4_194_304, restMs: 200, restTimes: 4 };

// On Linux a priority is a thread's own: a copy may come later than the answer it is of.
if (process.platform === 'linux') setPriority(5);

const port = parentPort!;
const { journal, folder, index, settings } = workerData as SinksData;
const stop = new AbortController();
const sinks: { name: string; sink: Sink; pace: Pace }[] = await Promise.all(
  settings.to.map(async (one) => ({ name: one.name, sink: await openSink(one), pace: usualPace })),
);
if (index !== null) sinks.push({ name: 'search', sink: openStoreIndex(index), pace: indexPace });

const work = sinks.map(async ({ name, sink, pace }) => {
  const offsets = openOffsets(folder, name, Date.now);
  const parts = { journal, offsets, sink, now: Date.now, random: Math.random, report: reporter(name), pause };
  await deliver(parts, pace, stop.signal);
  await sink.close();
});

port.once('message', () => {
  stop.abort();
  // The thread ends by itself, once the places are saved by whoever is at it.
  void Promise.allSettled(work).then(() => port.close());
});

async function openSink(one: SinkSettings): Promise<Sink> {
  switch (one.kind) {
    case 'elasticsearch': {
      // Its client is large, and most instances have no need of it.
      const { openElasticsearch } = await import('./elasticsearch.ts');
      return openElasticsearch(one, Date.now);
    }
    case 'syslog':
      return openSyslog(one);
    case 'otlp':
      return openOtlpLogs(one, Date.now);
    case 'webhook':
      return openWebhook(one, Date.now);
  }
}

/** A change of state is told at once, figures every half second. */
function reporter(name: string): (state: DeliveryState) => void {
  let last = { at: 0, state: '', refused: 0 };
  let timer: NodeJS.Timeout | undefined;
  return (state) => {
    const tell = () => {
      clearTimeout(timer);
      timer = undefined;
      last = { at: Date.now(), state: state.state, refused: state.refused };
      port.postMessage({ name, state } satisfies FromSinks);
    };
    if (state.state !== last.state || state.refused !== last.refused || Date.now() - last.at > 500) tell();
    else {
      clearTimeout(timer);
      timer = setTimeout(tell, 500);
      timer.unref();
    }
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
