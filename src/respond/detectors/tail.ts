// Follows one file as it grows, through renaming, truncation and copying away; whole lines only, each of bounded length.
import { hash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** How far a file was read: enough to know it again under another name, or to see that it is another one. */
export interface TailPlace {
  inode: number;
  /** The byte at which the first line that was not handed out begins. */
  byte: number;
  /** Of the file's first bytes. */
  headBytes: number;
  headHash: string;
}

export interface TailLine {
  text: string;
  /** Bytes that were left out at its end. */
  cutBytes: number;
}

export interface TailLimits {
  lineBytes: number;
  /** Read in one look. */
  lookBytes: number;
  /** What lies further back is passed over, and its number told. */
  behindBytes: number;
}

export interface Tail {
  /** Hands out what is new; true when there is more than one look may read. */
  look(take: (line: TailLine) => void): Promise<boolean>;
  place(): TailPlace | undefined;
  skippedBytes(): number;
}

export const tailLimits: TailLimits = { lineBytes: 16_384, lookBytes: 4_194_304, behindBytes: 67_108_864 };
const chunkBytes = 262_144;
const headMost = 256;
const lineFeed = 0x0a;

/** `from`: where it was left; `end`: what stands in it is history, when there is no such place. */
export function createTail(path: string, start: { from?: TailPlace; end: boolean }, limits = tailLimits): Tail {
  const lines = createLines(limits.lineBytes);
  let place = start.from;
  let skipped = 0;

  /** What is left in the file that lay here, found by its inode under its new name. */
  async function finishRenamed(old: TailPlace, take: (line: TailLine) => void): Promise<void> {
    const name = basename(path);
    const folder = dirname(path);
    const names = (await readdir(folder).catch(() => [])).filter((one) => one !== name && one.startsWith(name));
    for (const one of names.slice(0, 1_000)) {
      const file = join(folder, one);
      const found = await stat(file).catch(() => undefined);
      if (found?.ino !== old.inode || !found.isFile()) continue;
      place = old;
      while (await readOn(file, take)) {}
      return;
    }
  }

  async function readOn(file: string, take: (line: TailLine) => void): Promise<boolean> {
    const handle = await open(file, 'r');
    try {
      const { ino, size } = await handle.stat();
      const head = async (bytes: number) => {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
        return hash('sha256', buffer.subarray(0, bytesRead), 'hex');
      };
      if (place === undefined) {
        const headBytes = Math.min(size, headMost);
        place = { inode: ino, byte: start.end ? size : 0, headBytes, headHash: await head(headBytes) };
        // In the midst of a line: what comes first is its rest.
        lines.restart(start.end && size > 0 && !(await endsLine(handle, size)));
      }
      const isSame = place.headBytes <= size && place.headHash === (await head(place.headBytes));
      if (!isSame || size < place.byte) {
        place = { inode: ino, byte: 0, headBytes: 0, headHash: await head(0) };
        lines.restart();
      }
      if (place.headBytes < headMost && size > place.headBytes) {
        const headBytes = Math.min(size, headMost);
        place = { ...place, headBytes, headHash: await head(headBytes) };
      }
      const behind = size - place.byte;
      if (behind > limits.behindBytes) {
        skipped += behind - limits.behindBytes;
        place = { ...place, byte: size - limits.behindBytes };
        lines.restart(true);
      }
      return await readPiece(handle, size, take);
    } finally {
      await handle.close();
    }
  }

  async function readPiece(
    handle: Awaited<ReturnType<typeof open>>,
    size: number,
    take: (line: TailLine) => void,
  ): Promise<boolean> {
    const buffer = Buffer.alloc(Math.min(chunkBytes, Math.max(1, size)));
    let at = place!.byte + lines.heldBytes();
    const until = Math.min(size, at + limits.lookBytes);
    while (at < until) {
      const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, until - at), at);
      if (bytesRead === 0) break;
      at += bytesRead;
      lines.add(buffer.subarray(0, bytesRead), take);
      place = { ...place!, byte: at - lines.heldBytes() };
    }
    return at < size;
  }

  return {
    async look(take) {
      const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
        throw error;
      });
      if (found === undefined || !found.isFile()) {
        // It may have been renamed and not made anew yet; from now on what appears here is new.
        if (place !== undefined) await finishRenamed(place, take);
        start.end = false;
        return false;
      }
      if (place !== undefined && place.inode !== found.ino) {
        await finishRenamed(place, take);
        lines.flush(take);
        place = { inode: found.ino, byte: 0, headBytes: 0, headHash: hash('sha256', '', 'hex') };
      }
      return readOn(path, take);
    },
    place: () => place,
    skippedBytes: () => skipped,
  };
}

async function endsLine(handle: Awaited<ReturnType<typeof open>>, size: number): Promise<boolean> {
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] === lineFeed;
}

/** Cuts bytes into lines; of a line that is too long the begin is kept. */
function createLines(lineBytes: number) {
  let held: Buffer[] = [];
  let kept = 0;
  let total = 0;
  let isRest = false;

  function restart(inLine = false): void {
    held = [];
    kept = 0;
    total = 0;
    isRest = inLine;
  }

  function hold(bytes: Buffer): void {
    total += bytes.length;
    const piece = bytes.subarray(0, lineBytes - kept);
    if (piece.length === 0) return;
    held.push(Buffer.from(piece));
    kept += piece.length;
  }

  function end(take: (line: TailLine) => void): void {
    const text = Buffer.concat(held).toString('utf8');
    const cutBytes = total - kept;
    const isWhole = !isRest;
    restart();
    if (isWhole) take({ text: text.endsWith('\r') ? text.slice(0, -1) : text, cutBytes });
  }

  return {
    restart,
    heldBytes: () => total,
    add(bytes: Buffer, take: (line: TailLine) => void): void {
      let from = 0;
      for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, from)) {
        hold(bytes.subarray(from, at));
        from = at + 1;
        end(take);
      }
      if (from < bytes.length) hold(bytes.subarray(from));
    },
    /** What lacks its line feed and will not get one any more. */
    flush(take: (line: TailLine) => void): void {
      if (total > 0) end(take);
    },
  };
}
