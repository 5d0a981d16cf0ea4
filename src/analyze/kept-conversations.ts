// Analysed conversations kept in their order, in a file that has no name: however many there are, memory does not grow.
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writable } from '../platform/base/unwritable.ts';
import type { AnalysedConversation } from '../platform/documents/analysis.ts';

export interface KeptConversations extends Iterable<AnalysedConversation> {
  /** A conversation as JSON in UTF-8. */
  add(written: Uint8Array): void;
  close(): void;
}

/** Small analyses never touch the disk. */
const inMemoryBytes = 2 * 2 ** 20;
/** What waits to be written once a file is there. */
const bytesAtOnce = 2 ** 18;

/** What was added is a copy; each walk through it reads it anew. */
export function keepConversations(mostInMemory = inMemoryBytes): KeptConversations {
  let memory: Uint8Array[] = [];
  let size = 0;
  let file: { fd: number; forget: () => void } | null = null;
  /** The length of each in the file, in order: a number apiece is all that grows with the input. */
  const lengths: number[] = [];
  let end = 0;

  /** Written together: a call of the system for each takes longer than the writing. */
  function spill(): void {
    file ??= openNameless();
    const bytes = Buffer.concat(memory);
    for (let written = 0; written < bytes.length; )
      written += writeSync(file.fd, bytes, written, bytes.length - written, end + written);
    for (const { length } of memory) lengths.push(length);
    end += bytes.length;
    memory = [];
    size = 0;
  }

  return {
    add(written) {
      memory.push(written);
      size += written.length;
      if (size > (file === null ? mostInMemory : bytesAtOnce)) writable(tmpdir(), spill);
    },
    *[Symbol.iterator]() {
      let at = 0;
      for (const length of lengths) {
        const bytes = Buffer.alloc(length);
        for (let got = 0; got < length; ) {
          const more = readSync(file!.fd, bytes, got, length - got, at + got);
          if (more === 0) break;
          got += more;
        }
        at += length;
        yield JSON.parse(bytes.toString()) as AnalysedConversation;
      }
      for (const bytes of memory) yield JSON.parse(Buffer.from(bytes).toString()) as AnalysedConversation;
    },
    close() {
      file?.forget();
      file = null;
      lengths.length = 0;
      memory = [];
    },
  };
}

/** Readable by its owner only, and gone with the process, however that ends (where the system allows it). */
function openNameless(): { fd: number; forget: () => void } {
  const path = join(tmpdir(), `rempart-analysis-${process.pid}-${randomBytes(6).toString('hex')}`);
  const fd = openSync(path, 'wx+', 0o600);
  let named = true;
  const unname = () => {
    try {
      unlinkSync(path);
      named = false;
    } catch {
      // Windows keeps an open file's name until it is closed.
    }
  };
  unname();
  return {
    fd,
    forget() {
      closeSync(fd);
      if (named) unname();
    },
  };
}
