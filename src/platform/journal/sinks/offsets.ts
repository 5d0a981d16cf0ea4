// The place up to which a sink has everything, and the records it would not have: a file each, synced, in the data directory.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../../base/write-whole.ts';
import type { JournalRecord } from '../record.ts';
import type { Place, Places } from './follow.ts';

export interface Offsets {
  places: Places;
  /** On disk when it returns. */
  save(places: Places): void;
  /** Kept, with the reason, before the place moves on past it. */
  setAside(record: JournalRecord, why: string): void;
}

export function offsetsFile(folder: string, name: string): string {
  return join(folder, `${name}.json`);
}

export function openOffsets(folder: string, name: string, now: () => number): Offsets {
  const file = offsetsFile(folder, name);
  const offsets: Offsets = {
    places: readPlaces(file),
    save(places) {
      writeWhole(file, [`${JSON.stringify({ sink: name, places })}\n`]);
      offsets.places = places;
    },
    setAside({ stream, seq, hash }, why) {
      mkdirSync(folder, { recursive: true });
      const fd = openSync(join(folder, `${name}.refused.jsonl`), 'a', 0o600);
      try {
        writeSync(fd, `${JSON.stringify({ at: new Date(now()).toISOString(), stream, seq, hash, why })}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    },
  };
  return offsets;
}

/** A file that is missing or cannot be read means: from the beginning. What comes twice has the same name. */
export function readPlaces(file: string): Places {
  if (!existsSync(file)) return {};
  try {
    const { places } = JSON.parse(readFileSync(file, 'utf8')) as { places?: unknown };
    if (typeof places !== 'object' || places === null) return {};
    return Object.fromEntries(Object.entries(places).filter((entry): entry is [string, Place] => isPlace(entry[1])));
  } catch {
    return {};
  }
}

function isPlace(value: unknown): value is Place {
  const { segment, byte, seq, hash } = (value ?? {}) as Partial<Record<keyof Place, unknown>>;
  return (
    typeof segment === 'string' && Number.isSafeInteger(byte) && Number.isSafeInteger(seq) && typeof hash === 'string'
  );
}
