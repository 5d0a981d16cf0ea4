// What was hashed before, by file; bound to the trusted list, and signed so that nobody else can vouch for a file.
import type { JsonObject } from '../../../platform/base/json.ts';
import { openSigner, readSigned, signDocument, writeSigned } from './signed-file.ts';
import { type FileIdentity, sameFile } from './store.ts';
import type { ListFiles } from './trusted-list.ts';

export interface HashCache {
  /** The digest of the file as it is, if it was hashed in just this state. */
  find(path: string, stat: FileIdentity): string | undefined;
  /** The file was hashed before, and has changed since. */
  changed(path: string, stat: FileIdentity): boolean;
  /** `readFrom`: when reading began, in milliseconds since the epoch. */
  keep(path: string, stat: FileIdentity, sha256: string, readFrom: number): void;
  save(): void;
}

interface Entry {
  stat: FileIdentity;
  sha256: string;
}

/** Above the step of the clock that stamps files on Linux (4 to 10 ms), macOS and Windows. */
const tickMs = 50;

const schema = 'rempart/model-hashes@1';

/** `list`: the signature of the trusted list; with another list every file is read anew. */
export function openHashCache(files: ListFiles, root: string, list: string): HashCache {
  const signer = openSigner(files.key);
  const read = readSigned(files.cache, schema, signer);
  const ours = read.kind === 'signed' && read.signed.document['list'] === list && read.signed.document['root'] === root;
  const given = ours ? (read.signed.document['files'] as unknown as Record<string, Entry>) : {};
  const entries = new Map(Object.entries(given));
  let fresh = false;
  return {
    find(path, stat) {
      const entry = entries.get(path);
      return entry !== undefined && sameFile(entry.stat, stat) ? entry.sha256 : undefined;
    },
    changed(path, stat) {
      const entry = entries.get(path);
      return entry !== undefined && !sameFile(entry.stat, stat);
    },
    keep(path, stat, sha256, readFrom) {
      // A file may change twice within one tick of its clock: one that changed just before it was read is read again.
      if (readFrom - Number(BigInt(stat.ctimeNs) / 1_000_000n) < tickMs) return;
      fresh = true;
      entries.set(path, { stat, sha256 });
    },
    save() {
      if (!fresh) return;
      fresh = false;
      const document = { schema, list, root, files: Object.fromEntries(entries) } as unknown as JsonObject;
      writeSigned(files.cache, signDocument(document, signer));
    },
  };
}
