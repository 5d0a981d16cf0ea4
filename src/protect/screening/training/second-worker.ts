// Trains the second reader in a thread of its own.
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { joined, normalise } from '../normalise.ts';
import { createSecond, type SecondWeights } from '../second.ts';
import { readVectors } from '../vectors.ts';
import type { Labelled } from './examples.ts';
import { type Lesson, rounded, trainSecond } from './learn-second.ts';

interface Task {
  lessons: readonly Lesson[];
  unseen: readonly Lesson[];
  vectorFile: Uint8Array;
}
export interface Trained {
  second: SecondWeights;
  /** What it says of the unseen texts, in their order. */
  logits: number[];
}
type Given = Pick<Labelled, 'text' | 'role' | 'attack'>;

/** A text as the second reader reads it. */
export function lessonOf({ text, role, attack }: Given): Lesson {
  return { text: joined(normalise(text)), tool: role === 'tool', attack };
}

export function trainApart(task: {
  lessons: readonly Given[];
  unseen: readonly Lesson[];
  vectorFile: Uint8Array;
}): Promise<Trained> {
  // An operator's prompt reads like an attack: it would only teach that rules are harmless.
  const lessons = task.lessons.filter(({ role }) => role !== 'system').map(lessonOf);
  const data: Task = { lessons, unseen: task.unseen, vectorFile: task.vectorFile };
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: data });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

if (!isMainThread) {
  const { lessons, unseen, vectorFile } = workerData as Task;
  const vectors = readVectors(vectorFile);
  const second = rounded(trainSecond(lessons, vectors));
  const reader = createSecond(second, vectors);
  const trained: Trained = { second, logits: unseen.map(({ text, tool }) => reader.read(text, tool)) };
  parentPort?.postMessage(trained);
}
