// A thread that hashes one file after another, so that the program's own loop never waits for a disk or a digest.
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { identityOf } from './store.ts';

export interface ToHasher {
  id: number;
  file: string;
}

export type FromHasher =
  | { kind: 'progress'; id: number; bytes: number }
  | { kind: 'hashed'; id: number; sha256: string; bytes: number; stat: ReturnType<typeof identityOf> }
  | { kind: 'failed'; id: number; code: string };

/** Measured with SHA-256 on NVMe: 256 KiB to 4 MiB are equal, below that each call costs. */
const chunkBytes = 1_048_576;
const tellEveryBytes = 64 * chunkBytes;
const buffer = Buffer.allocUnsafeSlow(chunkBytes);

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

/** The digest and the identity that the file had from the first byte to the last; EBUSY when it changed meanwhile. */
function hashFile(file: string, tell: (bytes: number) => void) {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const before = identityOf(fstatSync(fd, { bigint: true }));
    const hash = createHash('sha256');
    let bytes = 0;
    let told = 0;
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) {
      hash.update(read === chunkBytes ? buffer : buffer.subarray(0, read));
      bytes += read;
      if (bytes - told >= tellEveryBytes) {
        tell(bytes - told);
        told = bytes;
      }
    }
    tell(bytes - told);
    const after = identityOf(fstatSync(fd, { bigint: true }));
    if (JSON.stringify(before) !== JSON.stringify(after)) throw Object.assign(new Error('changed'), { code: 'EBUSY' });
    return { sha256: hash.digest('hex'), bytes, stat: after };
  } finally {
    closeSync(fd);
  }
}
