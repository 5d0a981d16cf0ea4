// Bytes kept under their own SHA-256: written whole and synced, checked each time they are read.
import { createHash, randomBytes } from 'node:crypto';
import { link, lstat, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StateUnfit } from './named-state.ts';
import { readSteadily } from './read-tree.ts';
import { syncFolder } from './sync-folder.ts';

export interface Stored {
  sha256: string;
  size: number;
  mode: number;
}

export interface Objects {
  /** Throws StateUnfit when the file cannot be read as it is. */
  put(file: string, maxBytes: number): Promise<Stored>;
  /** Writes them to a new file, synced. Throws StateUnfit `lost` or `checksum`. */
  copy(sha256: string, to: string, mode: number): Promise<void>;
  /** Hashes what is kept. Throws StateUnfit `lost` or `checksum`. */
  check(sha256: string): Promise<void>;
  all(): Promise<string[]>;
  remove(sha256: string): Promise<void>;
}

export function createObjects(dir: string): Objects {
  const place = (sha256: string) => join(dir, sha256.slice(0, 2), sha256);

  async function read(sha256: string, piece: (bytes: Buffer) => Promise<void> | void): Promise<void> {
    const hash = createHash('sha256');
    try {
      await readSteadily(place(sha256), Number.MAX_SAFE_INTEGER, async (bytes) => {
        hash.update(bytes);
        await piece(bytes);
      });
    } catch (error) {
      if (error instanceof StateUnfit && error.why === 'missing') throw new StateUnfit('lost', error);
      throw error;
    }
    if (hash.digest('hex') !== sha256) throw new StateUnfit('checksum');
  }

  return {
    async put(file, maxBytes) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const draft = join(dir, `draft-${process.pid}-${randomBytes(6).toString('hex')}`);
      const hash = createHash('sha256');
      let size = 0;
      try {
        const handle = await open(draft, 'wx', 0o600);
        let mode: number;
        try {
          ({ mode } = await readSteadily(file, maxBytes, async (bytes) => {
            hash.update(bytes);
            size += bytes.length;
            await handle.writeFile(bytes);
          }));
          await handle.sync();
        } finally {
          await handle.close();
        }
        const sha256 = hash.digest('hex');
        await keep(draft, place(sha256), () => read(sha256, () => undefined));
        return { sha256, size, mode };
      } finally {
        await rm(draft, { force: true });
      }
    },
    async copy(sha256, to, mode) {
      const handle = await open(to, 'wx', mode);
      try {
        await read(sha256, (bytes) => handle.writeFile(bytes));
        // What the umask took away.
        await handle.chmod(mode);
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
    check: (sha256) => read(sha256, () => undefined),
    async all() {
      const folders = await readdir(dir).catch(() => []);
      const below = folders
        .filter((name) => /^[0-9a-f]{2}$/.test(name))
        .map((name) => readdir(join(dir, name)).catch(() => []));
      return (await Promise.all(below)).flat().filter((name) => /^[0-9a-f]{64}$/.test(name));
    },
    remove: (sha256) => rm(place(sha256), { force: true }),
  };
}

/** Gives the draft its name. What lies there under that name already stays, unless its bytes are no longer those. */
async function keep(draft: string, file: string, isWhole: () => Promise<void>): Promise<void> {
  const folder = join(file, '..');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const there = await lstat(file).catch(() => undefined);
  if (there !== undefined) {
    const whole = await isWhole().then(
      () => true,
      () => false,
    );
    if (whole) return;
    await rm(file, { recursive: true, force: true });
  }
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  syncFolder(folder);
}
