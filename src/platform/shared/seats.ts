// What is under way on all threads at once: how many are at work, and how many of one key; never more than are allowed, whatever the threads do at the same time.
import { hash, randomFillSync } from 'node:crypto';

export interface Seats {
  /** One more of this key, unless there would be more than `most`. */
  hold(key: string, most: number): boolean;
  free(key: string): void;
  /** One more at work, unless there would be more than `most`. */
  sit(most: number): boolean;
  rise(): void;
  running(): number;
  /** Others take and free seats too, without a word: who waits here has to look. */
  isShared: boolean;
}

/** Of one thread that is alone. */
export function ownSeats(): Seats {
  const held = new Map<string, number>();
  let running = 0;
  return {
    isShared: false,
    hold(key, most) {
      const count = held.get(key) ?? 0;
      if (count >= most) return false;
      held.set(key, count + 1);
      return true;
    },
    free(key) {
      const left = (held.get(key) ?? 1) - 1;
      if (left > 0) held.set(key, left);
      else held.delete(key);
    },
    sit(most) {
      if (running >= most) return false;
      running++;
      return true;
    },
    rise() {
      running--;
    },
    running: () => running,
  };
}

const headerBytes = 16;
/**
 * A key is counted in one cell of each line, and the least of its cells is taken: never too low, and too high only where
 * others fall on all of its cells at once (of a hundred keys in use, one in sixty thousand).
 */
const lines = 3;
const columns = 4_096;
const rowCells = 1 + lines * columns;
const remembered = 8_192;

/** A row for each thread, 49 kB: only the thread itself writes in it, so that it can be emptied when the thread is dead. */
export function createSeatMemory(threads: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(headerBytes + threads * rowCells * 4);
  randomFillSync(new Uint8Array(memory, 0, headerBytes));
  return memory;
}

function cellsOf(memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory, headerBytes);
}

/** All that a thread held is free again. Only for one that has ended. */
export function vacate(memory: SharedArrayBuffer, thread: number): void {
  cellsOf(memory).fill(0, thread * rowCells, (thread + 1) * rowCells);
}

export function openSeats(memory: SharedArrayBuffer, thread: number): Seats {
  const cells = cellsOf(memory);
  const threads = cells.length / rowCells;
  const own = thread * rowCells;
  const seed = Buffer.from(new Uint8Array(memory, 0, headerBytes)).toString('hex');
  const known = new Map<string, readonly number[]>();

  /** Places within a row. */
  function placesOf(key: string): readonly number[] {
    const met = known.get(key);
    if (met !== undefined) return met;
    const digest = hash('sha256', seed + key, 'buffer');
    const places = Array.from(
      { length: lines },
      (_, line) => 1 + line * columns + (digest.readUInt16LE(line * 2) % columns),
    );
    if (known.size >= remembered) known.clear();
    known.set(key, places);
    return places;
  }

  function total(place: number): number {
    let sum = 0;
    for (let row = 0; row < threads; row++) sum += Atomics.load(cells, row * rowCells + place);
    return sum;
  }

  function change(places: readonly number[], by: 1 | -1): void {
    for (const place of places) Atomics.add(cells, own + place, by);
  }

  return {
    isShared: true,
    // Counted first and looked at then: of two threads that take the last seat at once, none or one gets it.
    hold(key, most) {
      const places = placesOf(key);
      change(places, 1);
      if (most === Number.POSITIVE_INFINITY) return true;
      let least = Number.POSITIVE_INFINITY;
      for (const place of places) least = Math.min(least, total(place));
      if (least <= most) return true;
      change(places, -1);
      return false;
    },
    free: (key) => change(placesOf(key), -1),
    sit(most) {
      Atomics.add(cells, own, 1);
      if (total(0) <= most) return true;
      Atomics.sub(cells, own, 1);
      return false;
    },
    rise() {
      Atomics.sub(cells, own, 1);
    },
    running: () => total(0),
  };
}
