// Whether what lies at a path is a state as its format and its schema want it: read and parsed, not only there.
import { readFile } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import type { Json } from '../../platform/base/json.ts';
import { readJsonSchema } from './json-schema.ts';
import { type NamedState, StateUnfit } from './named-state.ts';
import { listTree, mustBe, readSteadily, type TreeLimits } from './read-tree.ts';
import type { SqliteJob, SqliteResult } from './sqlite-thread.ts';

/** What is parsed is held in memory whole. */
const maxParsedBytes = 67_108_864;

/** Resolves when it is fit; throws StateUnfit. `at` instead of the state's own path, e.g. a copy of it. */
export async function checkState(state: NamedState, limits: TreeLimits, at: string = state.path): Promise<void> {
  const content = await readState(state, limits, at);
  if (state.schema === undefined) return;
  const fits = await readSchema(state.schema);
  if (!fits(content)) throw new StateUnfit('schema');
}

/** What the schema is asked about: the document, the text, the tables of a database, or the files of a folder. */
export async function readState(state: NamedState, limits: TreeLimits, at: string): Promise<Json> {
  await mustBe(state.format === 'directory' ? 'directory' : 'file', at, limits);
  if (state.format === 'directory') {
    const entries = await listTree(at, limits);
    const files = entries.flatMap((entry) => (entry.kind === 'file' ? [[entry.path, { bytes: entry.size }]] : []));
    return { files: Object.fromEntries(files) };
  }
  if (state.format === 'sqlite') {
    const result = await onSqliteThread({ do: 'check', file: at });
    if (!result.ok) throw new StateUnfit('damaged');
    if (Object.keys(result.tables).length === 0) throw new StateUnfit('empty');
    return { tables: result.tables };
  }
  return parseState(state.format, await readText(at));
}

async function readText(file: string): Promise<string> {
  const pieces: Buffer[] = [];
  await readSteadily(file, maxParsedBytes, (bytes) => void pieces.push(Buffer.from(bytes)));
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
  } catch (error) {
    throw new StateUnfit('syntax', error);
  }
  // A crash while a file grew leaves zeros where the rest should be.
  if (text.includes('\0')) throw new StateUnfit('syntax');
  return text;
}

type Parsed = Exclude<NamedState['format'], 'sqlite' | 'directory'>;

function parseState(format: Parsed, text: string): Json {
  if (format === 'text') return text;
  let value: unknown;
  try {
    if (format === 'toml') value = parseToml(text);
    else if (format === 'json') value = JSON.parse(text);
    else value = parseYaml(text, { maxAliasCount: 20 });
  } catch (error) {
    throw new StateUnfit(text.trim() === '' ? 'empty' : 'syntax', error);
  }
  // Cut off at its first byte, a file of TOML or YAML still parses.
  const nothing =
    value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0);
  if (nothing && format !== 'json') throw new StateUnfit('empty');
  // Times become text, as JSON has them.
  return JSON.parse(JSON.stringify(value)) as Json;
}

async function readSchema(file: string): Promise<(value: Json) => boolean> {
  try {
    const holds = readJsonSchema(JSON.parse(await readFile(file, 'utf8')) as Json);
    return (value) => {
      try {
        return holds(value);
      } catch (error) {
        throw new StateUnfit('schema-unreadable', error);
      }
    };
  } catch (error) {
    // A check that cannot be made is not one that was passed.
    throw new StateUnfit('schema-unreadable', error);
  }
}

export function onSqliteThread(job: SqliteJob): Promise<SqliteResult> {
  return new Promise((done) => {
    const worker = new Worker(new URL('./sqlite-thread.ts', import.meta.url), { workerData: job });
    worker.once('message', (result: SqliteResult) => {
      done(result);
      void worker.terminate();
    });
    worker.once('error', () => done({ ok: false }));
    worker.once('exit', () => done({ ok: false }));
  });
}
