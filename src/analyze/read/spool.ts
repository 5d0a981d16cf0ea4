// A stream as a file of its own, for archives that come through a pipe or lie in another archive.
import { closeSync, createWriteStream, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asUnwritable, writable } from '../../platform/base/unwritable.ts';
import type { Chunks } from './byte-source.ts';

export interface Spooled extends Disposable {
  path: string;
  whole: boolean;
}

/** Throws ERR_OUTPUT_UNWRITABLE where there is no room. Writes at most `maxBytes` into a folder that only its owner can read, removed when disposed of. */
export async function spool(chunks: Chunks, maxBytes: number): Promise<Spooled> {
  const { fd, path, forget } = writable(tmpdir(), open);
  let whole = true;
  async function* limited() {
    let written = 0;
    for await (const chunk of chunks) {
      written += chunk.length;
      whole = written <= maxBytes;
      if (!whole) return;
      yield chunk;
    }
  }
  try {
    await pipeline(Readable.from(limited()), createWriteStream(path, { fd, autoClose: false }));
  } catch (error) {
    // The stream that failed has closed the file itself.
    forget();
    throw asUnwritable(tmpdir(), error);
  }
  return {
    path,
    whole,
    [Symbol.dispose]() {
      closeSync(fd);
      forget();
    },
  };
}

/** Where an open file can be reached without its name, the name goes at once: a killed process leaves no export behind. */
function open(): { fd: number; path: string; forget: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-export-'));
  const named = join(folder, 'archive');
  const fd = openSync(named, 'wx+', 0o600);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const nameless = `/proc/self/fd/${fd}`;
  const isReachable = process.platform === 'linux' && existsSync(nameless);
  if (isReachable) remove();
  return {
    fd,
    path: isReachable ? nameless : named,
    forget: isReachable ? () => {} : remove,
  };
}
