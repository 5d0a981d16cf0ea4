// YAML files that come with the program, parsed once for all threads, and once for all runs where Node keeps what it compiled.
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import { parse } from 'yaml';

const handed = new Map<string, unknown>();

/** The value of a file whose `text` was just read; not to be changed. */
export function parsedFile(path: string, text: string): unknown {
  return handed.has(path) ? handed.get(path) : parse(text);
}

/** The values of these files, for `takeParsedFiles` in another thread. */
export function parsedFiles(paths: readonly string[]): string {
  const texts = paths.map((path) => readFileSync(path, 'utf8'));
  const cache = cacheOf(paths, texts);
  const kept = cache === null ? null : keptIn(cache);
  if (kept !== null) return kept;
  const values = JSON.stringify(paths.map((path, i) => [path, parse(texts[i]!) as unknown]));
  if (cache !== null) keepIn(cache, values);
  return values;
}

/** The rules of the analysis so are there in 5 ms; to parse them takes half a second. */
export function takeParsedFiles(values: string): void {
  for (const [path, value] of JSON.parse(values) as [string, unknown][]) handed.set(path, value);
}

/** Null where Node keeps nothing: then nothing is kept here either. Another text or another place is another file. */
function cacheOf(paths: readonly string[], texts: readonly string[]): string | null {
  const folder = getCompileCacheDir();
  if (folder === undefined) return null;
  const hash = createHash('sha256')
    .update(JSON.stringify([paths, texts]))
    .digest('hex');
  return join(folder, `rempart-${hash}.json`);
}

function keptIn(file: string): string | null {
  try {
    const values = readFileSync(file, 'utf8');
    JSON.parse(values);
    return values;
  } catch {
    // None yet, or half of one: it is written anew.
    return null;
  }
}

function keepIn(file: string, values: string): void {
  const fresh = `${file}.${process.pid}`;
  try {
    writeFileSync(fresh, values, { mode: 0o600 });
    renameSync(fresh, file);
  } catch {
    // A full disk, or a folder of somebody else's: the next run parses again.
  }
}
