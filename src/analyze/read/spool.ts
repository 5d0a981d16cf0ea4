// A stream as a file of its own, for archives that come through a pipe or lie in another archive.
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asUnwritable } from '../../platform/base/unwritable.ts';
import type { Chunks } from './byte-source.ts';

export interface Spooled extends Disposable {
  path: string;
  whole: boolean;
}

/** Throws ERR_OUTPUT_UNWRITABLE where there is no room. Writes at most `maxBytes` into a folder that only its owner can read, removed when disposed of. */
export async function spool(chunks: Chunks, maxBytes: number): Promise<Spooled> {
  const folder = mkdtempSync(join(tmpdir(), 'rempart-export-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const path = join(folder, 'archive');
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
    await pipeline(Readable.from(limited()), createWriteStream(path, { mode: 0o600 }));
  } catch (error) {
    remove();
    throw asUnwritable(tmpdir(), error);
  }
  return { path, whole, [Symbol.dispose]: remove };
}
