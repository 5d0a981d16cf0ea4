// Looks that several drills share: at containers from outside, at files by their hash, at what contacts were told.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSameProcess } from '../../platform/base/process-identity.ts';
import { type Look, type Sandbox, until } from './drill.ts';

export function hashOf(file: string): string | null {
  return existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : null;
}

/** The kernel says it: no such process, or none that is not a zombie. */
export function processGone(name: string, pid: number | null): Look {
  return { name, ok: pid !== null && !isSameProcess(pid, null), facts: { pid: pid ?? 0 } };
}

export async function portsClosed({ containers }: Sandbox, names: readonly string[]): Promise<Look> {
  const answering = await Promise.all(names.map((name) => containers.answers(name)));
  const open = names.filter((_, index) => answering[index]);
  return { name: 'ports-closed', ok: open.length === 0, facts: { containers: names.join(', ') } };
}

/** Patient, since what has just been started may be slow on a busy machine. */
export async function allAnswer({ containers }: Sandbox, name = 'services-answer'): Promise<Look> {
  let silent: readonly string[] = [];
  await until(async () => {
    const answering = await Promise.all(containers.names.map((one) => containers.answers(one)));
    silent = containers.names.filter((_, index) => !answering[index]);
    return silent.length === 0;
  }, 10_000);
  return { name, ok: silent.length === 0, facts: { silent: silent.join(', ') } };
}

/** A notice that names the incident arrived where the contacts are. */
export function contactsTold({ notices }: Sandbox, incident: string): Look {
  const about = notices.filter(({ body }) => body.includes(incident)).length;
  return { name: 'told', ok: about > 0, facts: { incident, notices: about } };
}

export function fileIs(name: string, file: string, hash: string | null): Look {
  const found = hashOf(file);
  return { name, ok: hash !== null && found === hash, facts: { hash: (found ?? 'none').slice(0, 12) } };
}

/** Whether a file below is named so, or (with `byContent`) has content of that hash. */
export function mentionedBelow(folder: string, word: string, byContent = false): boolean {
  if (!existsSync(folder)) return false;
  return readdirSync(folder, { recursive: true, withFileTypes: true }).some((entry) => {
    if (!entry.isFile()) return false;
    const file = join(entry.parentPath, entry.name);
    return file.includes(word) || (byContent && hashOf(file) === word);
  });
}
