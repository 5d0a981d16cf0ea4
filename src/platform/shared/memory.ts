// The one block of memory that all threads of a process count in: made once, handed to each thread as workerData.
import { hash, randomFillSync } from 'node:crypto';

/** `known`: callers we gave a key to. `anyone`: what a stranger can make up, such as addresses: filling it harms nobody else. */
export type CounterTable = 'known' | 'anyone';

export interface MemorySizes {
  /** Slots of each table of counters, a power of two. A slot takes 64 bytes. */
  known?: number;
  anyone?: number;
  /** Slots of the set, a power of two. A slot takes 16 bytes. */
  set?: number;
}

const magic = 0x52454d31;
const headerWords = 8;
export const wordsPerCounter = 8;
export const wordsPerMember = 2;

/** 65,536 counters for callers, as many for strangers, 16,384 members: 8.6 MB. */
export function createSharedMemory({
  known = 65_536,
  anyone = 65_536,
  set = 16_384,
}: MemorySizes = {}): SharedArrayBuffer {
  for (const size of [known, anyone, set])
    if (size < 2 || (size & (size - 1)) !== 0) throw new TypeError(`a table of ${size} slots: not a power of two`);
  const words = headerWords + (known + anyone) * wordsPerCounter + set * wordsPerMember;
  const memory = new SharedArrayBuffer(words * 8);
  const header = new Int32Array(memory, 0, headerWords * 2);
  header.set([magic, known, anyone, set]);
  randomFillSync(new Uint8Array(memory, 32, 16));
  return memory;
}

export interface Area {
  words: BigUint64Array;
  slots: number;
}

export function counterArea(memory: SharedArrayBuffer, table: CounterTable): Area {
  const { known, anyone } = sizesOf(memory);
  const first = headerWords + (table === 'known' ? 0 : known * wordsPerCounter);
  const slots = table === 'known' ? known : anyone;
  return { words: new BigUint64Array(memory, first * 8, slots * wordsPerCounter), slots };
}

export function setArea(memory: SharedArrayBuffer): Area {
  const { known, anyone, set } = sizesOf(memory);
  const first = headerWords + (known + anyone) * wordsPerCounter;
  return { words: new BigUint64Array(memory, first * 8, set * wordsPerMember), slots: set };
}

/** One number that all threads see, raised whenever the set changes. */
export function revisionOf(memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory, 24, 1);
}

function sizesOf(memory: SharedArrayBuffer): { known: number; anyone: number; set: number } {
  const [mark, known = 0, anyone = 0, set = 0] = new Int32Array(memory, 0, 4);
  if (mark !== magic) throw new TypeError('not a memory of createSharedMemory()');
  return { known, anyone, set };
}

/** What stands for a key: where its search begins, and 56 bits that a slot is known by. */
export interface Place {
  home: number;
  high: number;
  /** The lowest 8 bits are nought: the slot's incarnation goes there. */
  low: number;
}

/** Each thread remembers the places of the keys it met last. */
const remembered = 8_192;

/**
 * Keys are known by SHA-256 under a seed of this memory, so that nobody can make up a key that falls on another's slot.
 * Two keys are taken for one only when 56 bits agree and their homes (32 bits more) lie within reach of one another.
 */
export function createPlaces(memory: SharedArrayBuffer): (key: string) => Place {
  const seed = Buffer.from(new Uint8Array(memory, 32, 16)).toString('hex');
  const places = new Map<string, Place>();
  return (key) => {
    const met = places.get(key);
    if (met !== undefined) return met;
    const digest = hash('sha256', seed + key, 'buffer');
    // A slot that is free holds nought, so no key may.
    const place = {
      home: digest.readUInt32LE(0),
      high: digest.readUInt32LE(4) || 1,
      low: (digest.readUInt32LE(8) & 0xff_ff_ff_00) >>> 0,
    };
    if (places.size >= remembered) places.clear();
    places.set(key, place);
    return place;
  };
}
