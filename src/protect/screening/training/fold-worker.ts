// Scores benign texts in a thread of its own by models that saw none of their kind by the same authors, and nothing of their source.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { foldOf, type Read, readAll, type Sources } from './examples.ts';
import { loudest, scoreExample, trainHead } from './learn.ts';
import type { Scored } from './thresholds.ts';

interface Task {
  sources: Sources;
  fold: number;
}

export function scoreApart(sources: Sources, fold: number): Promise<Scored[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { sources, fold } satisfies Task });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

function scoreFold({ single, examples }: Read, fold: number): Scored[] {
  const rest = examples.filter((one) => foldOf(one) !== fold);
  const models = (['user', 'tool', 'user-run', 'tool-run'] as const).map((head) => trainHead(head, rest));
  const runs = models.find(({ head }) => head === 'user-run')!;
  return single
    .filter((one) => foldOf(one) === fold && !one.attack)
    .map((one) => ({
      id: one.id,
      role: one.role,
      logits: new Map(models.map((trained) => [trained.head, scoreExample(trained, one)])),
      loudest: loudest(runs, one),
    }));
}

if (!isMainThread) {
  const { sources, fold } = workerData as Task;
  parentPort?.postMessage(scoreFold(readAll(sources), fold));
}
