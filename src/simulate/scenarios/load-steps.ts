// Load in steps: ever more users who ask at the same time, until the target refuses most of them or the last step is done.
import { createUser, type UserParts } from './users.ts';

export interface LoadStep {
  t: number;
  endT: number;
  users: number;
  asked: number;
  /** Ordinary or openly limited: an answer where the profile's pointer found one. */
  answered: number;
  medianMs: number;
}

const steps = [1, 2, 4, 8, 16];
const patienceMs = 8000;

/** Their questions are the measure itself and not part of the talk: what they said is not judged. */
export async function climbSteps(
  parts: Omit<UserParts, 'record'>,
  { stepMs, now, signal }: { stepMs: number; now: () => number; signal: AbortSignal },
  onStep: (step: LoadStep) => void,
): Promise<void> {
  for (const users of steps) {
    if (signal.aborted) return;
    const t = now();
    const times: number[] = [];
    let asked = 0;
    const talk = async (name: string) => {
      const user = createUser(name, 'user', { ...parts, record: () => undefined });
      do {
        const { status, answer, t: from, endT } = await user.ask('after', patienceMs);
        asked++;
        if (status !== null && status < 300 && answer !== null) times.push(endT - from);
      } while (now() - t < stepMs && !signal.aborted);
    };
    await Promise.all(Array.from({ length: users }, (_, index) => talk(`step-${users}-${index}`)));
    times.sort((a, b) => a - b);
    const medianMs = Math.round(times[times.length >> 1] ?? 0);
    onStep({ t, endT: now(), users, asked, answered: times.length, medianMs });
    if (times.length < asked / 2) return;
  }
}
