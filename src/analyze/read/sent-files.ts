// Files that lie beside the chat they were sent in: Le Chat's export puts them into `chat-ID-files/` next to `chat-ID.json`.
import { type Chunks, kindOf } from './byte-source.ts';

/** What is read into one chat; larger files are told like any other member. */
const mostBytes = 8 * 2 ** 20;

export interface SentFiles {
  /** By the name of a chat's file: the names of what was sent in it. */
  byOwner: ReadonlyMap<string, readonly string[]>;
  /** All that belong to some chat. */
  owned: ReadonlySet<string>;
}

/** `names` with `/` between folders. */
export function sentFiles(names: readonly string[]): SentFiles {
  const all = new Set(names);
  const byOwner = new Map<string, string[]>();
  for (const name of names) {
    const base = /^(.+)-files\/[^/]+$/.exec(name)?.[1];
    if (base === undefined || !all.has(`${base}.json`)) continue;
    byOwner.set(`${base}.json`, [...(byOwner.get(`${base}.json`) ?? []), name]);
  }
  return { byOwner, owned: new Set([...byOwner.values()].flat()) };
}

/** Reads texts by their short names until there are too many bytes of them. */
export function createFileReader() {
  const files: Record<string, string> = {};
  let left = mostBytes;
  return {
    files,
    /** False when it is no text or does not fit. */
    async take(name: string, size: number, open: () => Promise<Chunks>): Promise<boolean> {
      if (size > left) return false;
      const held: Uint8Array[] = [];
      let read = 0;
      for await (const chunk of await open()) {
        held.push(chunk);
        read += chunk.length;
        if (read > left) return false;
      }
      const bytes = Buffer.concat(held);
      const kind = kindOf(bytes.subarray(0, 8_192));
      if (kind === 'binary' || kind === 'zip' || kind === 'gzip') return false;
      left -= read;
      files[name.slice(name.lastIndexOf('/') + 1)] = bytes.toString();
      return true;
    },
  };
}
