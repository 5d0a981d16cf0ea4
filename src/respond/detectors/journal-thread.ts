// The thread in which the journal is read by its detectors: what they see goes to the main thread as messages.
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { createLog } from '../../platform/base/log.ts';
import type { Detector, DetectorContext } from './detector.ts';
import { journalChainDetector } from './journal-chain.ts';
import type {
  FromJournalThread,
  JournalDetectorName,
  JournalThreadData,
  ToJournalThread,
} from './journal-detectors.ts';
import { journalPatternsDetector } from './journal-patterns.ts';
import { loadShippedSigma, loadSigma } from './load-sigma.ts';
import { realTimers as timers } from './timers.ts';

const port = parentPort!;
const { dir, placesFile, sigma } = workerData as JournalThreadData;
const log = createLog('warn');
// On Linux a priority is a thread's own: what is seen a little later slows no request.
if (process.platform === 'linux') setPriority(5);

const handles = new Map<JournalDetectorName, ReturnType<Detector['start']>>();
let tightness = 1;
const say = (message: FromJournalThread) => port.postMessage(message);

const makers: Readonly<Record<JournalDetectorName, () => Detector>> = {
  'journal-chain': () => journalChainDetector({ dir, timers }),
  'journal-patterns'() {
    const [shipped, own] = [loadShippedSigma(), loadSigma(sigma)];
    return journalPatternsDetector({
      dir,
      rules: [...shipped.rules, ...own.rules],
      correlations: [...shipped.correlations, ...own.correlations],
      timers,
      placesFile,
    });
  },
};

function contextOf(name: JournalDetectorName): DetectorContext {
  return {
    report: (detection) => say({ kind: 'report', name, detection }),
    alive: () => say({ kind: 'alive', name }),
    failed: (error) => say({ kind: 'failed', name, why: error instanceof Error ? error.message : 'unknown' }),
    now: Date.now,
    log,
    tightness: () => tightness,
  };
}

port.on('message', (message: ToJournalThread) => {
  if (message.kind === 'tightness') tightness = message.value;
  else if (message.kind === 'start') start(message.name);
  else void close(message.name);
});

function start(name: JournalDetectorName): void {
  const context = contextOf(name);
  try {
    handles.set(name, makers[name]().start(context));
  } catch (error) {
    context.failed(error);
  }
}

async function close(name: JournalDetectorName): Promise<void> {
  const handle = handles.get(name);
  handles.delete(name);
  try {
    await handle?.close();
  } finally {
    say({ kind: 'closed', name });
  }
}
