// Writes the checkpoints, and makes the key that signs them.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cutTornTail, type Disk, openAppendFile, syncDirectory, type Torn } from './append-file.ts';
import type { Head } from './chain.ts';
import {
  checkpointHash,
  checkpointsFile,
  firstCheckpointPrev,
  keyId,
  publicKeyFile,
  readCheckpoint,
  signCheckpoint,
} from './checkpoint.ts';

export interface CheckpointLog {
  /** The heads that the newest checkpoint signs. */
  readonly signed: Readonly<Record<string, Head>>;
  readonly torn: Torn | null;
  /** Signs these heads durably, unless they are already signed. The very first one is written even for no heads. */
  write(heads: Readonly<Record<string, Head>>, time: number): void;
  close(): void;
}

export function openCheckpointLog(options: { dir: string; keyFile: string; disk: Disk; now: number }): CheckpointLog {
  const privateKey = readOrCreateKey(options.keyFile);
  publishKey(options.dir, privateKey);
  const path = join(options.dir, checkpointsFile);
  const found = existsSync(path)
    ? cutTornTail(path, options.now, (line) => readCheckpoint(line, null).kind === 'checkpoint')
    : { torn: null, last: null };
  const file = openAppendFile(path, options.disk);
  const read = found.last === null ? null : readCheckpoint(found.last, null);
  let seq = read?.kind === 'checkpoint' ? read.checkpoint.seq : 0;
  let signed: Readonly<Record<string, Head>> = read?.kind === 'checkpoint' ? read.checkpoint.heads : {};
  let prev = found.last === null ? firstCheckpointPrev : checkpointHash(found.last);
  const key = keyId(privateKey);

  return {
    get signed() {
      return signed;
    },
    torn: found.torn,
    write(heads, time) {
      if (seq > 0 && sameHeads(heads, signed)) return;
      const line = signCheckpoint({ heads: { ...signed, ...heads }, key, prev, seq: seq + 1, time }, privateKey);
      file.append(Buffer.from(`${line}\n`));
      seq += 1;
      prev = checkpointHash(line);
      signed = { ...signed, ...heads };
    },
    close: () => file.close(),
  };
}

function sameHeads(a: Readonly<Record<string, Head>>, b: Readonly<Record<string, Head>>): boolean {
  return Object.entries(a).every(([stream, head]) => b[stream]?.seq === head.seq && b[stream]?.hash === head.hash);
}

function readOrCreateKey(file: string): KeyObject {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const { privateKey } = generateKeyPairSync('ed25519');
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(file, pem, { mode: 0o600, flag: 'wx', flush: true });
    syncDirectory(dirname(file));
  }
  return createPrivateKey(readFileSync(file));
}

/** The public key lies beside the journal, so that anyone can verify; an existing one is never replaced. */
function publishKey(dir: string, privateKey: KeyObject): void {
  const path = join(dir, publicKeyFile);
  const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }) as string;
  if (!existsSync(path)) writeFileSync(path, pem, { mode: 0o644, flag: 'wx', flush: true });
}
