// A thread that hashes one file after another, so that the program's own loop never waits for a disk or a digest.
import { parentPort } from 'node:worker_threads';
import { hashFile } from './hash-file.ts';

export interface ToHasher {
  id: number;
  file: string;
}

export type FromHasher =
  | { kind: 'progress'; id: number; bytes: number }
  | ({ kind: 'hashed'; id: number } & ReturnType<typeof hashFile>)
  | { kind: 'failed'; id: number; code: string };

parentPort?.on('message', ({ id, file }: ToHasher) => {
  const port = parentPort!;
  try {
    port.postMessage({
      kind: 'hashed',
      id,
      ...hashFile(file, (bytes) => port.postMessage({ kind: 'progress', id, bytes })),
    });
  } catch (error) {
    port.postMessage({ kind: 'failed', id, code: (error as NodeJS.ErrnoException).code ?? 'unknown' });
  }
});
