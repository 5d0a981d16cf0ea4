// What all threads of one instance have in common while it runs on several: a bus that is caught up with before each request, and seats.
import { randomUUID } from 'node:crypto';
import { type Bus, createBus } from '../../platform/shared/bus.ts';
import { createSeatMemory, openSeats, type Seats, vacate } from '../../platform/shared/seats.ts';
import type { ProviderHeaders } from '../../platform/wire/provider-errors.ts';
import type { HealthEvent } from './shared-health.ts';

/** Handed to each thread as it is. */
export interface CrewMemory {
  /** Of the bus: no two instances of one process share one. */
  name: string;
  /** What was published so far, then a beat of each thread. */
  words: SharedArrayBuffer;
  places: SharedArrayBuffer;
  connections: SharedArrayBuffer;
}

/** By what it is about; plain data. */
export interface Past {
  health: Map<string, HealthEvent[]>;
  limits: Map<string, ProviderHeaders>;
}

export interface Crew {
  bus: Bus;
  /** Calls at work. */
  places: Seats;
  connections: Seats;
  /** What has been learned of providers and still holds, for a thread that begins later. */
  past: Past;
  /** Still alive: the main thread looks now and then whether this changes. */
  beat(): void;
}

/** `workers`: beside the main thread, which is thread 0. */
export function createCrewMemory(workers: number): CrewMemory {
  return {
    name: randomUUID(),
    words: new SharedArrayBuffer(4 * (2 + workers)),
    places: createSeatMemory(workers + 1),
    connections: createSeatMemory(workers + 1),
  };
}

export function joinCrew(
  memory: CrewMemory,
  thread: number,
  past: Past = { health: new Map(), limits: new Map() },
): Crew {
  const words = new Int32Array(memory.words);
  return {
    bus: createBus(memory.name, words),
    places: openSeats(memory.places, thread),
    connections: openSeats(memory.connections, thread),
    past,
    beat: () => void Atomics.add(words, 1 + thread, 1),
  };
}

/** How often a thread has beaten. */
export function beatsOf(memory: CrewMemory, thread: number): number {
  return Atomics.load(new Int32Array(memory.words), 1 + thread);
}

/** What a dead thread held is free again. */
export function bury(memory: CrewMemory, thread: number): void {
  vacate(memory.places, thread);
  vacate(memory.connections, thread);
}
