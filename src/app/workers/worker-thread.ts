// The thread of one worker: opens its data plane, shows that it is alive, and has last words for those in hand when it fails.
import { getHeapSpaceStatistics } from 'node:v8';
import { parentPort, resourceLimits, workerData } from 'node:worker_threads';
import { RempartError } from '../../platform/base/errors.ts';
import type { LossCause } from './fleet.ts';
import { openLink } from './link.ts';
import { type OpenWorker, openWorker } from './open-worker.ts';
import type { WorkerStart } from './protocol.ts';

const beatEveryMs = 500;
/** From this share of the heap on, in looks one after the other, it is only a question of time. */
const fullFrom = 0.85;
const fullLooks = 4;
/** What was written last has left by then. */
const lastWordsMs = 250;

const served: Record<string, object> = {};
const main = openLink(parentPort!, served);
let worker: OpenWorker | undefined;
let isDying = false;

function die(cause: LossCause, error: unknown): void {
  if (isDying) return;
  isDying = true;
  const { code, name } = error as NodeJS.ErrnoException;
  main.tell('fleet', 'dying', cause, code ?? name);
  worker?.stopListening();
  worker?.underWay.lastWords();
  // What it is in the middle of may be broken: it does nothing more, and waits to be ended.
  setTimeout(() => main.tell('fleet', 'dead'), lastWordsMs);
}

process.on('uncaughtException', (error) => die('exception', error));
// Something ended the thread: a write to a socket still gets through from here.
process.on('exit', () => {
  if (!isDying) worker?.underWay.lastWords();
});

function startBeating({ crew, stopListening, underWay }: OpenWorker): void {
  let full = 0;
  let isLeaving = false;
  setInterval(() => {
    if (isDying) return;
    crew.beat();
    full = shareOfHeap() > fullFrom ? full + 1 : 0;
    if (!isLeaving && full >= fullLooks) {
      isLeaving = true;
      // First, so that nobody comes any more once another one is on its way.
      stopListening();
      main.tell('fleet', 'spent');
    } else if (isLeaving && underWay.count() === 0) main.tell('fleet', 'dead');
  }, beatEveryMs);
}

/** Of what is not new any more: the rest has room of its own. */
function shareOfHeap(): number {
  const { maxOldGenerationSizeMb: limit = Number.POSITIVE_INFINITY } = resourceLimits;
  let used = 0;
  for (const { space_name: name, space_used_size: size } of getHeapSpaceStatistics())
    if (!/^(?:new|read_only|shared)_/.test(name)) used += size;
  return used / (limit * 1_048_576);
}

try {
  worker = await openWorker(workerData as WorkerStart, main);
  served['worker'] = worker.served;
  startBeating(worker);
  main.tell('fleet', 'ready');
} catch (error) {
  const { code, facts } = error instanceof RempartError ? error : new RempartError('ERR_INTERNAL', {}, error);
  main.tell('fleet', 'failed', code, facts);
}
