// Makes a file that is there with all its bytes or not at all.
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, unlinkSync, writeFileSync } from 'node:fs';

/** False when the file is already there. Written under another name (0600), synced, then linked: a crash leaves no short file, and of two makers one wins. */
export function createWhole(file: string, bytes: Uint8Array): boolean {
  const draft = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`;
  const fd = openSync(draft, 'wx', 0o600);
  try {
    writeFileSync(fd, bytes);
    fsyncSync(fd);
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    closeSync(fd);
    unlinkSync(draft);
  }
}
