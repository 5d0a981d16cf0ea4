// What tests of the simulator share: a sturdy little chatbot as target, and a simulation whose fault is on and can be killed.
import { existsSync, globSync, linkSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isSameProcess, processStartTime } from '../src/platform/base/process-identity.ts';
import { makePlace, type Place, type Running, start, until } from './instance.ts';

/** Answers every question from its database and its provider, and lives on when either fails. */
const bot = `
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
const { PORT, LLM_BASE_URL, LLM_API_KEY, LLM_TIMEOUT_MS, DB_PATH } = process.env;
const db = new DatabaseSync(DB_PATH);
db.exec('PRAGMA journal_mode=DELETE; CREATE TABLE IF NOT EXISTS m (id INTEGER PRIMARY KEY, text TEXT)');
createServer(async (req, res) => {
  let text = '';
  for await (const chunk of req) text += chunk;
  try {
    if (req.url === '/ready') return res.end('ok');
    db.prepare('INSERT INTO m (text) VALUES (?)').run(JSON.parse(text).message);
    const answer = await fetch(LLM_BASE_URL + '/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer ' + LLM_API_KEY },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: JSON.parse(text).message }] }),
      signal: AbortSignal.timeout(Math.min(3000, Number(LLM_TIMEOUT_MS))),
    });
    if (!answer.ok) throw new Error('no');
    res.end(JSON.stringify({ reply: (await answer.json()).choices[0].message.content }));
  } catch {
    res.writeHead(503).end(JSON.stringify({ error: 'The service is unavailable. Please try again in a minute.' }));
  }
}).listen(Number(PORT), '127.0.0.1');
`;

const profile = `
name: sturdy
start:
  command: [node, bot.mjs]
  env:
    PORT: "\${port}"
    LLM_BASE_URL: "\${upstream.url}"
    LLM_API_KEY: "\${upstream.key}"
    LLM_TIMEOUT_MS: "\${upstream.timeoutMs}"
    DB_PATH: "\${database.path}"
  ready: { url: "http://127.0.0.1:\${port}/ready", within: 120s }
ask:
  request: { method: POST, url: "http://127.0.0.1:\${port}/chat", body: { message: "\${question}" } }
  answer: /reply
database: { kind: sqlite }
`;

/** A place with the sturdy chatbot in it; temporary files of the simulator land there too. */
export function sturdyPlace(): Place & { env: Record<string, string> } {
  const place = makePlace();
  writeFileSync(join(place.dir, 'bot.mjs'), bot);
  writeFileSync(join(place.dir, 'sturdy.yaml'), profile);
  return { ...place, env: { TMPDIR: place.dir } };
}

interface Process {
  pid: number;
  startTime: string | null;
}
export type UndoEntry =
  | { kind: 'database'; file: string; copies: { path: string; sha256: string }[] }
  | ({ kind: 'process'; what: string } & Process)
  | { kind: 'permission' | 'directory' };

/** What stands in the undo log of a data directory, done or not. */
export function undoEntries(data: string): UndoEntry[] {
  const file = join(data, 'undo', 'undo.jsonl');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        const { undo } = JSON.parse(line) as { undo?: UndoEntry };
        return undo === undefined ? [] : [undo];
      } catch {
        return [];
      }
    });
}

export interface Broken extends Running {
  place: ReturnType<typeof sturdyPlace>;
  data: string;
  keeper: Process;
  /** Target, burner, holder of a lock. */
  helpers: () => Process[];
  /** A second name of the database's file, which lives on when the work directory is removed. */
  database: string | null;
  /** The evidence says that the fault is on. */
  isInjected: () => boolean;
}

function isInjected(data: string): boolean {
  const files = globSync(join(data, 'runs/*/evidence.jsonl'));
  return files.some((file) => readFileSync(file, 'utf8').includes('"action":"injected"'));
}

/** Starts one method at the real pace, so that its fault stays on, and resolves once `isOn` says that it is. */
export async function startFault(
  scenario: string,
  method: string,
  isOn: (entries: UndoEntry[]) => boolean = () => true,
): Promise<Broken> {
  const place = sturdyPlace();
  const data = join(place.dir, 'data');
  const args = ['simulate', scenario, '--method', method, '--target', 'sturdy.yaml', '--pace', 'real', '--runs', '1'];
  const running = start([...args, '--allow-load', '--data', data], { cwd: place.dir, env: place.env });
  await until(() => {
    if (running.child.exitCode !== null) throw new Error(`ended too early: ${running.stderr()}${running.stdout()}`);
    const entries = undoEntries(data);
    return entries.some((entry) => entry.kind === 'process') && isOn(entries);
  });
  const keeper = JSON.parse(readFileSync(join(data, 'undo', 'keeper.json'), 'utf8')) as Process;
  const found = undoEntries(data).find((entry) => entry.kind === 'database');
  let database: string | null = null;
  if (found !== undefined) {
    database = join(place.dir, 'database-kept.sqlite');
    linkSync(found.file, database);
  }
  const helpers = () => undoEntries(data).flatMap((entry) => (entry.kind === 'process' ? [entry] : []));
  return { ...running, place, data, keeper, helpers, database, isInjected: () => isInjected(data) };
}

export const lives = ({ pid, startTime }: Process): boolean => isSameProcess(pid, startTime);

export function identify(pid: number): Process {
  return { pid, startTime: processStartTime(pid) };
}

/** The messages that a database holds; throws when it is unusable. */
export function messagesIn(file: string): number {
  const db = new DatabaseSync(file);
  try {
    if (db.prepare('PRAGMA integrity_check').get()?.['integrity_check'] !== 'ok') throw new Error('not sound');
    return Number(db.prepare('SELECT count(*) AS n FROM m').get()?.['n']);
  } finally {
    db.close();
  }
}

export function isUsable(file: string): boolean {
  try {
    return messagesIn(file) > 0;
  } catch {
    return false;
  }
}
