// A game day carried out: each step waits for its time and is a simulation of its own; one after the other, never two at once.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Simulation } from '../../platform/documents/simulation.ts';
import type { GameDayPlan, GameDayStep } from './plan.ts';

export interface PlayedStep {
  step: GameDayStep;
  /** Of this step's own report, within the game day's folder. */
  dir: string;
  startedAt: string;
  finishedAt: string;
  doc: Simulation;
}

export interface GameDayParts {
  signal: AbortSignal;
  /** Runs one step's methods and gives its report; `dir` is the step's folder by its name. */
  simulate: (step: GameDayStep, dir: string) => Promise<{ doc: Simulation; stopped: boolean }>;
  onStep: (step: GameDayStep, index: number, waitsMs: number) => void;
}

/** Ends early when it is interrupted, when something was not restored, or when a stop condition spoke: then nothing more is broken. */
export async function runGameDay({ steps }: GameDayPlan, parts: GameDayParts): Promise<PlayedStep[]> {
  const began = Date.now();
  const played: PlayedStep[] = [];
  for (const [index, step] of steps.entries()) {
    const waitsMs = Math.max(0, began + step.atMs - Date.now());
    parts.onStep(step, index, waitsMs);
    await sleep(waitsMs, undefined, { signal: parts.signal }).catch(() => undefined);
    if (parts.signal.aborted) break;
    const dir = `${String(index + 1).padStart(2, '0')}-${step.scenario}`;
    const startedAt = new Date().toISOString();
    const { doc, stopped } = await parts.simulate(step, dir);
    played.push({ step, dir, startedAt, finishedAt: new Date().toISOString(), doc });
    if (stopped || !doc.restored || parts.signal.aborted) break;
  }
  return played;
}
