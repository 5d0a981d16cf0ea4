// A secret that is made once and kept in a file of its own.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createWhole } from './create-whole.ts';

/** The bytes in `file`; on first use `bytes` random ones, on disk before they are returned, readable by their owner only. */
export function readOrCreateSecret(file: string, bytes: number): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  createWhole(file, randomBytes(bytes));
  return readFileSync(file);
}
