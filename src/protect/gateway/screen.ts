// Where a call's texts are checked before they leave. The check comes in as a part and must return a verdict.
import type { Turn } from './dialects/dialect.ts';

export type Verdict =
  | { kind: 'clean' }
  /** The check failed. */
  | { kind: 'unscreened'; cause: unknown };

export type Screen = (turns: readonly Turn[]) => Promise<Verdict>;

/** The check's verdict; its failure is a verdict too. */
export async function screenTurns(screen: Screen, turns: readonly Turn[]): Promise<Verdict> {
  try {
    return await screen(turns);
  } catch (cause) {
    return { kind: 'unscreened', cause };
  }
}

/** No rules are configured, so there is nothing to check. */
export const withoutRules: Screen = () => Promise.resolve({ kind: 'clean' });
