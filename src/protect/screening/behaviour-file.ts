// The baseline of behaviour kept in a file, so that a restart does not forget what is usual here.
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import type { Log } from '../../platform/base/log.ts';
import { type Behaviour, type BehaviourSettings, createBehaviour } from './behaviour.ts';

export interface BehaviourFile {
  behaviour: Behaviour;
  /** Writes what was learned since. */
  close(): Promise<void>;
}

export interface BehaviourFileParts {
  file: string;
  now: () => number;
  log: Log;
  /** What another thread has learned, where several do; kept is what is known best. */
  elsewhere?: (() => Promise<{ learned: number; saved: string } | undefined>) | undefined;
}

const saveEveryMs = 60_000;

/** A file that is missing or cannot be read begins a new baseline. */
export async function openBehaviour(
  { file, now, log, elsewhere = async () => undefined }: BehaviourFileParts,
  settings: BehaviourSettings,
): Promise<BehaviourFile> {
  const saved = readSaved(file);
  const behaviour = createBehaviour(
    { now, seed: randomInt(1, 2 ** 31), ...(saved === undefined ? {} : { saved }) },
    settings,
  );
  let written = behaviour.state().learned;
  let writing = Promise.resolve();

  async function best(): Promise<{ learned: number; saved: string }> {
    const { learned } = behaviour.state();
    const other = await elsewhere();
    return other !== undefined && other.learned > learned ? other : { learned, saved: behaviour.save() };
  }

  async function save(): Promise<void> {
    const { learned, saved } = await best();
    if (learned === written) return writing;
    written = learned;
    writing = writing
      .then(() => writeFile(`${file}.new`, saved, { mode: 0o600 }))
      .then(() => rename(`${file}.new`, file))
      .catch((err: unknown) => log.warn({ err }, 'the baseline of behaviour could not be saved'));
    return writing;
  }

  const timer = setInterval(save, saveEveryMs).unref();
  return {
    behaviour,
    async close() {
      clearInterval(timer);
      await save();
    },
  };
}

function readSaved(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
