// YAML files that come with the program, parsed once for all threads: one of them parses, and hands the values to the others.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

const handed = new Map<string, unknown>();

/** The value of a file whose `text` was just read; not to be changed. */
export function parsedFile(path: string, text: string): unknown {
  return handed.has(path) ? handed.get(path) : parse(text);
}

/** The values of these files, for `takeParsedFiles` in another thread. */
export function parsedFiles(paths: readonly string[]): string {
  return JSON.stringify(paths.map((path) => [path, parse(readFileSync(path, 'utf8')) as unknown]));
}

/** The rules of the analysis so are there in 5 ms; to parse them takes a thread half a second. */
export function takeParsedFiles(values: string): void {
  for (const [path, value] of JSON.parse(values) as [string, unknown][]) handed.set(path, value);
}
