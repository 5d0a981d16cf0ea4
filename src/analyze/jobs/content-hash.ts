// One hash over an export: a file's bytes, or the names and bytes of all files of a folder.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { RempartError } from '../../platform/base/errors.ts';

/** Throws ERR_EXPORT_MISSING. */
export async function contentHash(path: string): Promise<string> {
  try {
    if (!(await stat(path)).isDirectory()) return await hashOfFile(path);
    const hash = createHash('sha256');
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort()) {
      const name = relative(path, file).replaceAll('\\', '/');
      hash.update(`${JSON.stringify(name)} ${await hashOfFile(file)}\n`);
    }
    return hash.digest('hex');
  } catch (error) {
    throw new RempartError('ERR_EXPORT_MISSING', { path }, error);
  }
}

async function hashOfFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
