// What a state is when no backup of it can be used: an ordinary decision, half sure, and marked as made in an emergency.
import { mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TomlTable, stringify as toToml } from 'smol-toml';
import { stringify as toYaml } from 'yaml';
import { onSqliteThread } from './check-state.ts';
import { type NamedState, StateUnfit } from './named-state.ts';

type Table = Readonly<Record<string, unknown>>;

/** The document with the profile's `minimal` laid over it; `at` in milliseconds since the epoch. */
export function minimalDocument(minimal: Table = {}, at: number): Table {
  const time = new Date(at).toISOString();
  const justification = 'emergency_rollback_default_state';
  // A profile that names the decision in one word has its state in one table; else it has two.
  const flat = minimal['decision'] !== undefined && !isTable(minimal['decision']);
  const base = flat
    ? {
        decision: 'normal',
        confidence: 0.5,
        justification,
        timestamp: time,
        version: 'emergency_fallback',
        restore_time: time,
      }
    : {
        decision: { last_decision: 'normal', confidence_score: 0.5, justification, timestamp: time },
        metadata: { version: 'emergency_fallback', restore_time: time },
      };
  return merged(base, minimal);
}

/** Whether there is one for this format at all. */
export function hasMinimal({ format, minimal = {} }: NamedState): boolean {
  if (format === 'sqlite') return typeof minimal['sql'] === 'string';
  if (format === 'text') return typeof minimal['text'] === 'string';
  return true;
}

/** Writes it to a new file or folder, synced. Throws StateUnfit. */
export async function writeMinimal(state: NamedState, at: number, to: string): Promise<void> {
  if (!hasMinimal(state)) throw new StateUnfit('no-minimal');
  const { format, minimal = {} } = state;
  if (format === 'sqlite') {
    const made = await onSqliteThread({ do: 'create', file: to, sql: String(minimal['sql']) });
    if (!made.ok) throw new StateUnfit('no-minimal');
    return;
  }
  if (format === 'directory') {
    await mkdir(to, { mode: 0o700 });
    for (const [path, text] of Object.entries(minimal)) await writeBelow(to, path, text);
    return;
  }
  const document = minimalDocument(minimal, at);
  const text = {
    toml: () => toToml(document as TomlTable),
    json: () => `${JSON.stringify(document, null, 2)}\n`,
    yaml: () => toYaml(document),
    text: () => String(minimal['text']),
  }[format]();
  await writeSynced(to, text);
}

/** A folder's minimal names its files and their text. */
async function writeBelow(folder: string, path: string, text: unknown): Promise<void> {
  if (typeof text !== 'string' || path.split('/').some((part) => ['', '.', '..'].includes(part)))
    throw new StateUnfit('no-minimal');
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeSynced(file, text);
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await writeFile(handle, text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Tables are merged; all else of the profile's replaces. */
function merged(base: Table, over: Table): Table {
  const entries = Object.entries(over).map(([key, value]) => {
    const under = base[key];
    return [key, isTable(under) && isTable(value) ? merged(under, value) : value];
  });
  return { ...base, ...Object.fromEntries(entries) };
}
