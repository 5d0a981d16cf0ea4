// Hashes many files side by side, the largest first, in threads of their own.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { threadUrl } from '../../../platform/base/thread.ts';
import { hashFile } from './hash-file.ts';
import type { FromHasher, ToHasher } from './hash-thread.ts';
import type { FileIdentity } from './store.ts';

export type Hashed =
  | { kind: 'hashed'; sha256: string; bytes: number; stat: FileIdentity }
  | { kind: 'failed'; code: string };

/** Some 2 ms of the program's own loop. */
const inlineBytes = 1_048_576;

export interface HashOptions {
  threads?: number;
  /** Bytes read since the last call. */
  onProgress?: (bytes: number) => void;
  signal?: AbortSignal;
}

/** The answer for each file, in the order given. Rejects with the signal's reason. */
export async function hashFiles(
  files: readonly { file: string; size: number }[],
  { threads = Math.min(availableParallelism(), 8), onProgress, signal }: HashOptions = {},
): Promise<Hashed[]> {
  const results: Hashed[] = files.map(() => ({ kind: 'failed', code: 'unknown' }));
  const all = files.reduce((sum, { size }) => sum + size, 0);
  // A thread takes longer to start than a few small files take to hash.
  if (all <= inlineBytes) return files.map(({ file }) => hashHere(file, onProgress));
  // The largest first: else the last thread would be left alone with it.
  const queue = files.map(({ size }, id) => ({ id, size })).sort((a, b) => b.size - a.size);
  const workers = Array.from({ length: Math.min(threads, files.length) }, () => startWorker());
  try {
    await Promise.all(workers.map((worker) => work(worker)));
    return results;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  async function work(worker: Worker): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      results[next.id] = await ask(worker, { id: next.id, file: files[next.id]!.file });
    }
  }

  function ask(worker: Worker, question: ToHasher): Promise<Hashed> {
    return new Promise((resolve, reject) => {
      const stop = () => end(() => reject(signal?.reason));
      const failed = (error: unknown) => end(() => reject(error));
      const take = (message: FromHasher) => {
        if (message.kind === 'progress') return onProgress?.(message.bytes);
        end(() => resolve(message));
      };
      const end = (then: () => void) => {
        worker.off('message', take);
        worker.off('error', failed);
        signal?.removeEventListener('abort', stop);
        then();
      };
      if (signal?.aborted) return reject(signal.reason);
      worker.on('message', take);
      worker.once('error', failed);
      signal?.addEventListener('abort', stop, { once: true });
      worker.postMessage(question);
    });
  }
}

function hashHere(file: string, onProgress: (bytes: number) => void = () => undefined): Hashed {
  try {
    return { kind: 'hashed', ...hashFile(file, onProgress) };
  } catch (error) {
    return { kind: 'failed', code: (error as NodeJS.ErrnoException).code ?? 'unknown' };
  }
}

function startWorker(): Worker {
  return new Worker(threadUrl('hash-thread', import.meta.url));
}
