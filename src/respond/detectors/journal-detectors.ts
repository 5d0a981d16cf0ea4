// The detectors that read the journal, both in one thread of their own: a record costs them 50 µs, which requests would wait for.
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { smallThread, threadUrl } from '../../platform/base/thread.ts';
import type { Detector, DetectorContext } from './detector.ts';
import { loadShippedSigma, loadSigma } from './load-sigma.ts';

export interface JournalDetectorsParts {
  /** The data directory: its journal is followed, places are kept in it. */
  data: string;
  /** Whether the journal's own chain is followed. */
  chain: boolean;
  /** Folders with Sigma rules beside the shipped ones. */
  sigma: readonly string[];
  /** Told of each file of those folders that is not used. */
  refused?: (file: string, what: string) => void;
}

export type JournalDetectorName = 'journal-chain' | 'journal-patterns';
export type JournalThreadData = { dir: string; placesFile: string; sigma: readonly string[] };
export type ToJournalThread =
  | { kind: 'start'; name: JournalDetectorName }
  | { kind: 'close'; name: JournalDetectorName }
  | { kind: 'tightness'; value: number };
export type FromJournalThread = { name: JournalDetectorName } & (
  | { kind: 'report'; detection: Parameters<DetectorContext['report']>[0] }
  | { kind: 'alive' | 'closed' }
  | { kind: 'failed'; why: string }
);

export function journalDetectors({ data, chain, sigma, refused = () => {} }: JournalDetectorsParts): Detector[] {
  const shipped = loadShippedSigma();
  const own = loadSigma(sigma);
  for (const { file, what } of own.refused) refused(file, what);
  const rules = [...shipped.rules, ...shipped.correlations, ...own.rules, ...own.correlations];
  const thread = createThread({
    dir: join(data, 'journal'),
    placesFile: join(data, 'detectors', 'journal-places.json'),
    sigma,
  });
  const detector = (name: JournalDetectorName, types: readonly string[]): Detector => ({
    name,
    types,
    deadAfterMs: 60_000,
    start: (context) => thread.start(name, context),
  });
  return [
    ...(chain ? [detector('journal-chain', ['log-injection'])] : []),
    detector('journal-patterns', [...new Set(rules.map(({ type }) => type))]),
  ];
}

interface Started {
  context: DetectorContext;
  closed: () => void;
}

/** There from the first start to the last close; begun anew by who is started after it failed. */
function createThread(workerData: JournalThreadData) {
  const started = new Map<JournalDetectorName, Started>();
  let worker: Worker | undefined;
  let tightness = 1;

  function failed(error: unknown): void {
    worker = undefined;
    for (const [name, { context, closed }] of [...started]) {
      started.delete(name);
      closed();
      context.failed(error);
    }
  }

  function heard(message: FromJournalThread): void {
    const one = started.get(message.name);
    if (one === undefined) return;
    if (message.kind === 'report') one.context.report(message.detection);
    else if (message.kind === 'failed') one.context.failed(new Error(message.why));
    else if (message.kind === 'alive') {
      one.context.alive();
      tell(one.context.tightness());
    } else {
      started.delete(message.name);
      one.closed();
    }
  }

  function tell(value: number): void {
    if (value === tightness) return;
    tightness = value;
    send({ kind: 'tightness', value });
  }

  function begin(): Worker {
    const begun = new Worker(threadUrl('journal-thread', import.meta.url), { workerData, resourceLimits: smallThread });
    begun.on('message', heard);
    begun.on('error', (error) => begun === worker && failed(error));
    begun.on('exit', () => begun === worker && failed(new Error('the thread that reads the journal has ended')));
    begun.unref();
    tightness = 1;
    return begun;
  }

  function send(message: ToJournalThread): void {
    worker?.postMessage(message);
  }

  return {
    start(name: JournalDetectorName, context: DetectorContext) {
      worker ??= begin();
      let closed = () => {};
      const end = new Promise<void>((resolve) => {
        closed = resolve;
      });
      started.set(name, { context, closed });
      send({ kind: 'start', name });
      tell(context.tightness());
      return {
        async close() {
          send({ kind: 'close', name });
          await end;
          if (started.size > 0 || worker === undefined) return;
          const last = worker;
          worker = undefined;
          await last.terminate();
        },
      };
    },
  };
}
