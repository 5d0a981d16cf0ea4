// The file of the technical log: readable by its owner alone, set aside at a start that finds it large.
import { mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const maxBytes = 10 * 1024 * 1024;

/** Opens the file for appending and returns its descriptor; one beyond 10 MiB becomes FILE.1, in place of the one before. */
export function openLogFile(file: string): number {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > maxBytes) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}
