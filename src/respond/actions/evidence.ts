// What actions find, kept as files of their own: once for a step, hashed, readable by nobody else, never overwritten.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createWhole } from '../../platform/base/create-whole.ts';
import type { JsonObject } from '../../platform/base/json.ts';
import type { ActionContext } from '../engine/action.ts';

export interface KeptFile extends JsonObject {
  /** Below the evidence folder. */
  file: string;
  sha256: string;
  bytes: number;
}

type Step = Pick<ActionContext, 'incident' | 'run' | 'idempotencyKey'>;

export interface Evidence {
  /** `name` may be any text; the file's name is made safe. A second time for the same step what is there stays, and is told. */
  keep(step: Step, name: string, ending: string, content: Uint8Array | string): KeptFile;
  /** Written before something that cannot be asked whether it happened. */
  begin(step: Step): void;
  begun(step: Step): boolean;
  /** Written last, so that its presence says that the step kept all it meant to. */
  finish(step: Step, facts: JsonObject): void;
  /** What `finish` was told. */
  finished(step: Step): JsonObject | undefined;
}

const listName = 'kept.json';
const beginName = 'begun';

export function createEvidence(folder: string): Evidence {
  const placeOf = ({ incident, run, idempotencyKey }: Step) =>
    join(safeName(incident ?? run), safeName(idempotencyKey.slice(0, 32)));
  const write = (step: Step, name: string, bytes: Uint8Array): KeptFile => {
    const place = placeOf(step);
    mkdirSync(join(folder, place), { recursive: true, mode: 0o700 });
    const file = join(place, name);
    const isNew = createWhole(join(folder, file), bytes);
    const kept = isNew ? bytes : readFileSync(join(folder, file));
    return { file, sha256: createHash('sha256').update(kept).digest('hex'), bytes: kept.length };
  };
  return {
    keep: (step, name, ending, content) => write(step, `${safeName(name)}.${ending}`, Buffer.from(content)),
    begin(step) {
      write(step, beginName, Buffer.from('\n'));
    },
    begun: (step) => existsSync(join(folder, placeOf(step), beginName)),
    finish(step, facts) {
      write(step, listName, Buffer.from(`${JSON.stringify(facts, null, 2)}\n`));
    },
    finished(step) {
      const place = join(folder, placeOf(step));
      try {
        if (!readdirSync(place).includes(listName)) return undefined;
        return JSON.parse(readFileSync(join(place, listName), 'utf8')) as JsonObject;
      } catch {
        return undefined;
      }
    },
  };
}

/** A name of a file: nothing of it leads elsewhere, and two texts that look alike do not fall together. */
export function safeName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(text)) return text;
  const plain = text
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .slice(0, 48)
    .replace(/^-+/, '');
  return `${plain === '' ? 'name' : plain}-${createHash('sha256').update(text).digest('hex').slice(0, 10)}`;
}
