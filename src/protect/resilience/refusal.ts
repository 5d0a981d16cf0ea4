// A provider key that was refused: out at once, and tried again so rarely that an attacker's or auditor's log stays short.

export interface RefusalSettings {
  /** Uses of a refused key in one outage, the one that found out among them. */
  maxUses: number;
  /** Before the first new try; doubled before the next. */
  probeAfterMs: number;
}

export const defaultRefusal: RefusalSettings = { maxUses: 3, probeAfterMs: 60_000 };

export type Refusal =
  | { kind: 'accepted' }
  | { kind: 'refused'; uses: number; nextProbeAt: number }
  /** Every use is spent: only new configuration or an operator brings it back. */
  | { kind: 'spent' };

/** The state after one more refusal. */
export function refuse(state: Refusal, now: number, { maxUses, probeAfterMs }: RefusalSettings): Refusal {
  if (state.kind === 'spent') return state;
  const uses = state.kind === 'accepted' ? 1 : state.uses + 1;
  if (uses >= maxUses) return { kind: 'spent' };
  return { kind: 'refused', uses, nextProbeAt: now + probeAfterMs * 2 ** (uses - 1) };
}
